import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openRoot } from "../../../publisher/create/builder/build_root.ts";
import type { KernelCompiler } from "../../../publisher/create/source/compiler.ts";

/*
 * A build root as it is made: killed in the middle, by two runs at once, and what programs in it can do. Nothing of it is
 * kept.
 */

/** Waits for a condition. Throws after ten minutes. */
async function until(what: string, is: () => boolean): Promise<void> {
  for (let waited = 0; !is(); waited += 50) {
    if (waited > 600_000) throw new Error(`it never came to this: ${what}`);
    await sleep(50);
  }
}

/** Another process that opens a root, and lets go of it at once. */
function openElsewhere(compiler: KernelCompiler, cache: string): ChildProcess {
  const module = join(
    dirname(fileURLToPath(import.meta.url)),
    "../../../publisher/create/builder/build_root.ts",
  );
  const script = `
    const { openRoot } = await import(${JSON.stringify(module)});
    const options = { suite: undefined, forceCompiler: false, cache: ${JSON.stringify(cache)} };
    const progress = (line) => console.log(line);
    (await openRoot(${JSON.stringify(compiler)}, { ...options, progress })).release();`;
  return spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Tries roots for a compiler. @returns what was not as it must be. */
export async function proveRoots(
  compiler: KernelCompiler,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  const check = (what: string, is: boolean): void => {
    say(`${what}: ${is ? "yes" : "NO"}`);
    if (!is) wrong.push(what);
  };
  const cache = await mkdtemp(join(tmpdir(), "rebootless-roots-"));
  try {
    await killedInTheMiddle(compiler, cache, check);
    await twoAtOnce(compiler, cache, check);
    await whatProgramsCanDo(compiler, cache, check);
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
  return wrong;
}

type Check = (what: string, is: boolean) => void;

const rootsIn = (cache: string): readonly string[] => {
  const roots = join(cache, "roots");
  return existsSync(roots) ? readdirSync(roots).map((name) => join(roots, name)) : [];
};

async function killedInTheMiddle(compiler: KernelCompiler, cache: string, check: Check): Promise<void> {
  const first = openElsewhere(compiler, cache);
  const half = (): string | undefined =>
    rootsIn(cache).find((folder) => existsSync(join(folder, "made/usr/bin")));
  await until("packages are extracted", () => half() !== undefined || first.exitCode !== null);
  first.kill("SIGKILL");
  await once(first, "exit");
  const folder = half();
  check("a run was killed while it extracted packages", folder !== undefined);
  check("what it left does not count as a root", !existsSync(join(folder ?? "", "ready.json")));
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  check("nothing of it is mounted", !mounts.includes(cache));
}

async function twoAtOnce(compiler: KernelCompiler, cache: string, check: Check): Promise<void> {
  const runs = [openElsewhere(compiler, cache), openElsewhere(compiler, cache)];
  const said = await Promise.all(
    runs.map(async (run) => {
      let text = "";
      run.stdout?.setEncoding("utf8").on("data", (more: string) => {
        text += more;
      });
      await once(run, "close");
      return text;
    }),
  );
  check(
    "two runs at once both have it",
    runs.every(({ exitCode }) => exitCode === 0),
  );
  const made = said.filter((text) => text.includes("making a build root of "));
  check(
    "one of them made it, and the other one waited",
    made.length === 1 && said.join("").includes("waiting for"),
  );
  check("there is one root", rootsIn(cache).length === 1);
}

async function whatProgramsCanDo(compiler: KernelCompiler, cache: string, check: Check): Promise<void> {
  const lines: string[] = [];
  const options = { suite: undefined, forceCompiler: false, cache };
  const place = await openRoot(compiler, { ...options, progress: (line) => void lines.push(line) });
  try {
    check("it is taken again as it is, without a word", lines.length === 0);
    const [source, work] = [join(cache, "source"), join(cache, "work")];
    for (const folder of [source, work]) await mkdir(folder);
    await writeFile(join(source, "hello.c"), '#include <stdio.h>\nint main(void) { puts("hello"); }\n');
    const run = place.runner({ source, work });
    const version = await run(compiler.program, ["--version"]);
    check("the compiler in it is the kernel's", version.stdout.split("\n", 1)[0] === compiler.text);
    const hello = join(work, "hello");
    const compiled = await run("gcc", ["-o", hello, join(source, "hello.c")]);
    check("what it compiles comes back", compiled.code === 0 && existsSync(hello));
    check("and runs in it", (await run(hello, [])).stdout === "hello\n");
    const fails = async (script: string): Promise<boolean> => (await run("sh", ["-c", script])).code !== 0;
    check("the source is only read", await fails(`echo x >${source}/more`));
    check("the root is only read", await fails("echo x >/usr/bin/more"));
    check("there is no network", await fails("grep -v '^ *lo:\\|^Inter\\|^ face' /proc/net/dev"));
    const rights = `awk '/^Cap/ && $2 !~ /^0+$/ { found = 1 } END { exit !found }' /proc/self/status`;
    check("there are no rights", await fails(rights));
    check(
      "there is nothing else of this machine",
      await fails("test -e /var || test -e /root || test -e /home"),
    );
    const names = (await run("env", [])).stdout.match(/^\w+/gm)?.sort();
    check("there are no variables of this process", `${names}` === "HOME,LC_ALL,PATH,PWD");
    const seen = await run("sh", ["-c", "ls -d /proc/[0-9]* | wc -l"]);
    check("there are no processes of others", Number(seen.stdout) > 0 && Number(seen.stdout) < 6);
  } finally {
    place.release();
  }
}
