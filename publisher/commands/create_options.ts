import type { InputOptions } from "./create_content.ts";
import type { UpdateOptions } from "./draft.ts";

/** The options of `create`. */
export interface CreateOptions extends Partial<UpdateOptions>, InputOptions {
  /** The patches, in the order in which they are applied. */
  readonly patch?: readonly string[];
  /** Words that say where a series of fixes is, instead of patches: see `readSeries`. */
  readonly series?: readonly string[];
  /** A folder of CVE records, which say which CVEs the fixes of a series are about. */
  readonly cveRecords?: string;
  readonly output?: string;
  /** The name of the module. By default it is made from the update's ID. */
  readonly name?: string;
  readonly cve: readonly string[];
  readonly depends: readonly string[];
  readonly conflicts: readonly string[];
  readonly supersedes: readonly string[];
  readonly replace: boolean;
  readonly signKey?: string;
  readonly signCert?: string;
  /** A further form of the report. */
  readonly report?: "html";
  /** True if the command only reports what the patch changes, and writes nothing. */
  readonly check: boolean;
}

/** The options of `create` that do not say which kernel it is for. */
export type FixOptions = Omit<CreateOptions, "source" | "image" | "headers" | "modules">;
