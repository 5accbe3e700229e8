import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MirrorDir } from "../../../mirror/mirror_dir.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { type CommandResult, hostBundle, runNode } from "../../support/commands.ts";
import { kernelNumber, makeRepository } from "../../support/edge/many_kernels.ts";
import { Source } from "../../support/mirror_source.ts";
import type { Random } from "../guest/random.ts";

/** A feed of some kernels in a folder, whose publisher is here, and the client's own bundle to work on copies of it. */
export class ProofSite {
  readonly client = hostBundle;
  readonly ids: readonly BuildId[];
  readonly root: Uint8Array;
  readonly source: string;
  readonly #work: string;
  readonly #publisher: Source;
  #version = 1;

  private constructor(work: string, ids: readonly BuildId[], root: Uint8Array, publisher: Source) {
    this.#work = work;
    this.ids = ids;
    this.root = root;
    this.source = join(work, "source");
    this.#publisher = publisher;
  }

  static async make(kernels: number): Promise<ProofSite> {
    const work = await mkdtemp(join(tmpdir(), "rebootless-site-"));
    const repository = await makeRepository();
    const publisher = await Source.make(new MirrorDir(join(work, "source")), repository);
    const ids = Array.from({ length: kernels }, (_, i) => kernelNumber(i + 1));
    await publisher.publish(ids, 1);
    await writeFile(join(work, "root.json"), repository.root);
    return new ProofSite(work, ids, repository.root, publisher);
  }

  get rootFile(): string {
    return this.path("root.json");
  }

  path(name: string): string {
    return join(this.#work, name);
  }

  /** The next version of about half of the kernels. */
  async publish(random: Random): Promise<void> {
    this.#version++;
    await this.#publisher.publish(
      this.ids.filter(() => random() < 0.5),
      this.#version,
    );
  }

  /** One more kernel. */
  async publishFor(id: BuildId): Promise<void> {
    await this.#publisher.publish([id], 1);
  }

  run(...args: readonly string[]): Promise<CommandResult> {
    return runNode([this.client, ...args]);
  }

  async must(...args: readonly string[]): Promise<CommandResult> {
    const result = await this.run(...args);
    if (result.code === 0) return result;
    throw new Error(
      `rebootless ${args.join(" ")} ended with ${result.code}:\n${result.stdout}${result.stderr}`,
    );
  }

  /** Milliseconds. */
  async timed(...args: readonly string[]): Promise<number> {
    return (await this.must(...args)).ms;
  }

  close(): Promise<void> {
    return rm(this.#work, { recursive: true });
  }
}
