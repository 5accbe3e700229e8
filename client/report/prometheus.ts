/*
 * The text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). Each family has a line of
 * help, a line with its type, and a line for each sample.
 */

import { printable } from "../../shared/printable.ts";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with its samples. All are gauges, because every number of a host can decrease. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Formats families. One without samples is left out, which means that its value is not known; 0 would mean none. */
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
