/*
 * The text format that Prometheus reads (https://prometheus.io/docs/instrumenting/exposition_formats/): for each family
 * a line of help, a line with its type, and a line for each sample.
 */

import { printable } from "../../shared/printable.ts";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Gauges all: what counts on a host may go down again. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Families without samples are left out: absent says "not known", and 0 would say "none". */
export const exposition = (families: readonly Family[]): string =>
  families
    .filter(({ samples }) => samples.length > 0)
    .map(
      ({ name, help, samples }) =>
        `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} gauge\n${samples.map((one) => sampleLine(name, one)).join("")}`,
    )
    .join("");

function sampleLine(name: string, { labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

const escapedHelp = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapedLabel = (text: string): string => escapedHelp(printable(text)).replaceAll('"', '\\"');
