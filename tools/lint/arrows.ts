/*
 * These tables say which files may import which. `npm run format` makes the overrides of biome.json and the list in
 * ARCHITECTURE.md from them, and test/tools/arrows.test.ts compares both with the tables, and every import of the
 * sources too.
 */

/** The platforms of programs, and the beginnings of the specifiers of their modules. */
export const PLATFORMS = {
  Node: ["node:"],
  Cloudflare: ["cloudflare:", "@cloudflare/"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Platform = keyof typeof PLATFORMS;

/** A room, and what it may import in addition to its own files. A part with a row of its own is a room within a room. */
export interface Room {
  readonly room: string;
  readonly imports: readonly string[] | "any";
  /** The platforms whose modules it may import. */
  readonly on: readonly Platform[];
  readonly why: string;
}

const NODE = ["Node"] as const;
const BOTH = ["Node", "Cloudflare"] as const;

export const ROOMS: readonly Room[] = [
  {
    room: "shared",
    imports: [],
    on: [],
    why: "It is pure and part of every program, in workerd too: what touches the machine is handed in.",
  },
  {
    room: "node",
    imports: ["shared"],
    on: NODE,
    why: "It holds what programs on Node have in common, and knows none of them.",
  },
  {
    room: "edge",
    imports: ["shared"],
    on: [],
    why: "It runs in workerd and on Node, and neither applies nor publishes.",
  },
  {
    room: "edge/cloudflare",
    imports: ["edge", "shared"],
    on: ["Cloudflare"],
    why: "It is what the edge needs of Cloudflare.",
  },
  {
    room: "edge/worker.ts",
    imports: ["edge", "edge/cloudflare", "shared"],
    on: ["Cloudflare"],
    why: "It is the edge in workerd, where there is no Node.",
  },
  {
    room: "edge/node",
    imports: ["edge", "node", "shared"],
    on: NODE,
    why: "It is the edge on Node, where there is nothing of Cloudflare.",
  },
  {
    room: "mirror",
    imports: ["node", "shared"],
    on: NODE,
    why: "It copies feeds for hosts and for publishers, and depends on neither.",
  },
  {
    room: "client",
    imports: ["node", "shared"],
    on: NODE,
    why: "A host carries no code that signs, publishes or serves updates.",
  },
  {
    room: "publisher",
    imports: ["mirror", "node", "shared"],
    on: NODE,
    why: "Its backups are mirrors; it meets hosts and the edge through what it publishes alone.",
  },
  { room: "packaging", imports: "any", on: BOTH, why: "It packs every program." },
  { room: "tools", imports: "any", on: BOTH, why: "They set up a machine and show every program." },
  { room: "test", imports: "any", on: BOTH, why: "It tries every program." },
  { room: "bench", imports: "any", on: BOTH, why: "It measures every program." },
];

/** Folders that must not import each other, although the rooms alone would allow it. */
export interface Apart {
  readonly within: string;
  readonly never: readonly string[];
  /** The files of `within` that may import them all the same. Files in one of those folders may, too. */
  readonly but?: readonly string[];
  readonly why: string;
}

const COMMANDS = ["client/commands", "mirror/commands", "publisher/commands"] as const;

export const APART: readonly Apart[] = [
  {
    within: "shared/tuf",
    never: ["shared/feed", "shared/runpre", "shared/elf"],
    why: "Trust is decided over bytes, by code that knows nothing of kernels.",
  },
  {
    within: "shared/runpre",
    never: ["shared/tuf", "shared/feed"],
    why: "Code in memory is compared by code that knows nothing of trust or of the feed.",
  },
  {
    within: "shared/elf",
    never: ["shared/tuf", "shared/feed"],
    why: "ELF is read by code that knows nothing of trust or of the feed.",
  },
  {
    within: "edge",
    never: ["shared/elf"],
    why: "Only hosts and publishers, who must, parse what a hostile image may hold.",
  },
  ...["client", "mirror", "publisher"].map((room) => ({
    within: room,
    never: COMMANDS,
    but: ["program.ts", "main.ts", "actions.ts"],
    why: "Commands use the rest, and only the command line uses commands.",
  })),
];
