# Runs on the other platform: the executable as a server, with the demo agent. Prints what the checks look at. Arguments: how
# the executable is started.
cd /tmp
"$@" serve --demo --port 8080 > /tmp/log 2>&1 &
server=$!
ask() {
  path=$1 body=$2
  shift 2
  BUN_BE_BUN=1 "$@" /opt/request.ts "$path" "" "$body" 2> /dev/null
}
tries=0
until ask /health '' "$@" > /tmp/health; do
  tries=$((tries + 1))
  if [ $tries -gt 60 ]; then
    cat /tmp/log
    exit 1
  fi
  sleep 1
done
cat /tmp/health
ask /api/v1/prompt '{"backend": "demo", "prompt": "hello"}' "$@"
kill -TERM $server
wait $server
echo "ended with $?"
