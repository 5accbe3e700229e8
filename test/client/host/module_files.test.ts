import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { moduleFiles } from "../../../client/host/module_files.ts";
import { buildId, objectName } from "../../../shared/brand.ts";
import { fromHex } from "../../../shared/bytes.ts";
import { SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { buildElf, note } from "../../support/elf_builder.ts";

const ID = buildId("5a".repeat(20));
const RELOCATABLE = 1;
const MODULE = buildElf({
  type: RELOCATABLE,
  sections: [{ name: ".note.gnu.build-id", type: SECTION_TYPE.note, data: note("GNU", 3, fromHex(ID)) }],
});
const BARE = buildElf({ type: RELOCATABLE });

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "rebootless-modules-"));
});
afterEach(() => rm(root, { recursive: true }));

/** Puts a module where modules.dep says it is. */
async function install(path: string, bytes: Uint8Array): Promise<string> {
  const file = join(root, "6.12", path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, bytes);
  await writeFile(join(root, "6.12/modules.dep"), `kernel/fs/other.ko:\n${path}: kernel/fs/other.ko\n`);
  return file;
}

const find = (name: string) => moduleFiles("6.12", root)(objectName(name));
function xz(...options: readonly string[]): Buffer {
  return execFileSync("xz", ["-c", ...options], { input: MODULE });
}

/** One frame of one raw block (RFC 8878, 3.1.1): not every machine has the program. */
function zstdFrame(data: Uint8Array): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(data.length, 5);
  header.writeUIntLE((data.length << 3) | 1, 9, 3);
  return Buffer.concat([header, data]);
}

describe("the file of a module", () => {
  it("is found by the module's name, and tells its build", async () => {
    const path = await install("kernel/arch/x86/kvm/kvm-intel.ko", MODULE);
    expect(await find("kvm_intel")).toEqual({ path, buildId: ID });
  });

  it("is none where modules.dep does not know the module, or is not there", async () => {
    expect(await find("kvm")).toBeUndefined();
    await install("kernel/kvm.ko", MODULE);
    expect(await find("nfs")).toBeUndefined();
  });

  it("may have no build ID", async () => {
    await install("kernel/kvm.ko", BARE);
    expect(await find("kvm")).toMatchObject({ buildId: undefined });
  });

  it("may be packed with gzip", async () => {
    await install("kernel/kvm.ko.gz", gzipSync(MODULE));
    expect(await find("kvm")).toMatchObject({ buildId: ID });
  });

  it.each([
    ["xz", "with xz, as Fedora does", xz("--check=crc32")],
    ["xz", "with xz and its filter", xz("--x86", "--lzma2=dict=2MiB")],
    ["zst", "with zstd", zstdFrame(MODULE)],
  ])("may be packed (%s, %s), and is refused where that is damaged", async (ending, _, packed) => {
    await install(`kernel/kvm.ko.${ending}`, packed);
    expect(await find("kvm")).toMatchObject({ buildId: ID });
    for (const damaged of [Buffer.from("not packed at all"), packed.subarray(0, packed.length >> 1)]) {
      await install(`kernel/kvm.ko.${ending}`, damaged);
      await expect(find("kvm")).rejects.toMatchObject({ code: "unsupported" });
    }
  });

  it.each([
    ["that is no ELF file", "kernel/kvm.ko", Buffer.from("no module")],
    ["of a packing that nobody knows", "kernel/kvm.ko.br", brotliCompressSync(MODULE)],
    ["whose packing is damaged", "kernel/kvm.ko.gz", Buffer.from("no gzip")],
  ])("%s is refused", async (_, path, bytes) => {
    await install(path, bytes);
    await expect(find("kvm")).rejects.toMatchObject({ code: "unsupported" });
  });

  it("is looked for below the release's folder alone", async () => {
    await install("kernel/kvm.ko", MODULE);
    await writeFile(join(root, "6.12/modules.dep"), "../../etc/kvm.ko:\n");
    expect(await find("kvm")).toBeUndefined();
  });
});
