import { APART, type Apart, PLATFORMS, type Platform, ROOMS, type Room } from "./arrows.ts";
import { importsInWords } from "./text.ts";

/** The override that lets programs of the repository itself write to the console. */
const WITH_CONSOLE = {
  includes: ["test/**", "bench/**", "packaging/**", "tools/**"],
  linter: { rules: { suspicious: { noConsole: "off" } } },
};

/** A part of an override of biome.json: the specifiers that an import must not have, and why. */
interface Pattern {
  readonly group: readonly string[];
  readonly message: string;
}

/**
 * Returns the overrides of biome.json, which forbid what the tables forbid. If several overrides match a file, Biome
 * uses the last one alone. So each override contains everything that is forbidden to its files, and they go from
 * rooms to parts of rooms.
 */
export function overrides() {
  return [
    ...ROOMS.filter(({ imports }) => imports !== "any").map(({ room }) =>
      override([room.endsWith(".ts") ? room : `${room}/**`], room),
    ),
    ...[...new Set(APART.map(({ within }) => within))]
      .filter((within) => !ROOMS.some(({ room }) => room === within))
      .map((within) => override([`${within}/**`], within)),
    ...APART.flatMap((apart) => (apart.but === undefined ? [] : [exempt(apart, apart.but)])),
    WITH_CONSOLE,
  ];
}

function exempt(apart: Apart, but: readonly string[]) {
  const files = but.map((file) => `${apart.within}/${file}`);
  const folders = apart.never
    .filter((folder) => isBelow(apart.within, folder))
    .map((folder) => `${folder}/**`);
  return override([...files, ...folders], apart.within, apart);
}

/**
 * Returns the override for some files.
 *
 * @param without a rule that does not hold for these files.
 */
function override(includes: readonly string[], folder: string, without?: Apart) {
  const room = roomOf(`${folder}/`);
  const apart = APART.filter((rule) => rule !== without && isBelow(rule.within, folder));
  const patterns = [...platforms(room), ...rooms(room), ...apart.map(({ never, why }) => below(never, why))];
  const rule = { level: "error", options: { patterns } };
  return { includes, linter: { rules: { style: { noRestrictedImports: rule } } } };
}

const NAMES = Object.keys(PLATFORMS) as readonly Platform[];

const platforms = ({ on, why }: Room): Pattern[] =>
  NAMES.filter((name) => !on.includes(name)).map((name) => ({
    group: PLATFORMS[name].flatMap((prefix) => [`${prefix}*`, `${prefix}*/**`]),
    message: `Nothing of ${name} here. ${why}`,
  }));

function rooms({ room, imports, why }: Room): Pattern[] {
  const others = ROOMS.map((other) => other.room).filter(
    (other) => other !== room && !imports.includes(other),
  );
  // A room within a forbidden room is forbidden with it.
  const outer = others.filter((other) => !others.some((around) => other.startsWith(`${around}/`)));
  return [below(outer, `${room} imports ${importsInWords(imports)}. ${why}`)];
}

/**
 * Forbids folders by the last part of their paths, with which every relative specifier of the folder ends. A folder
 * of another room with that name is forbidden along with it.
 */
function below(folders: readonly string[], message: string): Pattern {
  const names = [...new Set(folders.map((folder) => folder.slice(folder.lastIndexOf("/") + 1)))];
  const any = names.length > 1 ? `{${names}}` : names[0];
  return { group: [`**/${any}`, `**/${any}/**`], message };
}

/**
 * Returns the room that contains a file.
 *
 * @throws Error if the file is in no room.
 */
export function roomOf(path: string): Room {
  const room = ROOMS.findLast((candidate) => isBelow(candidate.room, path));
  if (room === undefined) throw new Error(`${path} lies in no room`);
  return room;
}

const isBelow = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}/`);

/**
 * Returns the reason why a file must not import what `imported` names (another file or a platform's module), or
 * undefined if it may.
 */
export function forbidden(file: string, imported: string): string | undefined {
  const from = roomOf(file);
  const platform = NAMES.find((name) => PLATFORMS[name].some((prefix) => imported.startsWith(prefix)));
  if (platform !== undefined) return from.on.includes(platform) ? undefined : from.why;
  const to = roomOf(imported);
  if (from !== to && from.imports !== "any" && !from.imports.includes(to.room)) return from.why;
  return APART.find((rule) => isApart(rule, file) && isIn(rule.never, imported))?.why;
}

const isApart = ({ within, never, but = [] }: Apart, file: string): boolean =>
  isBelow(within, file) && !isIn(never, file) && !but.some((name) => file === `${within}/${name}`);

const isIn = (folders: readonly string[], path: string): boolean =>
  folders.some((folder) => isBelow(folder, path));
