# Runs on the other platform: the executable as a server, with the demo agent. Prints what the checks look at. Arguments: how
# the executable is started.
cd /tmp
"$@" serve --demo --port 8080 > /tmp/log 2>&1 &
server=$!
# Without curl the executable is its own client, as the Bun that it is.
ask() {
  path=$1 body=$2
  shift 2
  if command -v curl > /dev/null; then
    curl --silent --max-time 60 -H 'content-type: application/json' ${body:+--data "$body"} "http://127.0.0.1:8080$path"
  else
    BUN_BE_BUN=1 "$@" /opt/request.ts "$path" '' "$body" 2> /dev/null
  fi
}
tries=0
until grep -q listens /tmp/log && ask /health '' "$@" > /tmp/health; do
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
