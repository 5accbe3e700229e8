import { execFile } from "node:child_process";
import { chmod, copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { progress, runOrFail, SetupError } from "../../../../tools/setup/run.mjs";

/*
 * The root as a machine of its own: systemd boots it on a stock kernel in QEMU, with its file system in memory, and the
 * installed units do their work under all that they forbid themselves.
 */

const here = dirname(fileURLToPath(import.meta.url));
const BOOT_TIMEOUT_MS = 600_000;
const MEMORY_MB = 3072;

const EXPECTED = [
  "booted: success, active, original",
  "scheduled: 0, replaced",
  "boot: 0, replaced",
  "disabled: 0, original",
  "end",
];

async function furnish(project, root, shell, deb) {
  const mirror = ["--import", "tsx", join(here, "mirror.ts"), join(root, "srv/feed")];
  await runOrFail(process.execPath, mirror, { cwd: project });
  await copyFile(join(here, "proof.sh"), join(root, "root/proof.sh"));
  await chmod(join(root, "root/proof.sh"), 0o755);
  await copyFile(join(here, "proof.service"), join(root, "etc/systemd/system/proof.service"));
  await shell(
    `DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends systemd-sysv udev ./${deb}`,
  );
  await shell(
    "rebootless init --offline --feed /srv/feed --root /srv/feed/root.json && systemctl enable proof.service",
  );
  await shell(
    "apt-get clean; rm -rf /var/lib/apt/lists /usr/share/doc /usr/share/locale /usr/lib/node_modules *.deb",
  );
  await shell("ln -sf /lib/systemd/systemd /init; test -c /dev/console || mknod -m 600 /dev/console c 5 1");
}

/** Resolves when the machine is off, or its time is. */
function boot(kernel, initramfs, console) {
  const machine = ["-accel", "tcg,thread=single", "-cpu", "Haswell", "-smp", "2", "-m", String(MEMORY_MB)];
  const bare = ["-nodefaults", "-display", "none", "-no-reboot", "-serial", `file:${console}`];
  const append = "console=ttyS0 loglevel=5 panic=-1";
  const args = [...machine, ...bare, "-kernel", kernel.vmlinuz, "-initrd", initramfs, "-append", append];
  return new Promise((resolve) => {
    execFile("qemu-system-x86_64", args, { timeout: BOOT_TIMEOUT_MS, killSignal: "SIGKILL" }, () =>
      resolve(),
    );
  });
}

/** Rejects unless the units did what they are there for. Leaves the root as a machine. */
export async function proveBooted(project, machine, root, shell, deb) {
  const work = await mkdtemp(join(tmpdir(), "rebootless-booted-"));
  const initramfs = join(work, "initramfs");
  const console = join(work, "console");
  try {
    await furnish(project, root, shell, deb);
    const pack = 'cd "$1" && find . -xdev | cpio -o -H newc --quiet >"$2"';
    await runOrFail("sh", ["-c", pack, "sh", root, initramfs]);
    progress("booting it");
    await boot(
      machine.kernels.find(({ role }) => role === "primary"),
      initramfs,
      console,
    );
    const text = await readFile(console, "utf8");
    const results = [...text.matchAll(/^RESULT (.*?)\r?$/gm)].map(([, result]) => result);
    if (JSON.stringify(results) === JSON.stringify(EXPECTED)) return;
    throw new SetupError(`the units did otherwise: ${results.join("; ")}\n${text.slice(-6000)}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
