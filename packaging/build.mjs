// Bundles each command into one file that needs no node_modules, and proves what is in it.
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { lazyBuiltins } from "./lazy_builtins.mjs";
import { licenseTexts } from "./licenses.mjs";
import { noMultipart } from "./no_multipart.mjs";
import { verifyOnly } from "./verify_only.mjs";

const { version } = JSON.parse(await readFile("package.json", "utf8"));

const noDebug = fileURLToPath(new URL("no_debug.mjs", import.meta.url));
const noForms = fileURLToPath(new URL("no_forms.mjs", import.meta.url));

/** Modules of one bundle that another takes from it at run time, by patterns of their paths. */
const taken = (modules) => ({
  name: "taken",
  setup({ onResolve }) {
    for (const [filter, path] of modules) {
      onResolve({ filter }, ({ kind }) => (kind === "entry-point" ? undefined : { path, external: true }));
    }
  },
});

const hostAlias = {
  debug: noDebug,
  "fetch-blob": noForms,
  "fetch-blob/from.js": noForms,
  "formdata-polyfill/esm.min.js": noForms,
};

const hostPlugins = [lazyBuiltins, noMultipart, verifyOnly];

/** What starts a command is read by Nodes that are too old for the rest, to say just that. */
const OLD_NODE = "node12";

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
    alias: hostAlias,
    plugins: [...hostPlugins, taken([[/\/inspecting\.ts$/, "./rebootless-inspecting.cjs"]])],
    forbidden: /^(?:mirror|publisher|edge|test)\//,
    external: ["./rebootless-mirror.cjs"],
    maxBytes: 300_000,
  },
  {
    entry: "client/commands/inspecting.ts",
    out: "dist/rebootless-inspecting.cjs",
    alias: hostAlias,
    plugins: [...hostPlugins, taken([[/\/errors\.ts$/, "./rebootless-host.cjs"]])],
    forbidden: /^(?:mirror|publisher|edge|test)\//,
  },
  {
    entry: "mirror/main.ts",
    out: "dist/rebootless-mirror.cjs",
    alias: hostAlias,
    plugins: hostPlugins,
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
  },
  { entry: "test/proof/conformance/main.ts", out: "dist/tuf-client.cjs", forbidden: /^(?:edge|publisher)\// },
];

/** What the host's bundles are made of: they are installed together. */
const onHosts = [];

for (const bundle of bundles) {
  const { entry, out, forbidden, maxBytes, alias = {}, plugins = [], external = [] } = bundle;
  const onEdge = entry === "edge/worker.ts";
  const { metafile } = await build({
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    minify: true,
    metafile: true,
    legalComments: "none",
    platform: onEdge ? "browser" : "node",
    target: bundle.target ?? (onEdge ? "es2023" : "node20"),
    format: onEdge ? "esm" : "cjs",
    external: onEdge ? ["cloudflare:*"] : external,
    banner: onEdge || entry === "client/main.ts" ? {} : { js: "#!/usr/bin/env node" },
    alias,
    plugins,
    // The bundles are CommonJS and load each other as such.
    supported: /^(?:client|mirror)\//.test(entry) ? { "dynamic-import": false } : {},
    define: { REBOOTLESS_VERSION: JSON.stringify(version) },
    logLevel: "warning",
  });
  const strangers = Object.keys(metafile.inputs).filter((path) => forbidden.test(path));
  if (strangers.length > 0) throw new Error(`${out} holds what it must not: ${strangers.join(", ")}`);
  const bytes = Object.values(metafile.outputs)[0]?.bytes ?? 0;
  if (maxBytes && bytes >= maxBytes) throw new Error(`${out} has ${bytes} bytes, its limit is ${maxBytes}`);
  if (!onEdge) await chmod(out, 0o755);
  const inputs = Object.keys(metafile.inputs);
  if (/^(?:client|mirror)\//.test(entry)) onHosts.push(...inputs);
  else await writeFile(`${out}.licenses.txt`, await licenseTexts(inputs));
  process.stderr.write(`${out}  ${bytes} bytes\n`);
}
await writeFile("dist/host.licenses.txt", await licenseTexts(onHosts));
// dist holds CommonJS and one worker; the package itself is ESM.
await mkdir("dist", { recursive: true });
await writeFile("dist/package.json", '{ "type": "commonjs" }\n');
