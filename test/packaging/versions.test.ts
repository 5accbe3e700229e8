import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { NODE_VERSION } from "../../node/node_version.ts";
import { projectRoot } from "../support/guest/machine.ts";

const read = (path: string) => readFile(join(projectRoot, path), "utf8");

it.each(["packaging/debian/control", "packaging/rpm/rebootless.spec"])(
  "%s has the version of package.json and the Node that is needed",
  async (path) => {
    const { version } = JSON.parse(await read("package.json"));
    const text = await read(path);
    expect(/^Version: +(\S+)$/m.exec(text)?.[1]).toBe(version);
    expect(/nodejs \(?>= ([\d.]+)/.exec(text)?.[1]).toBe(NODE_VERSION);
  },
);
