/** Where a guest has `SYSTEM_LOAD`. */
export const LOAD_IN_GUEST = "/root/system_load.sh";

/** The modules that the load needs, if the kernel does not have them built in. */
export const LOAD_MODULES = ["nvme", "ext4"] as const;

/**
 * A script that makes ordinary system calls of every kind: processes, signals, pipes, memory, files on two file systems,
 * mounts, name spaces, sockets, timers, /proc and /sys. It takes a few seconds when it is emulated. Its exit code is 0, or
 * its stderr says what failed. It may run several times.
 */
export const SYSTEM_LOAD = `#!/bin/sh
fail() {
  echo "$*" >&2
  exit 1
}
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
mkdir -p /tmp/bound && mount -t tmpfs -o size=1m own /tmp/bound || fail "mount tmpfs"
dd if=/dev/zero of=/tmp/bound/full bs=64k count=32 2>/dev/null && fail "a file is larger than its file system"
mount --bind /tmp/bound /mnt && umount /mnt && umount /tmp/bound || fail "bind mount"
echo 2 >/proc/sys/vm/drop_caches
i=0
while [ $i -lt 15 ]; do
  (sh -c 'exit 3' | cat) && i=$((i + 1))
done
mkfifo /tmp/fifo && (echo through >/tmp/fifo &) && [ "$(cat /tmp/fifo)" = through ] || fail "fifo"
rm /tmp/fifo
find /sys/kernel /sys/module /sys/class /sys/bus -maxdepth 3 >/dev/null
cat /proc/meminfo /proc/vmstat /proc/stat /proc/self/maps /proc/self/status /proc/mounts /proc/net/* >/dev/null 2>&1
ping -c 1 -W 5 127.0.0.1 >/dev/null || fail "ping"
mkdir -p /tmp/served && dd if=/dev/urandom of=/tmp/served/sent bs=1k count=200 2>/dev/null
httpd -f -p 127.0.0.1:7777 -h /tmp/served &
server=$!
heard=no
for _ in 1 2 3 4 5 6 7 8 9 10; do
  printf 'GET /sent HTTP/1.0\\r\\n\\r\\n' | timeout 20 nc 127.0.0.1 7777 | tail -c 204800 >/tmp/got
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
`;
