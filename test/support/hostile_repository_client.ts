import { nodeVerifier } from "../../node/verifier.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import type { Instant } from "../../shared/time.ts";
import { enforcedAt } from "../../shared/tuf/expiry.ts";
import {
  type MetadataFile,
  type MetadataSource,
  type MetadataStore,
  refresh,
} from "../../shared/tuf/refresh.ts";
import { roleFile } from "../../shared/tuf/role_name.ts";
import type { TargetFile } from "../../shared/tuf/schema.ts";
import type { TrustedSet } from "../../shared/tuf/trusted_set.ts";
import { fetchTarget, type TargetStore } from "../proof/conformance/tuf/fetch_target.ts";
import { findTarget } from "../proof/conformance/tuf/find_target.ts";
import { type HostileRepository, NOW } from "./hostile_repository.ts";

/** The code of the error that a run ends with, or `ok`. Anything but a RebootlessError is thrown on. */
export async function outcome(run: Promise<unknown>): Promise<ErrorCode | "ok"> {
  try {
    await run;
    return "ok";
  } catch (error) {
    if (error instanceof RebootlessError) return error.code;
    throw error;
  }
}

/** A client of a hostile repository with all it keeps in memory. Each call is a run of its own, as of a host. */
export class TestClient {
  /** What it keeps, by role. */
  readonly kept = new Map<string, Uint8Array>();
  readonly downloaded = new Map<string, Uint8Array>();
  /** File names asked for since the last run began. */
  requests: string[] = [];
  /** Roles whose cached file was reported as damaged in the last run. */
  damaged: string[] = [];
  now: Instant = NOW;
  readonly repository: HostileRepository;
  provisionedRoot: Uint8Array;

  constructor(repository: HostileRepository) {
    this.repository = repository;
    this.provisionedRoot = repository.file("1.root.json");
  }

  async refresh(): Promise<TrustedSet> {
    this.requests = [];
    this.damaged = [];
    const { provisionedRoot, now } = this;
    return refresh({ ...this.#metadata(), provisionedRoot, verifier: nodeVerifier, expiry: enforcedAt(now) });
  }

  /** One run that looks for several targets, in this order. */
  async find(...paths: readonly string[]): Promise<(TargetFile | undefined)[]> {
    const trusted = await this.refresh();
    const found: (TargetFile | undefined)[] = [];
    for (const path of paths) found.push(await findTarget(trusted, path, this.#metadata()));
    return found;
  }

  async download(path: string): Promise<"fetched" | "cached" | "none"> {
    const trusted = await this.refresh();
    const file = await findTarget(trusted, path, this.#metadata());
    if (!file) return "none";
    return fetchTarget(trusted, path, file, {
      source: { target: (name) => this.#artifact(name) },
      store: this.store,
    });
  }

  /** The version of what is kept of a role, read without judging it. */
  version(role: string): number | undefined {
    const bytes = this.kept.get(role);
    return bytes && JSON.parse(new TextDecoder().decode(bytes)).signed.version;
  }

  get store(): TargetStore {
    return {
      read: async (path) => this.downloaded.get(path),
      write: async (path, bytes) => void this.downloaded.set(path, bytes),
    };
  }

  get metadataStore(): MetadataStore {
    return {
      read: async (role) => this.kept.get(role),
      write: async (role, bytes) => void this.kept.set(role, bytes),
      remove: async (role) => void this.kept.delete(role),
    };
  }

  #metadata() {
    const onDamage = (role: string) => void this.damaged.push(role);
    return { source: this.#source(), store: this.metadataStore, onDamage };
  }

  #source(): MetadataSource {
    const named = ({ role, meta, consistent }: MetadataFile) =>
      this.#have(consistent ? `${meta.version}.${roleFile(role)}` : roleFile(role));
    return {
      root: async (version) => {
        this.requests.push(`${version}.root.json`);
        return this.repository.files.get(`${version}.root.json`);
      },
      timestamp: () => this.#have("timestamp.json"),
      snapshot: named,
      targets: named,
    };
  }

  async #have(name: string): Promise<Uint8Array> {
    this.requests.push(name);
    const bytes = this.repository.files.get(name);
    if (bytes) return bytes;
    throw new RebootlessError("unreachable", `${name} is missing`);
  }

  async #artifact(name: string): Promise<Uint8Array> {
    this.requests.push(name);
    const bytes = this.repository.artifacts.get(decodeURIComponent(name));
    if (bytes) return bytes;
    throw new RebootlessError("unreachable", `${name} is missing`);
  }
}
