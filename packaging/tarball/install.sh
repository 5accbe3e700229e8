#!/bin/sh
# Installs rebootless from the folder of this script, or removes it. It is written in POSIX shell, for any Linux host
# that has Node 20.11 or newer, with glibc or musl.
#
#   ./install.sh [install|uninstall|purge]
#
# PREFIX   the folder for programs (default /usr/local)
# DESTDIR  a prefix of every path, to make packages or images (default: none)
set -eu
# Everybody can run the programs and read their manual pages, whatever root's own umask is.
umask 022

prefix=${PREFIX:-/usr/local}
destdir=${DESTDIR:-}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

case $prefix in
/*) ;;
*)
	echo "error: PREFIX is not an absolute path: $prefix" >&2
	exit 2
	;;
esac
case $prefix in
*[!A-Za-z0-9/._+-]*)
	echo "error: PREFIX has characters that units and cron files cannot hold: $prefix" >&2
	exit 2
	;;
esac

# Lists the files below a folder beside this script, relative to that folder.
files_below() {
	(cd "$here/$1" && find . -type f | sed 's|^\./||' | sort)
}

# put FROM TO: copies a file beside its place and renames it, so that a run in progress keeps the file that it has.
put() {
	mkdir -p "$(dirname "$2")"
	case $1 in
	*.service | *.cron) sed "s|/usr/bin/rebootless|$prefix/bin/rebootless|g" "$1" >"$2.new" ;;
	*) cp "$1" "$2.new" ;;
	esac
	if [ -x "$1" ]; then chmod 755 "$2.new"; else chmod 644 "$2.new"; fi
	mv -f "$2.new" "$2"
}

check_node() {
	[ -z "$destdir" ] || return 0
	if ! command -v node >/dev/null; then
		echo "error: there is no node in PATH" >&2
		echo "hint: install Node 20.11 or newer first." >&2
		exit 1
	fi
	if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 11) ? 0 : 1)'; then
		echo "error: $(node --version) is too old" >&2
		echo "hint: install Node 20.11 or newer first." >&2
		exit 1
	fi
}

install_all() {
	check_node
	files_below prefix | while IFS= read -r file; do
		put "$here/prefix/$file" "$destdir$prefix/$file"
	done
	mkdir -p "$destdir$prefix/bin"
	for command in rebootless rebootless-publish; do
		ln -sf "../lib/rebootless/$command.cjs" "$destdir$prefix/bin/$command"
	done
	mkdir -p "$destdir/etc/rebootless"
	# A configuration file that exists is left alone, with the administrator's changes.
	[ -e "$destdir/etc/rebootless/rebootless.toml" ] ||
		put "$here/etc/rebootless.toml" "$destdir/etc/rebootless/rebootless.toml"
	[ ! -d "$destdir/etc/cron.d" ] || put "$here/etc/rebootless.cron" "$destdir/etc/cron.d/rebootless"
	reload
	echo "Installed below $destdir$prefix. Next: rebootless doctor, then rebootless init."
	if [ -d "$destdir/run/systemd/system" ]; then
		echo "To start it: systemctl enable --now rebootless.timer && systemctl enable rebootless-boot.service"
	elif [ ! -d "$destdir/etc/cron.d" ]; then
		echo "There is no /etc/cron.d: let cron run \`rebootless --quiet upgrade --scheduled\`, and the boot \`rebootless boot\`."
	fi
}

uninstall_all() {
	if [ -z "$destdir" ] && [ -d /run/systemd/system ]; then
		systemctl disable --now rebootless.timer >/dev/null 2>&1 || :
		systemctl disable rebootless-boot.service >/dev/null 2>&1 || :
	fi
	files_below prefix | while IFS= read -r file; do
		rm -f "$destdir$prefix/$file"
	done
	rm -f "$destdir$prefix/bin/rebootless" "$destdir$prefix/bin/rebootless-publish" "$destdir/etc/cron.d/rebootless"
	for folder in lib/rebootless share/doc/rebootless; do
		[ ! -d "$destdir$prefix/$folder" ] || rmdir "$destdir$prefix/$folder" 2>/dev/null || :
	done
	reload
	echo "rebootless: updates that are applied stay in the running kernel until it reboots." >&2
}

reload() {
	if [ -z "$destdir" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
}

case ${1:-install} in
install) install_all ;;
uninstall)
	uninstall_all
	echo "rebootless: what it kept is in /etc/rebootless and /var/lib/rebootless; \`purge\` removes that too." >&2
	;;
purge)
	uninstall_all
	rm -rf "$destdir/etc/rebootless" "$destdir/var/lib/rebootless" "$destdir/run/rebootless"
	;;
*)
	echo "usage: install.sh [install|uninstall|purge]" >&2
	exit 2
	;;
esac
