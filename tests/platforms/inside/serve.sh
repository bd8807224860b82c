# Runs on the other processor: the executable as a server, with the demo agent. Prints what the checks look at.
clinvk serve --demo --port 8080 > /tmp/log 2>&1 &
server=$!
ask() { BUN_BE_BUN=1 clinvk /opt/request.ts "$@" 2> /dev/null; }
tries=0
until ask /health > /tmp/health; do
  tries=$((tries + 1))
  if [ $tries -gt 60 ]; then
    cat /tmp/log
    exit 1
  fi
  sleep 1
done
cat /tmp/health
ask /api/v1/prompt '' '{"backend": "demo", "prompt": "hello"}'
kill -TERM $server
wait $server
echo "ended with $?"
