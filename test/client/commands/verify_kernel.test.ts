import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildId, objectName, VMLINUX } from "../../../shared/brand.ts";
import { concatBytes, fromHex, utf8 } from "../../../shared/bytes.ts";
import { encodeFingerprints } from "../../../shared/runpre/file/encode.ts";
import type { FileHeader } from "../../../shared/runpre/file/header.ts";
import { buildElf, note, type SegmentSpec } from "../../support/elf_builder.ts";
import { FakeMemory, FUNCTIONS, fingerprintOf, landmarks, startOf } from "../apply/kernel.ts";
import { ID, type Output, RELEASE, SmallHost } from "./small_host.ts";

const OTHER = buildId("ff".repeat(20));
const header: FileHeader = {
  kernel: { buildId: ID, release: RELEASE, architecture: "x86_64" },
  object: { name: VMLINUX, buildId: ID, layout: null },
  landmarks,
};

let host: SmallHost;
let memory: FakeMemory;
let fingerprints: string;
beforeEach(async () => {
  host = await SmallHost.make();
  memory = new FakeMemory();
  fingerprints = await file("kernel.fp", encodeFingerprints(header, FUNCTIONS.map(fingerprintOf)));
});
afterEach(() => host.remove());

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(host.dir, name);
  await writeFile(path, bytes);
  return path;
}

const says = (id: string): SegmentSpec => ({
  type: 4,
  address: 0n,
  data: note("VMCOREINFO", 0, utf8(`OSRELEASE=6.1.0-57-test\nBUILD-ID=${id}\nPAGESIZE=4096\n`)),
});
const text = (bytes: Uint8Array = memory.bytes): SegmentSpec => ({ address: memory.text, data: bytes });
const core = (...segments: readonly SegmentSpec[]): Promise<string> =>
  file("core", buildElf({ type: 4, segments }));

async function verify(path: string, ...more: readonly string[]): Promise<Output> {
  return host.run("verify", "--kernel", "--fingerprints", fingerprints, "--kcore", path, ...more);
}
const json = ({ stdout }: Output): Record<string, unknown> => JSON.parse(stdout);

describe("verify --kernel of a core file", () => {
  it("counts the functions that match, and ends with 0", async () => {
    const output = await verify(await core(says(ID), text()), "--json");
    expect(output).toMatchObject({ code: 0, stderr: "checking 4 functions of vmlinux\n" });
    expect(json(output)).toMatchObject({
      command: "verify",
      exit_code: 0,
      kernel: { build_id: ID, release: RELEASE },
      functions: 4,
      matched: 4,
      bytes: 4 * 96,
      unexplained: 0,
      differing: [],
    });
  });

  it("names what differs, and ends with 6", async () => {
    memory.flip("second", 0x2f);
    memory.attach("third");
    const path = await core(says(ID), text());
    const output = await verify(path, "--json");
    expect(output.code).toBe(6);
    expect(json(output)).toMatchObject({
      exit_code: 6,
      matched: 2,
      attached: 1,
      unexplained: 1,
      differing: [
        {
          function: "second",
          offset: startOf("second"),
          why: "unexplained",
          places: 1,
          differences: [{ offset: 0x2f, length: 1 }],
        },
        { function: "third", why: "attached", attached: true, differences: [] },
      ],
    });
    const { stdout, stderr } = await verify(path);
    expect(stdout).toMatch(/^unexplained {2}second\+0x2f: expected [0-9a-f]{2}, found [0-9a-f]{2}$/m);
    expect(stdout).toMatch(/^attached {5}third: something is attached at its start$/m);
    expect(stderr).toMatch(/^error: 2 functions with differences that nothing explains/m);
    expect(stderr).toMatch(/^hint: /m);
  });

  it("refuses another build by name, before it compares anything", async () => {
    const output = await verify(await core(says(OTHER), text(new Uint8Array(8))), "--json");
    expect(output.code).toBe(5);
    expect(json(output)).toMatchObject({
      error: { code: "not_covered", details: { fingerprints: ID, found: OTHER } },
    });
    expect(output.stderr).toContain(`is 6.1.0-57-test (${OTHER})`);
  });

  it("finds the build ID in memory where the file does not say it", async () => {
    const own = concatBytes([memory.bytes, new Uint8Array(8), note("GNU", 3, fromHex(ID))]);
    expect((await verify(await core(text(own)))).code).toBe(0);
    const output = await verify(await core(text()));
    expect(output.code).toBe(5);
    expect(output.stderr).toContain("no note VMCOREINFO");
  });

  it("tells a hole in the file from changed code", async () => {
    memory.bytes.fill(0, startOf("second"), startOf("second") + 96);
    const output = await verify(await core(says(ID), text()));
    expect(output.code).toBe(1);
    expect(output.stderr).toContain(
      "has holes: there are only zeros in 1 function, of which the first is second",
    );
  });

  it("says when memory is missing", async () => {
    const output = await verify(await core(says(ID), text(memory.bytes.subarray(0, 0x300))));
    expect(output.code).toBe(1);
    expect(output.stderr).toContain("has no memory at 0xffffffff81000300");
  });
});

describe("verify --kernel", () => {
  it.each([
    [
      "a module's fingerprints",
      encodeFingerprints(
        { ...header, object: { name: objectName("nvme"), buildId: OTHER, layout: null } },
        [],
      ),
      2,
    ],
    ["what is no fingerprint file", utf8("hello"), 1],
  ])("refuses %s", async (_, bytes, code) => {
    fingerprints = await file("other.fp", bytes);
    expect((await verify(await core(says(ID), text()))).code).toBe(code);
  });

  it("takes no further arguments, and a core file that is there", async () => {
    expect((await host.run("verify", "--kernel", "fix.ko")).code).toBe(2);
    expect((await verify(join(host.dir, "nothing"))).code).toBe(2);
  });

  it("asks what is to be verified when nothing is named", async () => {
    const output = await host.run("verify");
    expect(output.code).toBe(2);
    expect(output.stderr).toContain("hint: Use `rebootless verify FILE`");
  });
});
