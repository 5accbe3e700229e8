import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { APART, PLATFORMS, ROOMS } from "../../tools/lint/arrows.ts";
import { forbidden, overrides, roomOf } from "../../tools/lint/overrides.ts";
import { withArrows } from "../../tools/lint/text.ts";
import { projectRoot } from "../support/guest/machine.ts";

const read = (path: string) => readFile(join(projectRoot, path), "utf8");

describe("the tables of arrows", () => {
  it("are what lint goes by (else: npm run format)", async () => {
    expect(JSON.parse(await read("biome.json")).overrides).toEqual(overrides());
  });

  it("are what ARCHITECTURE.md says (else: npm run format)", async () => {
    const document = await read("ARCHITECTURE.md");
    expect(document).toBe(withArrows(document));
  });
});

const MODULE = /\.(?:ts|tsx|mjs|cjs|js)$/;
const SPECIFIER = /(?:\bfrom\s*|\b(?:import|require)\s*\(\s*|\bimport\s*)(["'`])(.*?)\1/g;
/** An import of what is worked out, which nothing here can judge. */
const COMPUTED = /(?<![.\w])(?:import|require)\((?!["'`]|\w+: )/;

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

async function sources(): Promise<Source[]> {
  const found: Source[] = [];
  for (const room of new Set(ROOMS.map(({ room }) => room.split("/")[0] ?? ""))) {
    for (const name of await readdir(join(projectRoot, room), { recursive: true })) {
      if (!MODULE.test(name)) continue;
      const path = posix.join(room, name);
      const text = (await read(path)).replaceAll(/^\s*(?:\/\/.*|\/\*[\s\S]*?\*\/)/gm, "");
      found.push({
        path,
        text,
        imports: [...text.matchAll(SPECIFIER)].map(([, , specifier = ""]) => specifier),
      });
    }
  }
  return found;
}

/** Whether a specifier is that of a package which belongs to no platform. */
const isPackage = (specifier: string) =>
  !existsSync(join(projectRoot, specifier)) &&
  !Object.values<readonly string[]>(PLATFORMS)
    .flat()
    .some((prefix) => specifier.startsWith(prefix));

describe("the sources", () => {
  let programs: Source[];
  beforeAll(async () => {
    programs = (await sources()).filter(({ path }) => roomOf(path).imports !== "any");
    expect(programs.length).toBeGreaterThan(500);
  });

  it("import nothing that the tables forbid, by type or at run time", () => {
    const found = programs.flatMap(({ path, imports }) =>
      imports.flatMap((specifier) => {
        const imported = specifier.startsWith(".") ? posix.join(dirname(path), specifier) : specifier;
        const why = isPackage(imported) ? undefined : forbidden(path, imported);
        return why === undefined ? [] : [`${path} imports ${imported}. ${why}`];
      }),
    );
    expect(found).toEqual([]);
  });

  it("name files as they are, so that nothing is imported by another spelling", () => {
    const found = programs.flatMap(({ path, imports }) =>
      imports.flatMap((specifier) => {
        if (!specifier.startsWith(".")) return /^[@a-z]/.test(specifier) ? [] : [`${path}: ${specifier}`];
        const plain = /^(?:\.\/|(?:\.\.\/)+)[\w/-]+\.(?:ts|tsx|cjs)$/.test(specifier);
        const file = join(projectRoot, dirname(path), specifier);
        return plain && (existsSync(file) || specifier.endsWith(".cjs")) ? [] : [`${path}: ${specifier}`];
      }),
    );
    expect(found).toEqual([]);
  });

  it("work out what to import in one place alone: the edge that `serve` loads", () => {
    const found = programs.filter(({ text }) => COMPUTED.test(text)).map(({ path }) => path);
    expect(found).toEqual(["publisher/feed/edge_program.ts"]);
  });
});

/** A file that says no more than an import. */
interface Played {
  readonly path: string;
  readonly line: string;
}

const plain = (specifier: string) => `import { x } from "${specifier}";\n\nexport const y = x;`;

/** Every pair of folders that the tables have: what a file in the first says to import one in the second. */
function pairs(): { path: string; imported: string; specifier: string }[] {
  const folders = new Set([
    ...ROOMS.map(({ room }) => room),
    ...APART.flatMap(({ within, never }) => [within, ...never]),
  ]);
  return [...folders].filter(isFolder).flatMap((from) =>
    [...folders].map((to) => {
      const name = `from_${from.replaceAll("/", "_")}_to_${to.replaceAll(/\W/g, "_")}`;
      const [path, imported] = [`${from}/some/${name}.ts`, isFolder(to) ? `${to}/other.ts` : to];
      return { path, imported, specifier: posix.relative(dirname(path), imported).replace(/^(?!\.)/, "./") };
    }),
  );
}

/** A room may also be a file. */
const isFolder = (room: string) => !room.endsWith(".ts");

const MODULES = ["node:fs", "node:fs/promises", "cloudflare:workers", "@cloudflare/workers-types"];
const modules = ROOMS.map(({ room }) => room)
  .filter(isFolder)
  .flatMap((room) =>
    MODULES.map((specifier) => {
      const path = `${room}/imports_${specifier.replaceAll(/\W/g, "_")}.ts`;
      return { path, imported: specifier, specifier };
    }),
  );

const ALL = [...pairs(), ...modules].map((pair) => ({
  ...pair,
  line: plain(pair.specifier),
  why: forbidden(pair.path, pair.imported),
}));
const FORBIDDEN = ALL.filter(({ why }) => why !== undefined);
const ALLOWED: Played[] = [
  ...ALL.filter(({ why }) => why === undefined),
  { path: "client/program.ts", line: plain("./commands/check.ts") },
  { path: "edge/worker.ts", line: plain("./cloudflare/bindings.ts") },
  { path: "client/commands/check.ts", line: plain("./output.ts") },
];

/** Other ways to say the same. */
const SPELLINGS = [
  'import type { x } from "../../edge/app.ts";\n\nexport type Y = x;',
  'export { x } from "../../edge/app.ts";',
  'export * from "../../edge/app.ts";',
  'import "../../edge/app.ts";',
  'export const x = () => import("../../edge/app.ts");',
  plain("../../edge"),
  plain("./../../edge/app.ts"),
  plain("../trust/../../edge/app.ts"),
  plain("../../client/trust/../../edge/app.ts"),
].map((line, at): Played => ({ path: `client/some/spelling_${at}.ts`, line }));

let folder: string;
let said: string;

/** A tree with our lint rules in which nothing but the imports is there to complain about. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebootless-lint-"));
  await copyFile(join(projectRoot, "biome.json"), join(folder, "biome.json"));
  for (const { path, line } of [...FORBIDDEN, ...ALLOWED, ...SPELLINGS]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `${line}\n`);
  }
  const biome = join(projectRoot, "node_modules/@biomejs/biome/bin/biome");
  said = await new Promise((resolve) => {
    const args = [biome, "lint", "--max-diagnostics=none", "."];
    const options = { cwd: folder, maxBuffer: 16 << 20 };
    execFile(process.execPath, args, options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const isRefused = (path: string) =>
  new RegExp(`^${path}:1:\\d+ lint/style/noRestrictedImports`, "m").test(said);

test.each(FORBIDDEN)("$path must not import $imported, and lint says why", ({ path, why = "" }) => {
  expect(isRefused(path)).toBe(true);
  expect(said).toContain(why);
});

test.each(SPELLINGS)("lint refuses $line", ({ path }) => {
  expect(isRefused(path)).toBe(true);
});

test.each(ALLOWED)("$path may say $line", ({ path }) => {
  expect(said).not.toContain(`${path}:`);
});

test("a module of Node's without its prefix is an error everywhere", async () => {
  const { linter } = JSON.parse(await read("biome.json"));
  expect(linter.rules.style.useNodejsImportProtocol).toBe("error");
});
