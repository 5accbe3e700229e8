import type { FollowState } from "../../../publisher/follow/follow_state.ts";
import { NO_FOLLOW_STATE } from "../../../publisher/follow/follow_state.ts";
import { type FoundFix, fixDigest } from "../../../publisher/follow/found_fixes.ts";
import type { OfferedUpdate } from "../../../publisher/follow/publication.ts";
import { decodeFollowState, encodeFollowState } from "../../../publisher/follow/state_file.ts";
import type {
  FollowTools,
  MakingOutcome,
  PushOutcome,
  ReadyDraft,
  TrialOutcome,
} from "../../../publisher/follow/tools.ts";
import type { PackageFile, ServedKernel } from "../../../publisher/kernels/served_kernel.ts";
import { type BuildId, buildId, sha256Hex, updateId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { instant } from "../../../shared/time.ts";

/** What a process that is killed throws: nothing that a run expects. */
export class Killed extends Error {}

const file = (name: string, digit: string): PackageFile => ({
  package: name,
  version: "6.1.1-1",
  file: `${name}.deb`,
  bytes: 1,
  sha256: sha256Hex(digit.repeat(64)),
});

/** @param digit a hex digit that tells this kernel from others. */
export const kernelNamed = (digit: string, more: Partial<ServedKernel> = {}): ServedKernel => ({
  release: `6.1.0-${digit}-amd64`,
  buildId: buildId(digit.repeat(40)),
  archive: "ours",
  distribution: "Debian 12",
  purl: "pkg:generic/linux",
  compiler: undefined,
  image: file(`image-${digit}`, digit),
  modules: [],
  headers: file(`headers-${digit}`, digit),
  source: file("linux-source-6.1", "a"),
  ...more,
});

export const patchNamed = (name: string, content = name): FoundFix => ({
  origin: `patches:/incoming/${name}.patch`,
  name,
  kind: "patch",
  subject: `fix ${name}`,
  cves: [],
  files: [{ name: `${name}.patch`, bytes: utf8(content) }],
});

/** A machine and a feed that stay when a run is killed: what was written, made, tried, asked for and published. */
export class FakeWorld {
  written: Uint8Array | undefined;
  found: FoundFix[] = [];
  /** What a clone has, of which it is noted how far it was read. */
  commits: FoundFix[] = [];
  served: ServedKernel[] = [];
  readonly kept = new Set<string>();
  readonly made = new Map<string, string>();
  readonly tried = new Set<string>();
  readonly requests = new Map<string, { base: number; updates: OfferedUpdate[]; complete: boolean }>();
  readonly feed = new Map<BuildId, { version: number; updates: OfferedUpdate[] }>();
  /** Every publication that the feed took, in order. */
  readonly published: string[] = [];
  readonly troubles: RebootlessError[] = [];
  /** What people were told, in order. */
  readonly told: string[] = [];
  canTell = true;
  mayPush = true;
  hasKeys = true;
  isReachable = true;
  making: (fix: string, kernel: ServedKernel) => MakingOutcome | undefined = () => undefined;
  functionsOf: (fix: string) => readonly string[] = (fix) => [`f (vmlinux+${fix})`];
  trial: (draft: string) => TrialOutcome = () => ({ kind: "ok" });
  pushing: () => PushOutcome | undefined = () => undefined;
  /** The number of the moment at which the process is killed; undefined for never. */
  killAt: number | undefined;
  moments = 0;
  now = 0;

  get state(): FollowState {
    return this.written === undefined ? NO_FOLLOW_STATE : decodeFollowState(this.written, "state.json");
  }

  /** Does something that lasts. The process can be killed before it, and after it. */
  #lasting<T>(act: () => T): T {
    this.#moment();
    const outcome = act();
    this.#moment();
    return outcome;
  }

  #moment(): void {
    this.moments += 1;
    if (this.moments === this.killAt) throw new Killed();
  }

  #publish(kernel: BuildId, updates: readonly OfferedUpdate[]): void {
    const before = this.feed.get(kernel) ?? { version: 0, updates: [] };
    const ids = new Set(updates.map(({ id }) => id));
    const kept = before.updates.filter(({ id }) => !ids.has(id));
    this.feed.set(kernel, { version: before.version + 1, updates: [...kept, ...updates] });
    for (const { id } of updates) this.published.push(`${id} ${kernel[0]}`);
  }

  #answered(): void {
    if (!this.isReachable) throw new RebootlessError("unreachable", "the feed did not answer");
  }

  readonly updateOf = (draft: string): OfferedUpdate => {
    const [, id = ""] = /([^/]+)\.json$/.exec(draft) ?? [];
    const module = this.made.get(draft);
    if (module === undefined) throw new RebootlessError("usage", `cannot read ${draft}`);
    const functions = this.functionsOf(id);
    return { id: updateId(id), modules: [sha256Hex(module)], functions, supersedes: [], isRecalled: false };
  };

  readonly readyUpdate = ({ draft, supersedes }: ReadyDraft): OfferedUpdate => ({
    ...this.updateOf(draft),
    supersedes,
  });

  tools(): FollowTools {
    return {
      clock: () => instant(this.now),
      channels: ["mail"],
      mayPush: this.mayPush,
      progress: () => undefined,
      trouble: (error) => void this.troubles.push(error),
      save: async (state) => {
        this.#lasting(() => {
          this.written = utf8(encodeFollowState(state));
        });
      },
      kernels: async () => this.served,
      find: async ({ clones }) => ({
        fixes: clones.length === 0 ? [...this.found, ...this.commits] : this.found,
        clones: [{ repository: "/srv/linux", branch: "main", commit: "a".repeat(40) }],
      }),
      keep: async (fix) => void this.#lasting(() => this.kept.add(fixDigest(fix))),
      make: async (fix, kernels) => {
        const outcomes = new Map<BuildId, MakingOutcome>();
        for (const kernel of kernels) {
          const outcome = this.#lasting((): MakingOutcome => {
            if (!this.kept.has(fix.digest)) return { kind: "broken", reason: "its patch was not kept" };
            const other = this.making(fix.id, kernel);
            if (other !== undefined) return other;
            const draft = `made/${fix.id}/${kernel.release}/${fix.id}.json`;
            this.made.set(draft, fix.digest);
            return { kind: "made", draft };
          });
          outcomes.set(kernel.buildId, outcome);
        }
        return outcomes;
      },
      try: async (draft) =>
        this.#lasting(() => {
          this.tried.add(draft);
          return this.trial(draft);
        }),
      updateOf: async (draft) => this.updateOf(draft),
      feedOf: async (kernel) => {
        this.#answered();
        return this.feed.get(kernel) ?? { version: 0, updates: [] };
      },
      requestOf: async (path) => this.requests.get(path),
      push: async (kernel, drafts) => {
        const other = this.pushing();
        if (other !== undefined) return other;
        if (!this.hasKeys) return { kind: "no keys", reason: "it is encrypted" };
        this.#lasting(() => this.#publish(kernel, drafts.map(this.readyUpdate)));
        return { kind: "pushed" };
      },
      pushSigned: async (path) => {
        const request = this.requests.get(path);
        const kernel = this.served.find(({ release }) => path.includes(release));
        if (request === undefined || kernel === undefined) throw new Error("no such request");
        this.#lasting(() => this.#publish(kernel.buildId, request.updates));
        return { kind: "pushed" };
      },
      request: async (kernel, path, drafts) => {
        this.#answered();
        const base = this.feed.get(kernel)?.version ?? 0;
        this.#lasting(() =>
          this.requests.set(path, { base, updates: drafts.map(this.readyUpdate), complete: false }),
        );
      },
      tell: async (channel, news) => {
        if (!this.canTell) return false;
        this.#lasting(() => {
          for (const { fix, kernel, state } of news)
            this.told.push(`${channel}: ${fix} ${kernel[0]} ${state.kind}`);
        });
        return true;
      },
      tidy: async (waitedFor) => {
        for (const path of this.requests.keys())
          if (!waitedFor.has(path)) this.#lasting(() => this.requests.delete(path));
      },
    };
  }
}
