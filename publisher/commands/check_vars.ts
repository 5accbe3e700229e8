import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublisherContext } from "../context.ts";
import { edgeProgram } from "../feed/edge_program.ts";
import { readEdgeVars } from "../feed/edge_vars.ts";

/** Reads a file of the edge's secrets and variables as the edge would, and reports everything that is wrong with it. */
export async function checkVarsFile({ terminal }: PublisherContext, file: string): Promise<void> {
  const bindings = await readEdgeVars(file);
  const [first, ...more] = await (await edgeProgram()).checkEdgeVars(bindings);
  if (first === undefined) {
    terminal.say(`${file}: the edge accepts all of it`);
    return terminal.result("check-vars", { file, bindings: Object.keys(bindings), faults: [] });
  }
  const faults = [first, ...more];
  const message = more.length === 0 ? first : counted(faults.length, "fault");
  throw new RebootlessError("config", `${file}: ${message}`, {
    output: more.length === 0 ? [] : faults.map((fault) => `  ${fault}`),
    hint: "Nothing was deployed. docs/publishing.md describes each variable.",
    answer: { file, faults },
  });
}
