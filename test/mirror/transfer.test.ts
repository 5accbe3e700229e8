import { createHash } from "node:crypto";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MAX_CHOSEN } from "../../mirror/kernel_choice.ts";
import {
  encodeTransfer,
  MAX_ARCHIVE_BYTES,
  MAX_TRANSFER_BYTES,
  MAX_TRANSFER_FILES,
  requireLimits,
  TRANSFER,
} from "../../mirror/transfer.ts";
import { sha256Hex } from "../../shared/brand.ts";
import { DAY, instant } from "../../shared/time.ts";
import { randomFrom } from "../proof/guest/random.ts";
import { signedRoot } from "../support/memory_feed.ts";
import { type Contents, readTransfer, tarOf, writeTransfer } from "../support/transfer.ts";
import { filesBelow, kernelId, Site } from "./site.ts";

const [A, B, C] = [kernelId(1), kernelId(2), kernelId(3)];
let site: Site;
/** Copies of what is outside, and inside, made once: every test begins there. */
let inside: string;
let count = 0;

const path = (name: string) => site.path(name);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const sync = () =>
  site.json(0, "mirror", "sync", site.url, path("out"), "--root", path("root.json"), "--all");
const carryOut = (name: string, ...more: readonly string[]) =>
  site.json(0, "mirror", "export", path("out"), "-o", path(name), ...more);
const carryIn = (code: number, dir: string, ...files: readonly string[]) =>
  site.json(code, "mirror", "import", ...files.map(path), dir, "--root", path("root.json"));
const state = (dir: string, name: string) => site.json(0, "mirror", "state", dir, "-o", path(name));

beforeAll(async () => {
  site = await Site.open();
  await site.publish(A, { updates: ["fix-a"] });
  await site.publish(B, { updates: ["fix-b"] });
  await sync();
  await carryOut("all.tar");
  await carryIn(0, path("in"), "all.tar");
  await state(path("in"), "in.state");

  const second = signedRoot(site.made, 2, instant(site.now + 400 * DAY), site.made.keys);
  expect((await site.send("POST", "/root", second)).status).toBe(201);
  await site.publish(A, { updates: ["fix-a", "fix-c"], recalled: ["fix-a"] });
  await site.publish(C, { updates: ["fix-d"] });
  site.pass(2 * DAY);
  await sync();
  await carryOut("second.tar", "--since", path("in.state"));
});
afterAll(() => site.close());
beforeEach(async () => {
  inside = path(`in-${count++}`);
  await cp(path("in"), inside, { recursive: true });
});

describe("what a mirror has", () => {
  it("is not written into a folder that is not there", async () => {
    const nowhere = path("nowhere/in.state");
    expect(await site.run("mirror", "state", inside, "-o", nowhere)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`error: cannot write ${nowhere}: ${path("nowhere")} is not there`),
    });
  });
});

describe("what is carried out", () => {
  it("is the same, byte for byte, whenever it is made with the same SOURCE_DATE_EPOCH", async () => {
    const made = async (name: string) => {
      await carryOut(`${name}.tar`, "--since", path("in.state"));
      const parts: Record<string, unknown> = await carryOut(name, "--split", "8k");
      await state(path("out"), `${name}.state`);
      const files = [
        `${name}.tar`,
        `${name}.state`,
        ...(parts["files"] as readonly string[]).map((_, i) => `${name}.00${i + 1}`),
      ];
      return Promise.all(files.map((file) => readFile(path(file))));
    };
    site.sourceDate = "1900000000";
    const first = await made("dated-1");
    site.now = instant(site.now + DAY);
    const second = await made("dated-2");
    site.sourceDate = undefined;
    expect(first.length).toBeGreaterThan(3);
    expect(second).toEqual(first);
    expect(await made("dated-3")).not.toEqual(first);
    site.now = instant(site.now - DAY);
    expect(await carryIn(0, inside, "dated-1.tar")).toMatchObject({ kernels: [A, C] });
  });

  it("is not made with a SOURCE_DATE_EPOCH that is no number of seconds", async () => {
    site.sourceDate = "yesterday";
    const { error } = await site.json(2, "mirror", "export", path("out"), "-o", path("never.tar"));
    site.sourceDate = undefined;
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("SOURCE_DATE_EPOCH") });
    expect(await readdir(site.dir)).not.toContain("never.tar");
  });
});

