import { createRequire } from "node:module";

/** What Node does not load for itself at start, and most runs of the host's command do not need. */
const LAZY = ["child_process", "crypto", "fs/promises", "https", "net", "timers/promises", "zlib"];

const require = createRequire(import.meta.url);

/**
 * For esbuild: these modules of Node are loaded when something of them is used, not when the bundle starts. Each run of
 * each host would pay for them: commander alone brings child_process, node-fetch https and zlib.
 */
export const lazyBuiltins = {
  name: "lazy builtins",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^node:(?:${LAZY.join("|")})$`) }, ({ path }) => ({
      path: path.slice("node:".length),
      namespace: "lazy-builtin",
    }));
    build.onLoad({ filter: /.*/, namespace: "lazy-builtin" }, ({ path }) => ({
      contents: [
        `const real = () => require(${JSON.stringify(path)});`,
        "const own = (name, get) => Object.defineProperty(exports, name, { enumerable: true, get });",
        // As where an ES module imports CommonJS: `default` is all of it.
        'Object.defineProperty(exports, "__esModule", { value: true });',
        'own("default", real);',
        `for (const name of ${JSON.stringify(Object.keys(require(path)))}) own(name, () => real()[name]);`,
      ].join("\n"),
    }));
  },
};
