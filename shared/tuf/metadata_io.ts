import { isCode, type RebootlessError } from "../errors.ts";
import { type FileMeta, parseEnvelope } from "./schema.ts";

/** A metadata file as the trusted set names it. */
export interface MetadataFile {
  /** `snapshot`, `targets` or a delegated role: any text at all, see `roleFile`. */
  readonly role: string;
  readonly meta: FileMeta;
  /** Whether its name begins with its version (5.3.12). */
  readonly consistent: boolean;
}

/** Where metadata comes from: a bundle, a server of TUF files, a folder, the cache. Nothing from it is believed. */
export interface MetadataSource {
  /** Returns undefined only for an explicit "not found"; every other failure throws (specification 5.3.3). */
  root(version: number): Promise<Uint8Array | undefined>;
  timestamp(): Promise<Uint8Array>;
  snapshot(file: MetadataFile): Promise<Uint8Array>;
  /** Reads the role `targets`, or one that it delegates to. */
  targets(file: MetadataFile): Promise<Uint8Array>;
}

/** Stores verified metadata, exactly as it was received. A role name can be any text: see `roleFile`. */
export interface MetadataStore {
  read(role: string): Promise<Uint8Array | undefined>;
  write(role: string, bytes: Uint8Array): Promise<void>;
  remove(role: string): Promise<void>;
}

export type OnDamage = (role: string, cause: RebootlessError) => void;

/** The errors of a stored file that do not stop a refresh: the fresh file that follows replaces it. */
const PASSED_OVER = ["parse", "trust", "expired", "rollback"] as const;

export interface Recalled<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

/**
 * Reads a file from the store, and returns it if `take` accepts it. One that is damaged or no longer verifies counts
 * as absent: what it protected against is lost, but a corrupt cache never blocks a refresh.
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
    // It is normal that a file no longer verifies (a newer snapshot names other targets, keys were rotated), but not
    // that it does not parse.
    if (!isEnvelope(bytes)) onDamage?.(role, error);
    return undefined;
  }
}

/** Does the same for the root, which nothing outdates: whatever is wrong with a stored root is damage. */
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
