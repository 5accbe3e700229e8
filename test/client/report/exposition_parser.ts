export interface ParsedFamily {
  readonly help: string;
  readonly type: string;
  readonly samples: { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const HELP = new RegExp(`^# HELP (${NAME}) ([^\\n]*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{([^\\n]*)\\})? ([^ ]+)$`);
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=[a-zA-Z_])|$)/y;
const NUMBER = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/;

/**
 * Reads the exposition format, and only what promtool's linter lets pass: every family with help and type before its
 * samples and once, no sample twice, names that end as their kind should. Throws for anything else.
 */
export function parseExposition(text: string): ReadonlyMap<string, ParsedFamily> {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, ParsedFamily>();
  const lines = text.split("\n").slice(0, -1);
  let current = "";
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const [, helped, help] = HELP.exec(line) ?? [];
    if (helped !== undefined && help !== undefined) {
      const [, typed, type = ""] = TYPE.exec(lines[++at] ?? "") ?? [];
      if (typed !== helped) throw new Error(`no type after the help of ${helped}`);
      if (families.has(helped)) throw new Error(`${helped} twice`);
      if (help.trim() === "") throw new Error(`${helped} has no help`);
      if (type !== "counter" && helped.endsWith("_total")) throw new Error(`${helped} is called a counter`);
      families.set(helped, { help, type, samples: [] });
      current = helped;
      continue;
    }
    const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    if (name !== current) throw new Error(`a sample of another family, or none: ${line}`);
    if (!NUMBER.test(value)) throw new Error(`not a number: ${line}`);
    const samples = families.get(name)?.samples ?? [];
    const sample = { labels: parseLabels(labels), value: Number(value) };
    const key = JSON.stringify(Object.entries(sample.labels).sort());
    if (samples.some((other) => JSON.stringify(Object.entries(other.labels).sort()) === key)) {
      throw new Error(`a sample twice: ${line}`);
    }
    samples.push(sample);
  }
  for (const [name, { samples }] of families)
    if (samples.length === 0) throw new Error(`${name} has no sample`);
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`labels at ${at}: ${text}`);
    if (name in labels) throw new Error(`the label ${name} twice`);
    labels[name] = value.replaceAll(/\\([\s\S])/g, (_, escaped: string) =>
      escaped === "n" ? "\n" : escaped,
    );
  }
  return labels;
}
