import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { readLivepatchModule } from "../../publisher/module/livepatch_module.ts";
import { updateId } from "../../shared/brand.ts";
import { decodeManifest, encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { Publication } from "../proof/e2e/publication.ts";
import { mustPublish } from "./commands.ts";
import type { Kernel } from "./guest/machine.ts";
import type { KsplicePart } from "./guest/modules/ksplice.ts";

/** A module of an update in Ksplice's format, and its path. */
export interface KspliceFile extends KsplicePart {
  readonly path: string;
}

/** An update as a test wants it to be published. */
export interface Entry {
  readonly id: string;
  /** Path of its livepatch module. */
  readonly module: string;
  /** Modules in Ksplice's format that change what that one does, in load order: they are published in its place. */
  readonly ksplice?: readonly KspliceFile[];
  readonly depends?: readonly string[];
  readonly supersedes?: readonly string[];
  readonly replace?: boolean;
  readonly recalled?: string;
}

/** What a publisher has in force for one kernel. */
export interface KernelFeed {
  /** Publishes these updates and no others. */
  set(entries: readonly Entry[]): Promise<void>;
  close(): Promise<void>;
}

/** @param targets paths of modules that updates of this feed may change, by name. */
export async function kernelFeed(
  publication: Publication,
  kernel: Kernel,
  targets: ReadonlyMap<string, string>,
): Promise<KernelFeed> {
  const work = await mkdtemp(join(tmpdir(), "rebootless-feed-"));
  const drafts = new Map<string, KernelManifest>();
  const sent = new Set<string>();

  const draft = async ({ id, module }: Entry): Promise<KernelManifest> => {
    const key = `${id} ${module}`;
    const file = join(work, `${drafts.size}.json`);
    const known = drafts.get(key);
    if (known) return known;
    const changed = readLivepatchModule(await readFile(module)).objects.map(({ object }) => object);
    const objects = changed.flatMap((name) => targets.get(name) ?? []).flatMap((path) => ["--modules", path]);
    const about = ["--id", id, "--summary", `the update ${id}`];
    await mustPublish(
      "draft",
      "--image",
      kernel.vmlinuz,
      "--module",
      module,
      ...objects,
      ...about,
      "-o",
      file,
    );
    const manifest = decodeManifest(await readFile(file));
    drafts.set(key, manifest);
    return manifest;
  };

  return {
    async set(entries) {
      const updates: Update[] = [];
      for (const entry of entries) {
        for (const update of (await draft(entry)).updates) updates.push(await asWanted(update, entry));
      }
      const [first] = drafts.values();
      if (!first) throw new Error("nothing to publish");
      const file = join(work, "draft.json");
      await writeFile(file, encodeManifest({ ...first, updates }));
      const modules = entries.flatMap(filesOf).filter((path) => !sent.has(path));
      const send = modules.flatMap((path) => ["--module", path]);
      await mustPublish("push", publication.dir, file, "--replace", ...send, "--feed", publication.edge.url);
      for (const path of modules) sent.add(path);
    },
    close: () => rm(work, { recursive: true, force: true }),
  };
}

const filesOf = ({ module, ksplice }: Entry): readonly string[] =>
  ksplice === undefined ? [module] : ksplice.map(({ path }) => path);

async function asWanted(update: Update, entry: Entry): Promise<Update> {
  return {
    ...update,
    depends: (entry.depends ?? []).map(updateId),
    supersedes: (entry.supersedes ?? []).map(updateId),
    replace: entry.replace ?? false,
    recalled: entry.recalled ?? null,
    ...(entry.ksplice && (await inKspliceFormat(entry.ksplice))),
  };
}

async function inKspliceFormat(files: readonly KspliceFile[]): Promise<Partial<Update>> {
  const parts = await Promise.all(
    files.map(async ({ path, name, role, target }) => {
      const bytes = await readFile(path);
      return { name, role, target, sha256: sha256Of(bytes), length: bytes.length };
    }),
  );
  const [own, ...others] = parts;
  if (!own) throw new Error("an update in Ksplice's format has modules");
  const { name, sha256, length } = own;
  return { engine: "ksplice", module: { name, sha256, length }, parts: others };
}
