/** The script of a guest's first process. It speaks with `Agent` (agent.ts), which says what is spoken. */
export const GUEST_INIT = `#!/bin/busybox sh
# The guest's first process. It mounts, loads the modules that /etc/modules.order names, brings the network up and
# serves commands on the virtio port until the port or the machine goes away.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
chmod 1777 /tmp
while read -r module; do insmod "$module" || echo "init: $module was refused"; done </etc/modules.order
hostname guest
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up && route add default gw 10.0.2.2
mkdir -p /run/agent
mkfifo /run/agent/done
cd /root || exit
port=$(grep -l rebootless.agent /sys/class/virtio-ports/*/name)
port=\${port%/name}
exec 3<>"/dev/\${port##*/}" 4<>/run/agent/done

# One process alone answers, so that answers never mix: finished commands queue up in a pipe.
answer() {
  while read -r id code <&4; do
    job=/run/agent/$id
    printf '%s %s %s %s\\n' "$id" "$code" "$(stat -c %s "$job.out")" "$(stat -c %s "$job.err")" >&3
    cat "$job.out" "$job.err" >&3
    rm -f "$job.sh" "$job.out" "$job.err"
  done
}
receive() { # LENGTH: exactly so many bytes from the port to stdout
  [ "$1" -lt 65536 ] || dd bs=65536 count=$(($1 / 65536)) iflag=fullblock <&3 2>/dev/null
  [ $(($1 % 65536)) -eq 0 ] || dd bs=$(($1 % 65536)) count=1 iflag=fullblock <&3 2>/dev/null
}
serve() {
  while read -r verb id length mode path <&3; do
    job=/run/agent/$id
    case $verb in
      exec)
        receive "$length" >"$job.sh"
        # Its own session, so that \`kill\` reaches everything it started.
        (
          setsid sh "$job.sh" >"$job.out" 2>"$job.err" </dev/null 3>&- 4>&- &
          echo $! >"$job.pid"
          wait $!
          echo "$id $?" >&4
          rm -f "$job.pid"
        ) &
        ;;
      put)
        : >"$job.out"
        { mkdir -p "\${path%/*}/" && receive "$length" >"$path" && chmod "$mode" "$path"; } 2>"$job.err"
        echo "$id $?" >&4
        ;;
      kill) kill -KILL -"$(cat "$job.pid")" 2>/dev/null ;;
    esac
  done
}
answer &
echo ready >&3
serve
echo "init: the agent's port is closed"
poweroff -f
`;
