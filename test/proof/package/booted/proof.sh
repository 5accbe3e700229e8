#!/bin/sh
# Runs in a booted Debian after everything else was started; tells the console how the units did.
exec >/dev/ttyS0 2>&1 </dev/null

cmdline() {
	if grep -q 'this function was replaced' /proc/cmdline; then echo replaced; else echo original; fi
}

# Behind the client's back, as a reboot would.
take_out() {
	echo 0 >/sys/kernel/livepatch/rebootless_demo_cmdline/enabled
	while [ -d /sys/kernel/livepatch/rebootless_demo_cmdline ]; do sleep 1; done
	rmmod rebootless_demo_cmdline
}

systemctl is-system-running --wait
echo "RESULT booted: $(systemctl show -P Result rebootless-boot.service), $(systemctl is-active rebootless.timer), $(cmdline)"
systemctl start rebootless.service
echo "RESULT scheduled: $?, $(cmdline)"
take_out
systemctl restart rebootless-boot.service
echo "RESULT boot: $?, $(cmdline)"
take_out
touch /etc/rebootless/disabled
systemctl restart rebootless-boot.service
systemctl start rebootless.service
echo "RESULT disabled: $?, $(cmdline)"
journalctl -b --no-pager -o cat -u rebootless.service -u rebootless-boot.service
echo "RESULT end"
poweroff -f
