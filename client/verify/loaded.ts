import { sha256Of } from "../../node/crypto.ts";
import { readIfPresent } from "../../node/files.ts";
import type { BuildId, ObjectName } from "../../shared/brand.ts";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { parseSections, sectionBytes } from "../../shared/elf/sections.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { hostState } from "../apply/host_state.ts";
import { trustDir } from "../trust/trust_dir.ts";
import { type EvidenceOptions, evidenceFor, type VerifiedThing } from "./chains.ts";

/** Verifies a loaded update: the build ID of its module and the functions that it replaces must be those that were signed. */
export async function verifyLoaded(id: string, options: EvidenceOptions): Promise<VerifiedThing> {
  const evidence = await evidenceFor(options.running, options);
  const update = evidence?.manifest.updates.find((one) => one.id === id);
  if (!evidence || !update) {
    throw new RebootlessError("usage", `${id} is neither a file nor an update for the running kernel`);
  }
  const state = hostState(evidence.manifest, await options.loaded());
  const found = state.updates.find((one) => one.update.id === update.id);
  if (found?.state !== "applied") {
    throw new RebootlessError(
      "trust",
      `${id} is not in force; its state is: ${found?.state ?? "not loaded"}`,
    );
  }
  const signed = await signedModuleId(update, options);
  const running = await loadedModuleId(update.module.name);
  if (signed === undefined || signed !== running) {
    throw new RebootlessError("trust", `the loaded ${update.module.name} is not the module that was signed`, {
      details: { signed: signed ?? "not stored", running: running ?? "unknown" },
    });
  }
  return { what: id, kind: "loaded module", evidence, update };
}

/** Reads the build ID from this host's copy of the signed module, after its digest has been checked. */
async function signedModuleId(update: Update, options: EvidenceOptions): Promise<BuildId | undefined> {
  const directory = trustDir(options.stateDir, options.running, options.provisionedRoot);
  const file = directory.openArtifact(update.module.sha256);
  file?.close();
  const bytes = file?.bytes;
  if (!bytes || sha256Of(bytes) !== update.module.sha256) return undefined;
  const note = parseSections(bytes).find(({ name }) => name === ".note.gnu.build-id");
  return note && gnuBuildId(sectionBytes(bytes, note));
}

async function loadedModuleId(name: ObjectName): Promise<BuildId | undefined> {
  const note = await readIfPresent(`/sys/module/${name}/notes/.note.gnu.build-id`);
  return note && gnuBuildId(note);
}
