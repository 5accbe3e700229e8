// Bundles each program into one file that needs no node_modules, and checks what is in it.
import { chmod, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { licenseTexts } from "./licenses.mjs";

const { version } = JSON.parse(await readFile("package.json", "utf8"));

/**
 * The launchers are compiled for versions of Node that are too old for the programs, so that they can say which
 * version is needed.
 */
const OLD_NODE = "node12";

/** The replacement of the package debug, so that no bundle prints what it sends to a proxy: see no_debug.mjs. */
const alias = { debug: fileURLToPath(new URL("no_debug.mjs", import.meta.url)) };

/*
 * Each bundle is described by these members:
 *
 * entry      the file that the bundle begins with
 * out        the path of the bundle
 * forbidden  a pattern of the project's files that the bundle must not contain
 * external   other bundles that it loads when it runs
 * target     the version of JavaScript that it is compiled to
 */
const bundles = [
  {
    entry: "client/start.ts",
    out: "dist/rebootless.cjs",
    forbidden: /^(?!client\/start|(?:node\/node_version|shared\/exit_codes)\.ts$)/,
    external: ["./rebootless-host.cjs"],
    target: OLD_NODE,
  },
  {
    entry: "client/main.ts",
    out: "dist/rebootless-host.cjs",
    forbidden: /^(?:mirror|publisher|edge|test)\//,
    external: ["./rebootless-mirror.cjs"],
  },
  {
    entry: "mirror/main.ts",
    out: "dist/rebootless-mirror.cjs",
    forbidden: /^(?:client|publisher|edge|test)\//,
  },
  {
    entry: "publisher/start.ts",
    out: "dist/rebootless-publish.cjs",
    forbidden: /^(?!publisher\/start|(?:node\/node_version|shared\/exit_codes)\.ts$)/,
    external: ["./rebootless-publish-program.cjs"],
    target: OLD_NODE,
  },
  {
    entry: "publisher/main.ts",
    out: "dist/rebootless-publish-program.cjs",
    forbidden: /^(?:client|edge|test)\//,
  },
  {
    entry: "edge/node/serve.ts",
    out: "dist/rebootless-edge.cjs",
    forbidden: /^(?:client|publisher|test|shared\/elf)\//,
  },
  {
    entry: "edge/worker.ts",
    out: "dist/edge/worker.js",
    forbidden: /^(?:client|publisher|test|shared\/elf)\//,
    target: "es2023",
  },
  { entry: "test/proof/conformance/main.ts", out: "dist/tuf-client.cjs", forbidden: /^(?:edge|publisher)\// },
];

/** The files that went into the bundles for hosts, which are installed together. */
const onHosts = [];

for (const { entry, out, forbidden, external = [], target = "node20" } of bundles) {
  const isWorker = entry === "edge/worker.ts";
  const { metafile } = await build({
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    minify: true,
    metafile: true,
    legalComments: "none",
    platform: isWorker ? "browser" : "node",
    target,
    format: isWorker ? "esm" : "cjs",
    external: isWorker ? ["cloudflare:*"] : external,
    banner: isWorker || entry === "client/main.ts" ? {} : { js: "#!/usr/bin/env node" },
    alias,
    define: { REBOOTLESS_VERSION: JSON.stringify(version) },
    logLevel: "warning",
  });
  const inputs = Object.keys(metafile.inputs);
  const strangers = inputs.filter((path) => forbidden.test(path));
  if (strangers.length > 0) throw new Error(`${out} holds what it must not: ${strangers.join(", ")}`);
  if (!isWorker) await chmod(out, 0o755);
  if (/^(?:client|mirror)\//.test(entry)) onHosts.push(...inputs);
  else await writeFile(`${out}.licenses.txt`, await licenseTexts(inputs));
  process.stderr.write(`${out}  ${metafile.outputs[out].bytes} bytes\n`);
}
await writeFile("dist/host.licenses.txt", await licenseTexts(onHosts));
// dist contains CommonJS and one worker, but the package itself is ESM.
await writeFile("dist/package.json", '{ "type": "commonjs" }\n');
