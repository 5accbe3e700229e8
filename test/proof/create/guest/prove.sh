#!/bin/sh
# What is done to a made module in the guest: prove.sh apply NAME | undo NAME | log. Exit code 0, or what failed
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

verb=$1
shift
case $verb in
  apply | undo) $verb "$@" ;;
  log) dmesg -c ;;
  *) fail "prove.sh: $verb" ;;
esac
