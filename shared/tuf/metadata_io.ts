import { isCode, type RebootlessError } from "../errors.ts";
import { type FileMeta, parseEnvelope } from "./schema.ts";

/** A metadata file as the trusted set names it. */
export interface MetadataFile {
  /** `snapshot`, `targets` or a delegated role: any text at all, see `roleFile`. */
  readonly role: string;
  readonly meta: FileMeta;
  /** 5.3.12: whether its name begins with its version. */
  readonly consistent: boolean;
}

/** Where metadata comes from: a bundle, a server of TUF files, a folder, the cache. It is believed in nothing. */
export interface MetadataSource {
  /** undefined is an explicit "there is none"; anything short of that throws (specification 5.3.3). */
  root(version: number): Promise<Uint8Array | undefined>;
  timestamp(): Promise<Uint8Array>;
  snapshot(file: MetadataFile): Promise<Uint8Array>;
  /** Of the role `targets` or one delegated to. */
  targets(file: MetadataFile): Promise<Uint8Array>;
}

/** Where verified metadata is kept, exactly as it was received. Role names are any text at all: see `roleFile`. */
export interface MetadataStore {
  read(role: string): Promise<Uint8Array | undefined>;
  write(role: string, bytes: Uint8Array): Promise<void>;
  remove(role: string): Promise<void>;
}

export type OnDamage = (role: string, cause: RebootlessError) => void;

/** What a file from the store may be without being in the way: the fresh file that follows replaces it. */
const PASSED_OVER = ["parse", "trust", "expired", "rollback"] as const;

export interface Recalled<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

/**
 * Reads a file back from the store, and returns it if it was taken. One that no longer verifies, or was
 * damaged, is as good as absent: what it protected against is lost, and a corrupt cache never blocks.
 */
export async function recall<T>(
  role: string,
  { store, onDamage }: { readonly store: MetadataStore; readonly onDamage?: OnDamage },
  take: (bytes: Uint8Array) => Promise<T>,
): Promise<Recalled<T> | undefined> {
  const bytes = await store.read(role);
  if (bytes === undefined) return undefined;
  try {
    return { bytes, value: await take(bytes) };
  } catch (error) {
    if (!isPassedOver(error)) throw error;
    // Not to verify is everyday (a newer snapshot names other targets, keys were rotated); not to parse is not.
    if (!isEnvelope(bytes)) onDamage?.(role, error);
    return undefined;
  }
}

/** The same for the root, of which nothing outdates what was persisted: whatever is wrong with it is damage. */
export async function recallRoot<T>(take: () => Promise<T>, onDamage?: OnDamage): Promise<T | undefined> {
  try {
    return await take();
  } catch (error) {
    if (!isPassedOver(error)) throw error;
    onDamage?.("root", error);
    return undefined;
  }
}

function isEnvelope(bytes: Uint8Array): boolean {
  try {
    parseEnvelope(bytes, "cache");
    return true;
  } catch {
    return false;
  }
}

const isPassedOver = (error: unknown): error is RebootlessError =>
  PASSED_OVER.some((code) => isCode(error, code));
