import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configFile, type Places, readConfig } from "../../../node/config/config.ts";
import { SETTING_KEYS, settingName } from "../../../node/config/settings.ts";
import { isCode } from "../../../shared/errors.ts";

let places: Places;
beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "rebootless-fuzz-"));
  places = { configDir: dir, stateDir: dir, runDir: dir };
});
afterAll(() => rm(places.configDir, { recursive: true }));

/** Reads it whole, or says that it is no configuration; nothing else comes of it. */
async function judged(text: string, set: readonly string[] = []): Promise<void> {
  await writeFile(configFile(places), text);
  const config = await readConfig({ ...places, set }, {}).catch((error: unknown) => error);
  if (isCode(config, "config")) return;
  expect(config).not.toBeInstanceOf(Error);
  expect(Object.keys(config as object)).toEqual([...SETTING_KEYS, "origins"]);
}

const names = fc.oneof(fc.constantFrom(...SETTING_KEYS.map(settingName)), fc.string());
const scalars = fc.oneof(
  fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
  fc.constantFrom("3d", "0s", "check", "early", "2026-01-31", "https://a.example/", "/srv/feed", "fix-1"),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.date({ min: new Date(0), max: new Date("9999-01-01"), noInvalidDate: true }),
);
const values = fc.oneof(
  scalars,
  fc.array(fc.string(), { maxLength: 3 }),
  fc.dictionary(fc.string(), scalars),
);

describe("a configuration of whatever kind", () => {
  it("is read or refused, as text", async () => {
    await fc.assert(fc.asyncProperty(fc.string({ unit: "binary" }), (text) => judged(text)));
  });

  it("is read or refused, as TOML that might be one", async () => {
    const tables = fc.dictionary(names, values, { maxKeys: 6, noNullPrototype: true });
    const written = tables.map((table) => stringify({ ...table, feed: "https://a.example/" }));
    await fc.assert(
      fc.asyncProperty(written, (text) => judged(text)),
      { numRuns: 300 },
    );
  });

  it("is read or refused, from the command line", async () => {
    const assignments = fc.array(
      fc.tuple(names, fc.string()).map((parts) => parts.join("=")),
      { maxLength: 3 },
    );
    await fc.assert(fc.asyncProperty(assignments, (set) => judged('feed = "/srv/feed"', set)));
  });
});
