import { isElf } from "../../shared/elf/header.ts";
import { isJsonObject, type JsonObject, parseJson } from "../../shared/json.ts";
import { MAX_MANIFEST_VALUES } from "../../shared/limits.ts";
import { isFingerprintFile } from "../../shared/runpre/file/layout.ts";

/** The kind of a file, by its contents. */
export type FileKind =
  | { readonly kind: "module" }
  | { readonly kind: "fingerprints" }
  | { readonly kind: "bundle" }
  | { readonly kind: "manifest"; readonly buildId: unknown }
  | { readonly kind: "unknown" };

export function fileKind(bytes: Uint8Array): FileKind {
  if (isElf(bytes)) return { kind: "module" };
  if (isFingerprintFile(bytes)) return { kind: "fingerprints" };
  const document = jsonObjectOf(bytes);
  if (document?.has("timestamp") && document.has("targets")) return { kind: "bundle" };
  const kernel = document?.get("kernel");
  if (document?.has("updates") && isJsonObject(kernel)) {
    return { kind: "manifest", buildId: kernel.get("build_id") };
  }
  return { kind: "unknown" };
}

function jsonObjectOf(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseJson(bytes, "file", MAX_MANIFEST_VALUES);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // It is not a document that can be verified.
  }
}
