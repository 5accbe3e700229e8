#!/bin/sh
# The first process in the fresh root, in mount and process namespaces of its own: what it mounts nobody else sees,
# and it goes away with the last process. /proc is mounted already. Runs its arguments.
set -e
mount -t sysfs -o ro sys /sys
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
exec "$@"
