import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { differencePatch } from "../../test/proof/create/one_file.ts";
import type { SourcePair } from "../../test/proof/create/pair.ts";
import { Workshop } from "../../test/proof/create/workshop.ts";
import type { Teller } from "./teller.ts";

/** A fix that the distribution has published, for a kernel that does not have it. */
export interface PublicFix {
  readonly id: string;
  readonly summary: string;
  /** The paths of the patch, and of a script that fails without the fix. */
  readonly patch: string;
  readonly reproducer: string | undefined;
}

/**
 * A regression of Debian's: 6.1.192-1 oopses in ext4 when a file is removed after its bitmaps left the page cache.
 * 6.1.192-2 corrects it. The script fills a file, drops the caches of the file system, and removes the file, as a backup
 * or a cron job does every day.
 */
const REGRESSION = {
  file: "fs/ext4/mballoc.c",
  id: "demo-ext4-mballoc",
  summary: "ext4: removing a file with uncached bitmaps does not oops",
  reproducer: `#!/bin/sh
mke2fs -q /dev/nvme0n1 >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/nvme0n1 /mnt || exit 9
dd if=/dev/zero of=/mnt/file bs=1M count=8 2>/dev/null && sync
echo 3 > /proc/sys/vm/drop_caches
rm /mnt/file && sync && umount /mnt && echo removed
`,
};

/** Takes a fix from the distribution's next source, and shows it. */
export async function publicFix(pair: SourcePair, work: string, teller: Teller): Promise<PublicFix> {
  teller.title(`a public fix: what Debian's ${pair.to} changes in ${pair.from}`);
  teller.show("reading it out of the two packages of source");
  const { file, ...fix } = pair.asked ? await regression(pair, work) : await anyFix(pair, work, teller);
  teller.show(file);
  teller.show(await changedLines(fix.patch));
  return fix;
}

type FixOfFile = PublicFix & { readonly file: string };

async function regression(pair: SourcePair, work: string): Promise<FixOfFile> {
  const patch = await differencePatch(pair, REGRESSION.file);
  const reproducer = join(work, "reproducer.sh");
  await writeFile(reproducer, REGRESSION.reproducer);
  return { ...REGRESSION, patch, reproducer };
}

/** Returns another difference of the pair, the first that can be made into an update for a running kernel. */
async function anyFix(pair: SourcePair, work: string, teller: Teller): Promise<FixOfFile> {
  teller.show("the archive has no more of the regression that is shown here, so this is the newest pair");
  const workshop = await Workshop.open(pair, (line) => teller.show(line));
  try {
    for (const { path, patch: text } of await workshop.differing((object) => object === "vmlinux")) {
      const [outcome] = await workshop.each(await workshop.changes([{ path, patch: text }]), () => undefined);
      if (outcome?.kind !== "made") continue;
      const patch = join(work, "difference.patch");
      await writeFile(patch, text, "latin1");
      const summary = `${path} as in ${pair.to}`;
      return { id: "demo-fix", summary, file: path, patch, reproducer: undefined };
    }
  } finally {
    workshop.close();
  }
  throw new Error(`no file of ${pair.from} and ${pair.to} can be brought to a running kernel`);
}

/** Returns the lines that a patch removes and adds. */
async function changedLines(patch: string): Promise<string> {
  const lines = (await readFile(patch, "latin1")).split("\n");
  return lines.filter((line) => /^[-+](?![-+])/.test(line)).join("\n");
}