describe("a transfer", () => {
  it("takes everything to a mirror that has nothing", async () => {
    expect((await filesBelow(path("in"))).size).toBeGreaterThan(10);
    expect(await site.json(0, "mirror", "verify", path("in"))).toMatchObject({ kernels: 2, faults: [] });
  });

  it("takes what changed and no more: publications, a recall, a root, signatures", async () => {
    const { files, kernels, renewed, bytes } = await carryOut("again.tar", "--since", path("in.state"));
    expect([kernels, renewed, files]).toEqual([[A, C], 1, [path("again.tar")]]);
    expect(Number(bytes)).toBeLessThan((await readFile(path("all.tar"))).length + 12_000);
    const imported = await carryIn(0, inside, "second.tar");
    expect(imported).toMatchObject({
      kernels: [A, C],
      renewed: 1,
      roots: [2],
      updates: ["fix-c", "fix-d"],
      cves: ["CVE-2026-12345"],
      recalled: ["fix-a"],
    });
    const [now, outside] = [await filesBelow(inside), await filesBelow(path("out"))];
    for (const [name, content] of now) expect(content, name).toEqual(outside.get(name) ?? content);
    expect(now.get("kernels/index.json")).toEqual(outside.get("kernels/index.json"));
    expect(await site.json(0, "mirror", "verify", inside)).toMatchObject({ kernels: 3, faults: [] });
    expect(await carryIn(0, inside, "second.tar")).toMatchObject({ known: true, kernels: [] });
  });

  it("says the same to both people, with a digest that they can compare", async () => {
    const out = await site.run(
      "mirror",
      "export",
      path("out"),
      "-o",
      path("x.tar"),
      "--since",
      path("in.state"),
    );
    const into = await site.run("mirror", "import", path("x.tar"), inside);
    const digest = /^digest {5}(?:[0-9a-f]{8} ){7}[0-9a-f]{8}$/m.exec(out.stdout)?.[0] ?? "none";
    expect(into.stdout).toContain(digest);
    for (const line of [
      "kernels    2 changed, 1 signed again",
      "roots      version 2",
      "recalled   1 fix-a",
    ]) {
      expect(out.stdout).toContain(line);
      expect(into.stdout).toContain(line);
    }
  });

  it("out of order, or with one left out, is named and not applied", async () => {
    await state(path("out"), "out.state");
    await site.publish(B, { updates: ["fix-e"] });
    await sync();
    await carryOut("third.tar", "--since", path("out.state"));
    const before = await filesBelow(inside);
    const { error } = await carryIn(2, inside, "third.tar");
    expect(error).toMatchObject({ message: expect.stringContaining("does not follow the mirror's state") });
    expect(await filesBelow(inside)).toEqual(before);
    expect((await carryIn(2, path("empty"), "second.tar"))["error"]).toMatchObject({
      message: expect.stringContaining("the mirror is empty"),
    });
    await carryIn(0, inside, "second.tar");
    await carryIn(0, inside, "third.tar");
    expect((await carryIn(2, inside, "second.tar"))["error"]).toMatchObject({ code: "usage" });
    expect(await site.json(0, "mirror", "verify", inside)).toMatchObject({ faults: [] });
  });

  it("is read from parts in any order; one that is missing, foreign or damaged is named", async () => {
    await carryOut("parts", "--since", path("in.state"), "--split", "8k");
    await carryOut("others", "--split", "8k");
    const parts = (await readdir(site.dir)).filter((name) => name.startsWith("parts.")).sort();
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts) expect((await readFile(path(part))).length).toBeLessThanOrEqual(8192);
    const message = async (code: number, ...names: string[]) =>
      ((await carryIn(code, inside, ...names))["error"] as unknown as { message: string }).message;
    expect(await message(2, ...parts.filter((_, i) => i !== 1))).toBe(
      `these of ${parts.length} parts are missing: 2`,
    );
    expect(await message(2, ...parts, "others.001")).toMatch(/part of another transfer/);
    expect(await message(2, ...parts, "all.tar")).toMatch(/whole transfer/);
    const third = await readFile(path("parts.003"));
    await writeFile(path("parts.003"), Buffer.from(third).fill(7, 3000, 3001));
    expect(await message(4, ...parts)).toMatch(/part 3 is damaged/);
    await writeFile(path("parts.003"), third);
    expect(await carryIn(0, inside, ...parts.reverse())).toMatchObject({ known: false });
  });

  it("that was changed anywhere is refused, and nothing of it stays", async () => {
    const random = randomFrom(4);
    const good = await readFile(path("second.tar"));
    const before = await filesBelow(inside);
    let refused = 0;
    for (let round = 0; round < 16; round++) {
      const bad = Buffer.from(good);
      const at = Math.floor(random() * bad.length);
      bad[at] = (bad[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      await writeFile(path("bad.tar"), round % 8 === 7 ? good.subarray(0, at) : bad);
      const { code, stderr } = await site.run("mirror", "import", path("bad.tar"), inside);
      if (code === 0) {
        // Padding, and fields of a tar header that say nothing: all that counts was as it was made.
        await rm(inside, { recursive: true });
        await cp(path("in"), inside, { recursive: true });
      } else {
        refused++;
        expect(stderr).toMatch(/^error: /);
        expect([1, 2, 4]).toContain(code);
        expect(await filesBelow(inside)).toEqual(before);
      }
    }
    expect(refused).toBeGreaterThan(8);
  });

  const [artifact, feedOfA] = [/^artifacts\//, new RegExp(`^kernels/${A}/`)];
  it.each<[string, (contents: Contents) => Contents, RegExp]>([
    [
      "leads to another state than it states",
      ({ transfer, files }) => ({ transfer: { ...transfer, result: sha256Hex("0".repeat(64)) }, files }),
      /another state than it states/,
    ],
    [
      "names a kernel twice",
      ({ transfer, files }) => ({ transfer: { ...transfer, kernels: [A, ...transfer.kernels] }, files }),
      /a kernel twice/,
    ],
    [
      "holds a kernel that it does not name",
      ({ transfer, files }) => ({ transfer: { ...transfer, kernels: [C] }, files }),
      /of a kernel that it does not name/,
    ],
    [
      "names a kernel that it does not hold",
      ({ transfer, files }) => ({ transfer, files: files.filter(({ path }) => !feedOfA.test(path)) }),
      /without its feed.json/,
    ],
    [
      "counts other kernels as signed again",
      ({ transfer, files }) => ({ transfer: { ...transfer, renewed: 2 }, files }),
      /states 2 kernels signed again, and has 1/,
    ],
    [
      "renews a kernel twice",
      ({ transfer, files }) => {
        const [renewals] = files.filter(({ path }) => path.startsWith("timestamps/"));
        return {
          transfer,
          files: [...files, { path: "timestamps/1.json", bytes: renewals?.bytes ?? new Uint8Array() }],
        };
      },
      /has kernel .* twice/,
    ],
    [
      "carries what no kernel of it names",
      ({ transfer, files }) => ({
        transfer,
        files: [...files, { path: `artifacts/${sha256("idle")}`, bytes: Buffer.from("idle") }],
      }),
      /which no kernel of it names/,
    ],
    [
      "lacks what a kernel of it names",
      ({ transfer, files }) => ({ transfer, files: files.filter(({ path }) => !artifact.test(path)) }),
      /is missing/,
    ],
  ])("that %s is refused, and nothing of it is put in place", async (_, change, why) => {
    const before = await filesBelow(inside);
    await writeTransfer(path("odd.tar"), change(await readTransfer(path("second.tar"))));
    const { code, stderr } = await site.run("mirror", "import", path("odd.tar"), inside);
    expect([code, stderr]).toEqual([4, expect.stringMatching(why)]);
    expect(await filesBelow(inside)).toEqual(before);
    await carryIn(0, inside, "second.tar");
  });

  it("is written to a new file, as a state is, unless told to replace; parts that are left over go", async () => {
    await writeFile(path("there"), "something");
    for (const command of ["export", "state"]) {
      const args = ["mirror", command, path("out"), "-o", path("there")];
      expect(await site.run(...args)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/there is there already\nhint: `--force` replaces it/),
      });
      expect(await readFile(path("there"), "utf8")).toBe("something");
      await site.json(0, ...args, "--force");
      await writeFile(path("there"), "something");
    }
    await carryOut("split", "--split", "8k");
    const parts = async () => (await readdir(site.dir)).filter((name) => name.startsWith("split."));
    const before = (await parts()).length;
    const again = ["mirror", "export", path("out"), "-o", path("split"), "--split", "12k"];
    expect(await site.run(...again)).toMatchObject({ code: 2 });
    await site.json(0, ...again, "--force");
    expect((await parts()).length).toBeLessThan(before);
    await carryIn(0, path(`whole-${count++}`), ...(await parts()));
    const nowhere = await site.run("mirror", "export", path("out"), "-o", path("no/where"));
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining("is not there")]);
  });

  it("of everything goes into a mirror that has more, and states what it carries", async () => {
    await carryIn(0, inside, "second.tar");
    const few = path(`few-${count++}`);
    await site.json(0, "mirror", "sync", site.url, few, "--root", path("root.json"), "--kernel", B);
    await site.json(0, "mirror", "export", few, "-o", path("few.tar"));
    expect(await carryIn(0, inside, "few.tar")).toMatchObject({ kernels: [B] });
    expect((await site.json(0, "mirror", "verify", inside))["kernels"]).toBe(3);
    // One that goes on from there may know of fewer kernels than the other has.
    await state(inside, "more.state");
    await site.json(0, "mirror", "export", few, "-o", path("none.tar"), "--since", path("more.state"));
    expect(await carryIn(0, inside, "none.tar")).toMatchObject({ known: true });
  });

  it("of more files than it can hold is neither written nor unpacked, and said to be so at once", async () => {
    const [most, more] = [MAX_TRANSFER_FILES, MAX_TRANSFER_FILES + 1];
    expect(() => requireLimits(new Array(most).fill({ length: 9 }))).not.toThrow();
    for (const files of [new Array(more).fill({ length: 9 }), [{ length: MAX_ARCHIVE_BYTES }]]) {
      expect(() => requireLimits(files)).toThrow(expect.objectContaining({ code: "limit" }));
    }
    const { transfer } = await readTransfer(path("second.tar"));
    const head = Buffer.from(encodeTransfer({ ...transfer, files: [] })).toString();
    const bytes = Buffer.from(head.replace('"files":[]', `"files":[0${",0".repeat(most)}]`));
    await writeFile(path("many.tar"), tarOf([{ path: TRANSFER, bytes }]));
    const { code, stderr } = await site.run("mirror", "import", path("many.tar"), inside);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`${more} files: it can hold at most ${most}`),
    ]);
    // The longest lines that there can be: what the files may be, transfer.json has room for.
    const [line, kernel] = [
      `["kernels/${"a".repeat(64)}/feed.json",33554432,"${"a".repeat(64)}"],`,
      `"${"a".repeat(64)}",`,
    ];
    expect(MAX_TRANSFER_FILES * line.length + MAX_CHOSEN * kernel.length).toBeLessThan(MAX_TRANSFER_BYTES);
  });

  it("that took longer than signatures last is refused, and taken where that is said to be right", async () => {
    site.pass(20 * DAY);
    try {
      expect((await carryIn(8, inside, "second.tar"))["error"]).toMatchObject({
        code: "expired",
        hint: expect.stringContaining("--accept-stale"),
      });
      const taken = await site.run("mirror", "import", path("second.tar"), inside, "--accept-stale", "30d");
      expect(taken.code).toBe(0);
      expect(taken.stderr).toMatch(/^warning: accepted although timestamp expired/m);
    } finally {
      site.pass(-20 * DAY);
    }
  });

  it("of a mirror that is damaged is not made", async () => {
    const broken = path(`broken-${count++}`);
    await cp(path("out"), broken, { recursive: true });
    const [name = ""] = await readdir(join(broken, "artifacts"));
    await writeFile(join(broken, "artifacts", name), "x");
    expect(await site.run("mirror", "export", broken, "-o", path("never.tar"))).toMatchObject({ code: 4 });
    expect(await readdir(site.dir)).not.toContain("never.tar");
    expect(
      await site.run("mirror", "export", broken, "-o", path("n"), "--since", path("all.tar")),
    ).toMatchObject({
      code: 2,
    });
  });
});
