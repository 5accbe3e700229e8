import { SetupError } from "../../../tools/setup/run.mjs";

function expect(text, pattern, what) {
  if (!pattern.test(text)) throw new SetupError(`${what}: no ${pattern} in\n${text}`);
}

function expectEmpty(text, what) {
  if (text.trim() !== "") throw new SetupError(`${what}:\n${text}`);
}

/** Everything of ours that is on the disk, whoever put it there. */
const TRACES =
  "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /root \\) -prune -o -name '*rebootless*' -print | grep -v '^/etc/rebootless-certificates.crt$' || :";

const REMAIN = /updates that are applied stay in the running kernel until it reboots/;

/** By name: each takes the shell of the root and rejects when something is not as it must be. They build on each other. */
export function scenarios(packages) {
  const find = (suffix) => packages.find((name) => name.endsWith(suffix));
  const [deb, rpm, tarball] = [find(".deb"), find(".rpm"), find(".tar.gz")];
  const rpmHere = "rpm --force-debian --dbpath /root/rpmdb";
  return {
    "deb: not without Node": async (shell) => {
      const { stderr } = await shell(`dpkg -i ./${deb}`, { code: 1 });
      expect(stderr, /depends on nodejs \(>= 20\.11\)/, "what dpkg lacks");
      await shell("dpkg --purge rebootless");
    },
    "deb: installed": async (shell) => {
      await shell(`apt-get -qq install -y ./nodejs.deb ./${deb}`);
      expect((await shell("rebootless --version")).stdout, /^\d+\.\d+\.\d+$/m, "version");
      expectEmpty((await shell("dpkg --verify rebootless")).stdout, "changed files");
      expectEmpty((await shell("find /var/lib/rebootless /run/rebootless 2>/dev/null || :")).stdout, "state");
      expect(
        (await shell("systemctl is-enabled rebootless.timer rebootless-boot.service")).stdout,
        /^enabled\nenabled\n$/,
        "units",
      );
    },
    "deb: finds nothing to do before init": async (shell) => {
      const { stdout } = await shell("rebootless doctor --offline --json", { code: 1 });
      const { checks } = JSON.parse(stdout);
      const failed = checks.filter(({ verdict }) => verdict === "fail").map(({ check }) => check);
      for (const name of ["configuration", "root"]) {
        if (!failed.includes(name)) throw new SetupError(`doctor finds no fault in ${name}`);
      }
      const { stderr } = await shell("rebootless upgrade", { code: 2 });
      expect(stderr, /hint: Run `rebootless init/, "what to do");
    },
    "deb: units are sound": async (shell) => {
      const units = "rebootless.service rebootless.timer rebootless-boot.service";
      const { stdout, stderr } = await shell(
        `cd /usr/lib/systemd/system && systemd-analyze verify --man=no ${units}`,
      );
      expectEmpty(
        (stdout + stderr).replaceAll(/^.*(?:Failed to (?:create|connect)|not yet supported).*\n/gm, ""),
        "systemd-analyze verify",
      );
    },
    "deb: manual pages render": async (shell) => {
      expect(
        (await shell("man -w 8 rebootless")).stdout,
        /\/man8\/rebootless\.8\.gz\n/,
        "where man finds it",
      );
      for (const page of [
        "/usr/share/man/man8/rebootless.8.gz",
        "/usr/share/man/man5/rebootless.toml.5.gz",
      ]) {
        const { stdout, stderr } = await shell(`MANWIDTH=100 man --warnings -E UTF-8 -l ${page}`);
        expectEmpty(stderr, `warnings of man for ${page}`);
        expect(stdout, /rebootless/, page);
        expectEmpty((await shell(`gzip -dc ${page} | mandoc -Tlint -Wwarning`)).stdout, `mandoc on ${page}`);
      }
    },
    "deb: shells complete": async (shell) => {
      const bash =
        "source /usr/share/bash-completion/completions/rebootless; COMP_WORDS=(rebootless upg) COMP_CWORD=1; _rebootless; echo $COMPREPLY";
      expect((await shell(`bash -euc '${bash}'`)).stdout, /^upgrade$/m, "bash");
      const zsh =
        "autoload -Uz compinit; compinit -u -d /root/zcompdump; print -r -- $_comps[rebootless]; autoload +X -Uz _rebootless";
      expect(
        (await shell(`zsh -fec '${zsh}' && zsh -n /usr/share/zsh/vendor-completions/_rebootless`)).stdout,
        /^_rebootless$/m,
        "zsh",
      );
      const { stdout } = await shell(
        `fish --no-config -c 'source /usr/share/fish/vendor_completions.d/rebootless.fish; complete -C "rebootless upg"; complete -C "rebootless -q upgrade --dry"'`,
      );
      expect(stdout, /^upgrade\tapply /m, "fish: commands");
      expect(stdout, /^--dry-run\t/m, "fish: options");
    },
    "deb: a changed configuration outlives another installation": async (shell) => {
      await shell(
        `echo 'delay = "2d"' >> /etc/rebootless/rebootless.toml; mkdir -p /var/lib/rebootless; echo x > /etc/rebootless/root.json`,
      );
      await shell(`dpkg -i ./${deb} </dev/null`);
      expect(
        (await shell("rebootless config")).stdout,
        /^delay = "2d"\s+# \/etc\/rebootless\/rebootless\.toml:\d+$/m,
        "configuration",
      );
    },
    "deb: removed, and says what stays": async (shell) => {
      const { stdout: told, stderr: noted } = await shell("apt-get -qq remove -y rebootless");
      expect(told + noted, REMAIN, "what it says");
      await shell(
        "test ! -e /usr/bin/rebootless && test ! -e /usr/lib/rebootless && test -d /var/lib/rebootless",
      );
      await shell("test -e /etc/rebootless/rebootless.toml && test -e /etc/rebootless/root.json");
      // The cron file is still there, and must not complain.
      const { stdout, stderr } = await shell("sed -n 's/^17 .* root //p' /etc/cron.d/rebootless | sh");
      expectEmpty(stdout + stderr, "what cron would mail");
    },
    "deb: purged without a trace": async (shell) => {
      await shell("apt-get -qq purge -y rebootless");
      expectEmpty((await shell(TRACES)).stdout, "left behind");
    },
    "rpm: whole, and lists its files": async (shell) => {
      const { stdout } = await shell(`rpm -K -v ./${rpm} && rpm -qpl ./${rpm}`);
      for (const line of [
        "Header SHA256 digest: OK",
        "Payload SHA256 digest: OK",
        "/usr/lib/rebootless/rebootless.cjs",
      ]) {
        expect(stdout, new RegExp(`^ *${line}$`, "m"), rpm);
      }
    },
    "rpm: installed, verified, removed": async (shell) => {
      await shell(`mkdir -p /root/rpmdb && ${rpmHere} -i --nodeps ./${rpm}`);
      expectEmpty((await shell(`${rpmHere} -V --nodeps rebootless`)).stdout, "changed files");
      expect((await shell("rebootless --version")).stdout, /^\d+\.\d+\.\d+$/m, "version");
      await shell(`echo 'delay = "2d"' >> /etc/rebootless/rebootless.toml`);
      const { stderr } = await shell(`${rpmHere} -e --nodeps rebootless`);
      expect(stderr, REMAIN, "what it says");
      await shell("test ! -e /usr/bin/rebootless && test ! -e /usr/lib/rebootless");
      await shell("test -e /etc/rebootless/rebootless.toml.rpmsave && rm -r /etc/rebootless");
      expectEmpty((await shell(TRACES)).stdout, "left behind");
    },
    "tarball: installed, removed and purged by busybox": async (shell) => {
      const script = `cd /root && tar xzf packages/${tarball} && busybox sh ./rebootless-*/install.sh`;
      expect((await shell(script)).stdout, /Installed below \/usr\/local\./, "what it says");
      expect(
        (await shell("rebootless --version && rebootless-publish --version")).stdout,
        /^(\d+\.\d+\.\d+\n){2}$/,
        "versions",
      );
      expect(
        (await shell("man -w 1 rebootless-publish")).stdout,
        /^\/usr\/local\/(?:share\/)?man\//,
        "where man finds it",
      );
      const { stderr } = await shell("busybox sh /root/rebootless-*/install.sh uninstall");
      expect(stderr, REMAIN, "what it says");
      await shell("test -e /etc/rebootless/rebootless.toml && test ! -e /usr/local/bin/rebootless");
      await shell("busybox sh /root/rebootless-*/install.sh purge");
      expectEmpty((await shell(TRACES)).stdout, "left behind");
    },
  };
}
