import { join, resolve } from "node:path";
import { requireAbsent, writeNew } from "../../node/cli/output.ts";
import { readNamed } from "../../node/files.ts";
import { type ObjectName, objectName } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { type JsonValue, parseJson } from "../../shared/json.ts";
import { dateOfMaking } from "../../shared/source_date.ts";
import type { PublisherContext } from "../context.ts";
import { moduleKernel } from "../create/module/module_kernel.ts";
import { type ModuleSigner, moduleSigner, signModule } from "../create/module/sign_module.ts";
import { writeModule } from "../create/module/write_module.ts";
import { refusedBy } from "../create/refused_by.ts";
import { type UpdateContent, type UpdateReport, withRefusals } from "../create/update.ts";
import { createContent } from "./create_content.ts";
import { countsOf, dishonestEffective, makerOf, updateOptions } from "./create_maker.ts";
import type { CreateOptions } from "./create_options.ts";
import {
  type CreateReport,
  createReportText,
  type PageAbout,
  writeReport,
  writeSkeletons,
} from "./create_report.ts";
import { makeDraft } from "./draft.ts";

/**
 * Makes a livepatch module, its draft and a report from a source patch, using the distribution's own packages. With
 * `check` it makes the report only.
 * @throws RebootlessError `not_live` if the patch cannot be applied to a running kernel; the report is shown and written
 * all the same.
 */
export async function create(context: PublisherContext, options: CreateOptions): Promise<void> {
  const { terminal } = context;
  const published = dateOfMaking(context);
  const output = outputOf(options);
  if (output !== undefined) await requireAbsent(output);
  const signer = await signerOf(options);
  const maker = await makerOf(context, options);
  const { kernel, symvers, hooks, series, ...content } = await createContent(context, options, maker.make);
  const about = updateOptions(options, maker, series);
  const name = options.name === undefined ? nameOf(about.id) : objectName(options.name);
  const { report, module } = moduleOf(content, () =>
    writeModule({
      name,
      kernel: moduleKernel(kernel.image, symvers),
      units: content.patches,
      hooks,
      replace: options.replace,
    }),
  );
  const whole: CreateReport = { ...report, ...(series !== undefined && { series }) };
  for (const line of createReportText(whole)) terminal.say(line);
  const page: PageAbout | undefined = options.report && {
    ...about,
    kernel: kernel.image.banner,
    patches: maker.patches,
    content,
  };
  const answer = {
    outcome: report.outcome,
    ...(series !== undefined && countsOf(series)),
    report: jsonOf(whole),
  };
  const dishonest = series && dishonestEffective(options, series, answer);
  if (report.outcome === "refused" || dishonest !== undefined) {
    if (output !== undefined) {
      await writeReport(output, whole, page);
      await writeSkeletons(output, content.skeletons ?? []);
    }
    throw dishonest ?? refused(report, answer);
  }
  if (report.outcome === "unchanged") context.exitWith(EXIT.unchanged);
  if (module === undefined || output === undefined) {
    terminal.say(
      report.outcome === "made"
        ? "The update can be made. Nothing was written."
        : "The patch changes no code.",
    );
    terminal.result("create", answer);
    return;
  }
  const signed = signer === undefined ? module : signModule(module, signer);
  const draft = await makeDraft(kernel, signed, about, published);
  await writeReport(output, whole, page);
  const file = (suffix: string): string => join(output, suffix);
  await writeNew(file(`${name}.ko`), signed);
  await writeNew(file(`${about.id}.json`), draft.encoded);
  terminal.say(`module  ${file(`${name}.ko`)}, ${counted(signed.length, "byte")}`);
  terminal.say(`draft   ${file(`${about.id}.json`)}: ${draft.update.summary}`);
  terminal.result("create", {
    ...answer,
    id: about.id,
    module: file(`${name}.ko`),
    draft: file(`${about.id}.json`),
  });
}

function outputOf({ output, check, report }: CreateOptions): string | undefined {
  if (check && report !== undefined)
    throw new RebootlessError("usage", "--check writes nothing, and so no page of --report");
  if (check) return undefined;
  if (output !== undefined) return resolve(output);
  throw new RebootlessError("usage", "no output folder is given", {
    hint: "Give -o FOLDER for the module, its draft and the report, or --check to write nothing.",
  });
}

/** Writes the module of an update that can be made. A module that cannot be written refuses the update. */
function moduleOf(
  { report }: UpdateContent,
  write: () => Uint8Array,
): { readonly report: UpdateReport; readonly module: Uint8Array | undefined } {
  if (report.outcome !== "made") return { report, module: undefined };
  try {
    return { report, module: write() };
  } catch (error) {
    return { report: withRefusals(report, [refusedBy(error, "the module")]), module: undefined };
  }
}

async function signerOf({ signKey, signCert }: CreateOptions): Promise<ModuleSigner | undefined> {
  if (signKey === undefined && signCert === undefined) return undefined;
  if (signKey !== undefined && signCert !== undefined)
    return moduleSigner(await readNamed(signKey, MAX_KEY_BYTES), await readNamed(signCert, MAX_KEY_BYTES));
  throw new RebootlessError("usage", "--sign-key and --sign-cert must be given together");
}

const MAX_KEY_BYTES = 64 * 1024;

/** Returns the default module name for an update. The kernel shows it in /sys/kernel/livepatch. */
const nameOf = (id: string): ObjectName =>
  objectName(`rebootless_${id.replaceAll(/[^a-z0-9]/g, "_")}`.slice(0, 55));

function refused(report: UpdateReport, answer: Readonly<Record<string, JsonValue>>): RebootlessError {
  const all = [...report.refusals, ...report.units.flatMap(({ refusals }) => refusals)];
  const more = all.length > 1 ? ` and ${all.length - 1} more` : "";
  return new RebootlessError(
    "not_live",
    `this cannot be applied to a running kernel: ${all[0]?.subject}: ${all[0]?.reason}${more}`,
    {
      hint: "docs/patch-authors.md explains what else to try: hooks, shadow variables and smaller patches.",
      answer,
    },
  );
}

function jsonOf(report: CreateReport): JsonValue {
  const bytes = utf8(JSON.stringify(report));
  return parseJson(bytes, "report", bytes.length); // the text is our own, so it needs no tighter limit
}
