import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parse, TomlDate, type TomlValue } from "smol-toml";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { formatInstant, instant } from "../../shared/time.ts";
import { hasErrno } from "../errno.ts";
import { readIfPresent } from "../files.ts";
import { parseToml } from "../toml.ts";
import type { Raw } from "./kinds.ts";
import { SETTING_KEYS, SETTINGS, type SettingKey, settingName } from "./settings.ts";

/** The place where a setting's value comes from. */
export type Origin =
  | { readonly from: "default" }
  | { readonly from: "file"; readonly path: string; readonly line: number | undefined }
  | { readonly from: "environment"; readonly variable: string }
  | { readonly from: "command line" };

export interface Said {
  /** The value. It is undefined if no setting could have such a value. */
  readonly raw: Raw | undefined;
  readonly origin: Origin;
}

/** The settings from one place. */
export interface Layer {
  readonly said: ReadonlyMap<SettingKey, Said>;
  /** The errors with code `config` about settings that are not understood. */
  readonly faults: readonly RebootlessError[];
}

const KEY_OF: ReadonlyMap<string, SettingKey> = new Map(SETTING_KEYS.map((key) => [settingName(key), key]));

export const describeOrigin = (origin: Origin): string => {
  switch (origin.from) {
    case "file":
      return origin.line === undefined ? origin.path : `${origin.path}:${origin.line}`;
    case "environment":
      return `environment ${origin.variable}`;
    default:
      return origin.from;
  }
};

/** Names a setting as it is written in its place, and the place, for the person who has to change it. */
export function saidAt(key: SettingKey, origin: Origin): string {
  const name = settingName(key);
  switch (origin.from) {
    case "file":
      return `${name} in ${describeOrigin(origin)}`;
    case "environment":
      return `${origin.variable} in the environment`;
    case "command line":
      return `${name} on the command line`;
    case "default":
      return `${name} by default`;
  }
}

/**
 * Reads the settings in a file. A missing file has none. A file that cannot be read or parsed gives an error in
 * `faults`.
 */
export async function fileLayer(path: string): Promise<Layer> {
  try {
    const bytes = await readIfPresent(path).catch((cause: unknown) => {
      throw new RebootlessError("config", `cannot read ${path}`, { cause, hint: "Run as root." });
    });
    const text = Buffer.from(bytes ?? []).toString();
    const lines = Object.entries(parseToml(text, path));
    return layerOf(
      lines.map(([name, value]) => ({
        name,
        value,
        origin: { from: "file", path, line: lineOf(name, text) },
      })),
    );
  } catch (error) {
    return { said: new Map(), faults: [asFault(error)] };
  }
}

interface Line {
  readonly name: string;
  readonly value: TomlValue;
  readonly origin: Origin;
}

function layerOf(lines: readonly Line[]): Layer {
  const said = new Map<SettingKey, Said>();
  const faults: RebootlessError[] = [];
  for (const { name, value, origin } of lines) {
    const key = KEY_OF.get(name);
    const raw = rawOf(value);
    if (key) said.set(key, { raw, origin });
    if (!key) faults.push(unknownKey(name, origin));
    else if (raw === undefined) faults.push(noValue(name, origin));
  }
  return { said, faults };
}

function asFault(error: unknown): RebootlessError {
  if (isCode(error, "config")) return error;
  throw error;
}

/** Reads the files of `conf.d` in the order of their names. A later file takes precedence. */
export async function folderLayers(folder: string): Promise<readonly Layer[]> {
  try {
    const files = namesIn(folder)
      .filter((name) => name.endsWith(".toml") && !name.startsWith("."))
      .sort();
    return await Promise.all(files.map((name) => fileLayer(join(folder, name))));
  } catch (error) {
    return [{ said: new Map(), faults: [asFault(error)] }];
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (hasErrno(cause, "ENOENT")) return [];
    throw new RebootlessError("config", `cannot read ${folder}`, { cause, hint: "Run as root." });
  }
}

/** Reads the environment variables from which all programs take their proxies. An empty variable is ignored. */
export function environmentLayer(environment: Readonly<Record<string, string | undefined>>): Layer {
  const said = SETTING_KEYS.flatMap((key) => {
    const variable = SETTINGS[key].environment.find((name) => environment[name]);
    const raw = variable === undefined ? undefined : environment[variable];
    if (variable === undefined || raw === undefined) return [];
    return [[key, { raw, origin: { from: "environment", variable } }] as const];
  });
  return { said: new Map(said), faults: [] };
}

/** Reads the values of `--set name=value`. They are written as in a file, but texts need no quotes. */
export function commandLineLayer(assignments: readonly string[]): Layer {
  const origin: Origin = { from: "command line" };
  const lines = assignments.map((assignment) => {
    const [, name = "", text = ""] = /^([^=]*)=(.*)$/s.exec(assignment) ?? [assignment, assignment];
    return { name: name.trim(), value: readValue(text), origin };
  });
  return layerOf(lines);
}

function readValue(text: string): TomlValue {
  try {
    return parse(`value = ${text}`)["value"] ?? text;
  } catch {
    return text;
  }
}

const unknownKey = (name: string, origin: Origin): RebootlessError =>
  new RebootlessError("config", `${describeOrigin(origin)}: unknown key ${name}`, {
    hint: `The keys are ${[...KEY_OF.keys()].join(", ")}.`,
  });

const noValue = (name: string, origin: Origin): RebootlessError =>
  new RebootlessError(
    "config",
    `${describeOrigin(origin)}: ${name}: neither a text, a number, true or false, nor a list of texts`,
  );

function rawOf(value: TomlValue): Raw | undefined {
  if (value instanceof TomlDate) {
    return value.isLocal() ? value.toISOString() : formatInstant(instant(value.getTime()));
  }
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "number") return value;
  const items: readonly TomlValue[] = Array.isArray(value) ? value : [value];
  return items.every((item) => typeof item === "string") ? items : undefined;
}

/** Finds the line of a key, which the parser does not report. At the top level of a file, a key begins a line. */
function lineOf(name: string, text: string): number | undefined {
  const at = text.split("\n").findIndex((line) => {
    const rest = line
      .trimStart()
      .replace(/^\[{1,2}\s*/, "")
      .replace(/^["']/, "");
    return rest.startsWith(name) && /^["']?\s*[\].=]/.test(rest.slice(name.length));
  });
  return at < 0 ? undefined : at + 1;
}
