# shellcheck shell=bash
# Takes the place of what the kernel's functions.sh does to live patches with modprobe, sysfs and rmmod: the host's
# client does it, from the feed. The kernel log has to come out the same, so the lines that announce a step stay.
# $PUBLISHER is set before this: its /publish has an update put into the feed as the step wants it.

CLIENT_LOG=/root/selftests/client.log

client() {
	{ echo "# rebootless $*"; node /usr/lib/rebootless/rebootless.cjs "$@"; } >>"$CLIENT_LOG" 2>&1
}

client_or_die() {
	: >"$CLIENT_LOG"
	client "$@" || die "$(cat "$CLIENT_LOG")"
}

update_of() {
	echo "${1//_/-}"
}

# put_into_feed(modname, params): an update has no parameters, so the publisher picks the build that has them built in
put_into_feed() {
	wget -q -O - "$PUBLISHER/publish?module=$1&parameters=${2-}" >"$CLIENT_LOG" || die "the publisher: $(cat "$CLIENT_LOG")"
}

announce() {
	local line="% modprobe $*"
	log "$line"
}

load_lp() {
	put_into_feed "$@"
	announce "$@"
	client_or_die upgrade "$(update_of "$1")" --partial
}

# The client waits for the transition, and gives up after a time: before the kernel signals the tasks in the way, which
# it does after 15 s and logs.
STALL_DEADLINE=11s

load_lp_nowait() {
	local mod=$1
	put_into_feed "$@"
	announce "$@"
	: >"$CLIENT_LOG"
	client upgrade "$(update_of "$mod")" --partial --set "stall_deadline=$STALL_DEADLINE" &
	WAITING=$!
	loop_until '[[ -e "/sys/kernel/livepatch/$mod" ]]' || die "no transition: $(cat "$CLIENT_LOG")"
}

disable_lp() {
	log "% echo 0 > /sys/kernel/livepatch/$1/enabled"
	if [[ -n "${WAITING-}" ]]; then
		await_reversal
	else
		client_or_die undo "$(update_of "$1")"
	fi
	[[ ! -e "/sys/kernel/livepatch/$1" ]] || die "$1 is still there after its undoing"
}

# Who waits for a transition that does not end turns it back by itself.
await_reversal() {
	wait "$WAITING" && die "the upgrade went through: $(cat "$CLIENT_LOG")"
	WAITING=
}

# The client took the module out when it took the patch out of force.
unload_lp() {
	log "% rmmod $1"
	[[ ! -e "/sys/module/$1" ]] || die "$1 is still loaded after its undoing"
}

eval "$(declare -f load_failing_mod | sed '1s/^load_failing_mod/load_failing_other/')"

# refused(modname, option...): the cause for which the client refuses; fails when it does not
refused() {
	: >"$CLIENT_LOG"
	client --json upgrade "$(update_of "$1")" --partial "${@:2}" && return 1
	[[ ! -e "/sys/module/$1" ]] || die "$1 is still loaded after its failing"
	sed -n 's/.*"cause":"\([a-z_]*\)".*/\1/p' "$CLIENT_LOG"
}

# load_failing_mod(modname, params): the client has to refuse, leave nothing and know the kernel's reason
load_failing_mod() {
	local cause
	is_livepatch_mod "$1" && put_into_feed "$@"
	# What is not for the client, or what it knows without trying: the kernel has to say the same.
	if ! is_livepatch_mod "$1" || [[ $(refused "$1" --dry-run) == ftrace_disabled ]]; then
		load_failing_other "$@"
		return
	fi
	announce "$@"
	cause=$(refused "$1") || die "$1 unexpectedly loaded"
	log "modprobe: ERROR: could not insert '$1': $(words_for "$cause")"
}

# modprobe's words for the error with which the kernel refuses for a cause
words_for() {
	case $1 in
		incompatible_state) echo 'Invalid argument' ;;
		call_failed) echo 'No such device' ;;
		*) echo "not to be refused for $1: $(cat "$CLIENT_LOG")" ;;
	esac
}
