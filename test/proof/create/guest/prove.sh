#!/bin/sh
# What is done to a made module in the guest: prove.sh apply NAME | undo NAME | smoke | log. Exit code 0, or what failed
# as the last line of stderr. Modules lie in /root/made/NAME.ko.
patch=/sys/kernel/livepatch/$2
LIMIT=1200 # tenths of a second

fail() {
  echo "$*" >&2
  exit 1
}
apply() {
  insmod "/root/made/$1.ko" || fail "insmod: $(dmesg | tail -n 3)"
  tenths=0
  while [ "$(cat "$patch/transition")" != 0 ]; do
    [ $tenths -lt $LIMIT ] || fail "the transition does not end: $(grep -l 0 /proc/[0-9]*/patch_state)"
    tenths=$((tenths + 1))
    usleep 100000
  done
}
undo() {
  echo 0 >"$patch/enabled" || fail "it cannot be disabled"
  tenths=0
  while [ -e "$patch" ]; do
    [ $tenths -lt $LIMIT ] || fail "the transition back does not end"
    tenths=$((tenths + 1))
    usleep 100000
  done
  # The last reference goes a moment after the folder.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    rmmod "$1" && return
    usleep 100000
  done
  fail "rmmod refuses"
}

# Processes, memory, files on two file systems, pipes, sockets, timers, /proc and /sys: in a few seconds of emulation.
smoke() {
  disk=/mnt/disk
  if ! [ -e $disk ]; then
    mkdir -p $disk
    mke2fs -q /dev/nvme0n1 >/dev/null || fail "mke2fs"
  fi
  mount -t ext4 /dev/nvme0n1 $disk || fail "mount ext4"
  for folder in /tmp $disk; do
    mkdir -p $folder/smoke/deep
    dd if=/dev/urandom of=$folder/smoke/a bs=64k count=16 2>/dev/null || fail "dd to $folder"
    cp $folder/smoke/a $folder/smoke/deep/b && ln $folder/smoke/a $folder/smoke/c && ln -s a $folder/smoke/d
    mv $folder/smoke/deep/b $folder/smoke/b && sync
    cmp $folder/smoke/a $folder/smoke/b || fail "cmp in $folder"
    truncate -s 100 $folder/smoke/b && echo more >>$folder/smoke/b
    ls -lR $folder/smoke >/dev/null && df $folder >/dev/null
    rm -r $folder/smoke || fail "rm in $folder"
  done
  umount $disk || fail "umount"
  echo 2 >/proc/sys/vm/drop_caches
  i=0
  while [ $i -lt 15 ]; do
    (sh -c 'exit 3' | cat) && i=$((i + 1))
  done
  find /sys/kernel /sys/module /sys/class /sys/bus -maxdepth 3 >/dev/null
  cat /proc/meminfo /proc/vmstat /proc/stat /proc/self/maps /proc/self/status /proc/mounts /proc/net/* >/dev/null 2>&1
  ping -c 1 -W 5 127.0.0.1 >/dev/null || fail "ping"
  mkdir -p /tmp/served && dd if=/dev/urandom of=/tmp/served/sent bs=1k count=200 2>/dev/null
  httpd -f -p 127.0.0.1:7777 -h /tmp/served &
  server=$!
  heard=no
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    printf 'GET /sent HTTP/1.0\r\n\r\n' | timeout 20 nc 127.0.0.1 7777 | tail -c 204800 >/tmp/got
    cmp -s /tmp/served/sent /tmp/got && heard=yes && break
    usleep 300000
  done
  kill $server
  wait $server 2>/dev/null
  [ $heard = yes ] || fail "tcp: other bytes came"
  (sleep 30 & kill -TERM $!; wait $!) 2>/dev/null
  timeout 1 sleep 5
  unshare -m -u -i true && nslookup localhost 127.0.0.1 >/dev/null 2>&1
  true
}

verb=$1
shift
case $verb in
  apply | undo | smoke) $verb "$@" ;;
  log) dmesg -c ;;
  *) fail "prove.sh: $verb" ;;
esac
