/*
 * Who may import whom. `npm run format` makes the overrides of biome.json and the list in ARCHITECTURE.md out of these
 * tables, and test/tools/arrows.test.ts compares both with them, and every import of the sources too.
 */

/** What a program may run on, and how the specifiers of its modules begin. */
export const PLATFORMS = {
  Node: ["node:"],
  Cloudflare: ["cloudflare:", "@cloudflare/"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Platform = keyof typeof PLATFORMS;

/** A room, and what it may import beside itself. A part with a row of its own is a room within a room. */
export interface Room {
  readonly room: string;
  readonly imports: readonly string[] | "any";
  /** Whose modules it may import. */
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

/** Folders that stay apart although the rooms alone would let one import the others. */
export interface Apart {
  readonly within: string;
  readonly never: readonly string[];
  /** Files of `within` that may import them all the same, as files that lie in one of them may. */
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
