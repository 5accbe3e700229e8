import { readFile } from "node:fs/promises";
import { transform } from "esbuild";
import { describe, expect, it } from "vitest";
import { NODE_VERSION } from "../../node/node_version.ts";
import { hostBundle, publisherBundle } from "../support/commands.ts";

class Ended extends Error {}

/** Runs a launcher as a Node of this version would, which has nothing to load that the launcher asks for. */
function runOn(version: string, text: string) {
  const out = { said: "", code: undefined as number | undefined, asked: [] as string[] };
  const process = {
    version,
    argv: [],
    stderr: { write: (line: string) => void Object.assign(out, { said: out.said + line }) },
    exit: (code: number) => {
      out.code = code;
      throw new Ended();
    },
  };
  const require = (name: string) => {
    out.asked.push(name);
    throw new Ended();
  };
  try {
    new Function("process", "require", "module", "exports", "__dirname", text)(process, require, {}, {}, "/");
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
  }
  return out;
}

describe.each([
  ["rebootless", hostBundle],
  ["rebootless-publish", publisherBundle],
])("%s on an old Node", (name, bundle) => {
  const launcher = async () => (await readFile(bundle, "utf8")).replace(/^#!.*/, "");

  it("is written so that Node 12 can read it", async () => {
    const text = await launcher();
    const read = async (target: string) => (await transform(text, { target, minify: true })).code;
    expect(await read("node12")).toBe(await read("esnext"));
  });

  it.each(["v12.22.12", "v14.21.3", "v16.20.2", "v18.20.8", "v20.10.0"])(
    "says which Node it needs on %s, before anything else is loaded",
    async (version) => {
      expect(runOn(version, await launcher())).toEqual({
        said: expect.stringMatching(
          new RegExp(
            `^error: ${name} needs Node ${NODE_VERSION} or newer; this is ${version}\nhint: .*nodejs.org`,
          ),
        ),
        code: 19,
        asked: [],
      });
    },
  );

  it.each([process.version, "v20.11.0", "v21.0.0", "v22.4.1"])("goes on with %s", async (version) => {
    const { said, code, asked } = runOn(version, await launcher());
    expect([said, code, asked.length]).toEqual(["", undefined, 1]);
  });
});

describe("the Node that is needed", () => {
  it("is the one of package.json", async () => {
    expect(JSON.parse(await readFile("package.json", "utf8")).engines.node).toBe(`>=${NODE_VERSION}`);
  });
});
