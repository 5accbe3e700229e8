import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { choosePlace, type PlaceOptions } from "../../../../publisher/create/builder/choose_place.ts";

const configOf = (text: string): string => `CONFIG_CC_VERSION_TEXT="${text}"\n`;
const HERE = execFileSync("gcc", ["--version"], { encoding: "utf8" }).split("\n", 1)[0] ?? "";
const OTHER = configOf("gcc-14 (Debian 14.2.0-19) 14.2.0");

describe("the place where a kernel's compiler runs", () => {
  let cache = "";
  beforeAll(() => {
    cache = mkdtempSync(join(tmpdir(), "rebootless-place-"));
  });
  afterAll(() => rmSync(cache, { recursive: true }));

  const choose = async (config: string, options: Partial<PlaceOptions>): Promise<string> => {
    const place = await choosePlace(
      config,
      { forceCompiler: false, ...options },
      { cache, progress: () => undefined },
    );
    place.release();
    return place.identity;
  };

  it("is this machine, if nothing else is said or its compiler is the kernel's", async () => {
    expect(await choose(OTHER, {})).toBe("this machine");
    expect(await choose(configOf(HERE), { root: true })).toBe("this machine");
    expect(await choose("", { root: true })).toBe("this machine");
  });

  it("is behind the command that is given", async () => {
    expect(await choose(OTHER, { builder: "podman exec build" })).toBe('behind ["podman","exec","build"]');
    await expect(choose(OTHER, { builder: "" })).rejects.toMatchObject({ code: "usage" });
  });

  it("is not two places, and no root without a suite's name or a compiler's package", async () => {
    await expect(choose(OTHER, { builder: "a", root: true })).rejects.toMatchObject({
      code: "usage",
      message: "--root and --builder exclude each other",
    });
    await expect(choose(OTHER, { root: "../etc" })).rejects.toMatchObject({ code: "usage" });
    await expect(choose(configOf("gcc (GCC) 14.2.1 20240801"), { root: true })).rejects.toMatchObject({
      code: "unsupported",
      hint: expect.stringContaining("--builder"),
    });
    expect(readdirSync(cache)).toEqual([]);
  });
});
