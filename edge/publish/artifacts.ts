import type { Sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { artifactKey, stagingKey } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import type { FoundArtifact } from "./accept.ts";
import { Serial } from "./serial.ts";

/**
 * Looks for artifacts. The bytes of one that is only staged are read and hashed now, one at a time: a Worker has
 * 128 MB of memory.
 */
export function artifactFinder(store: Store): (sha256: Sha256Hex) => Promise<FoundArtifact | undefined> {
  const reading = new Serial();
  return async (sha256) => {
    const known = await store.head(artifactKey(sha256));
    if (known) return { in: "artifacts", sha256: known.sha256, length: known.length };
    return reading.run(() => readStaged(store, sha256));
  };
}

async function readStaged(store: Store, sha256: Sha256Hex): Promise<FoundArtifact | undefined> {
  const staged = await store.get(stagingKey(sha256));
  if (!staged) return undefined;
  const bytes = await staged.bytes();
  return { in: "staging", sha256: await sha256Of(bytes), length: bytes.length };
}

/** Copies staged artifacts to where hosts find them; one that another kernel's publish took in meanwhile is there. */
export async function takeIn(store: Store, staged: readonly Sha256Hex[]): Promise<void> {
  for (const sha256 of staged) {
    const file = await store.get(stagingKey(sha256));
    if (file) await copy(store, sha256, await file.bytes());
    else if (!(await store.head(artifactKey(sha256)))) {
      throw new RebootlessError("refused", `artifact ${sha256} left staging meanwhile: stage it again`);
    }
  }
}

async function copy(store: Store, sha256: Sha256Hex, bytes: Uint8Array): Promise<void> {
  if ((await sha256Of(bytes)) !== sha256) {
    throw new RebootlessError("refused", `artifact ${sha256} has other bytes: stage it again`);
  }
  await store.create(artifactKey(sha256), bytes);
}

export async function dropStaged(store: Store, staged: readonly Sha256Hex[]): Promise<void> {
  await Promise.all(staged.map((sha256) => store.delete(stagingKey(sha256))));
}
