#!/bin/sh
# The init program of the emulated machine: it starts one server after the other, runs the client against each, and
# powers off. The jobs are in /jobs, one a line: SERVER CASE PATH WARM_UP REQUESTS ROUNDS [conditional].
export PATH=/bin:/usr/bin:/usr/sbin HOME=/tmp
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
ip link set lo up

start_nginx() {
  nginx -c /etc/nginx.conf -e /tmp/nginx.log &
  pid=$!
  port=8080
  sleep 1
}

start_own() {
  mkfifo /tmp/input
  sleep 1000000 >/tmp/input &
  node /app/bench/servers/static.js /www 16384 </tmp/input >/tmp/output 2>&1 &
  pid=$!
  port=
  while [ -z "$port" ]; do
    sleep 1
    kill -0 "$pid" || cat /tmp/output
    port=$(sed -n 's/^PORT //p' /tmp/output)
  done
}

for server in nginx own; do
  "start_$server"
  grep "^$server " /jobs | while read -r _ name path rest; do
    echo "CASE $server $name"
    # shellcheck disable=SC2086
    client "$pid" "$port" "$path" $rest
  done
  kill "$pid"
done
echo DONE
poweroff -f
