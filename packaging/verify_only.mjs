import { readFile } from "node:fs/promises";

/** The text from `start` on up to `end` and with it; throws where the library is not the one that this was made for. */
function between(text, start, end) {
  const from = text.indexOf(start);
  const to = text.indexOf(end, from + start.length);
  if (from < 0 || to < 0)
    throw new Error(`tweetnacl has changed: ${JSON.stringify(start)} is not where it was`);
  return text.slice(from, to + end.length);
}

/**
 * For esbuild: tweetnacl without what a host does not do. The library is one function that makes all of it, boxes and
 * key exchange too, which no bundler can take apart; its parts are taken as they are and only the verifier is exported.
 */
export const verifyOnly = {
  name: "verify only",
  setup(build) {
    build.onLoad({ filter: /[\\/]tweetnacl[\\/]nacl-fast\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const head = "(function(nacl) {\n'use strict';\n";
      const arithmetic = between(text, head, "\nnacl.lowlevel = {").slice(
        head.length,
        -"nacl.lowlevel = {".length,
      );
      const parts = [
        arithmetic,
        between(text, "function checkArrayTypes() {", "\n}\n"),
        "const nacl = { sign: { detached: {} } };",
        between(text, "nacl.sign.detached.verify = function", "\n};\n"),
        "export default nacl;",
      ];
      return { contents: parts.join("\n") };
    });
  },
};
