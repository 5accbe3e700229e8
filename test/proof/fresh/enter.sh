#!/bin/sh
# The first process in the fresh root, in mount and process namespaces of its own: what it mounts nobody else sees,
# and it goes away with the last process. /proc is mounted already. Runs its arguments.
set -e
mount -t sysfs -o ro sys /sys
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
# Terminals, as every machine has them.
mkdir -p /dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
[ -e /dev/ptmx ] || : >/dev/ptmx
mount --bind /dev/pts/ptmx /dev/ptmx
exec "$@"
