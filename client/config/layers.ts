import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parse, TomlDate, type TomlTable, type TomlValue } from "smol-toml";
import { RebootlessError } from "../../shared/errors.ts";
import { formatInstant, instant } from "../../shared/time.ts";
import { hasErrno, readIfPresent } from "../host/files.ts";
import type { Raw } from "./kinds.ts";
import { SETTING_KEYS, SETTINGS, type SettingKey, settingName } from "./settings.ts";

/** Where a setting's value was said. */
export type Origin =
  | { readonly from: "default" }
  | { readonly from: "file"; readonly path: string; readonly line: number | undefined }
  | { readonly from: "environment"; readonly variable: string }
  | { readonly from: "command line" };

export interface Said {
  readonly raw: Raw;
  readonly origin: Origin;
}

/** What one place says, by setting. */
export type Layer = ReadonlyMap<SettingKey, Said>;

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

/** Which setting, by the name that it was said by, and where: for whoever has to change it. */
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

/** Throws `config` for a file that is there and cannot be read or understood; an absent one says nothing. */
export async function fileLayer(path: string): Promise<Layer | undefined> {
  const bytes = await readIfPresent(path).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot read ${path}`, { cause, hint: "Run as root." });
  });
  if (!bytes) return undefined;
  const text = Buffer.from(bytes).toString();
  const said = Object.entries(parseToml(text, path)).map(([name, value]) => {
    const origin: Origin = { from: "file", path, line: lineOf(name, text) };
    return [keyOf(name, origin), { raw: rawOf(value, name, origin), origin }] as const;
  });
  return new Map(said);
}

/** The files of `conf.d`, in the order of their names: what a later one says holds. */
export async function folderLayers(folder: string): Promise<readonly Layer[]> {
  const files = namesIn(folder)
    .filter((name) => name.endsWith(".toml") && !name.startsWith("."))
    .sort();
  const layers = await Promise.all(files.map((name) => fileLayer(join(folder, name))));
  return layers.filter((layer) => layer !== undefined);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (hasErrno(cause, "ENOENT")) return [];
    throw new RebootlessError("config", `cannot read ${folder}`, { cause, hint: "Run as root." });
  }
}

/** The variables that every program takes its proxies from. An empty one says nothing. */
export function environmentLayer(environment: Readonly<Record<string, string | undefined>>): Layer {
  const said = SETTING_KEYS.flatMap((key) => {
    const variable = SETTINGS[key].environment.find((name) => environment[name]);
    const raw = variable === undefined ? undefined : environment[variable];
    if (variable === undefined || raw === undefined) return [];
    return [[key, { raw, origin: { from: "environment", variable } }] as const];
  });
  return new Map(said);
}

/** `--set name=value`, the value as in a file; a text need not be quoted. */
export function commandLineLayer(assignments: readonly string[]): Layer {
  const origin: Origin = { from: "command line" };
  const said = assignments.map((assignment) => {
    const [, name = "", text = ""] = /^([^=]*)=(.*)$/s.exec(assignment) ?? [assignment, assignment];
    return [keyOf(name.trim(), origin), { raw: rawOf(readValue(text), name, origin), origin }] as const;
  });
  return new Map(said);
}

function readValue(text: string): TomlValue {
  try {
    return parse(`value = ${text}`)["value"] ?? text;
  } catch {
    return text;
  }
}

function keyOf(name: string, origin: Origin): SettingKey {
  const key = KEY_OF.get(name);
  if (key) return key;
  throw new RebootlessError("config", `${describeOrigin(origin)}: unknown key ${name}`, {
    hint: `The keys are ${[...KEY_OF.keys()].join(", ")}.`,
  });
}

function rawOf(value: TomlValue, name: string, origin: Origin): Raw {
  if (value instanceof TomlDate) {
    return value.isLocal() ? value.toISOString() : formatInstant(instant(value.getTime()));
  }
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "number") return value;
  const items: readonly TomlValue[] = Array.isArray(value) ? value : [value];
  if (items.every((item) => typeof item === "string")) return items;
  throw new RebootlessError(
    "config",
    `${describeOrigin(origin)}: ${name}: neither a text, a number, true or false, nor a list of texts`,
  );
}

function parseToml(text: string, path: string): TomlTable {
  try {
    return parse(text);
  } catch (cause) {
    throw new RebootlessError("config", `${path} is not TOML`, { cause });
  }
}

/** The parser does not tell where a key stood; at the top of a file it begins a line. */
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
