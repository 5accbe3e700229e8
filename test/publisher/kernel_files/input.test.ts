import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openImageInput, openInput } from "../../../publisher/kernel_files/input.ts";
import type { KernelInput } from "../../../publisher/kernel_files/kernel_input.ts";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { deb, tar, tarEntry, tarHeader, xzPacked, zstdPacked } from "../../support/package_builder.ts";

const image = utf8("the kernel");
const other = utf8("another kernel");
const module = utf8("a module ".repeat(500));
const RELEASE = "6.1.0-test";
const FILES = tar(
  tarEntry("./boot/", new Uint8Array(), "5"),
  tarEntry(`./boot/vmlinuz-${RELEASE}`, image),
  tarEntry(`./boot/System.map-${RELEASE}`, utf8("not wanted")),
  tarEntry(`./lib/modules/${RELEASE}/kernel/fs/snd-one.ko`, module),
  tarEntry(`./lib/modules/${RELEASE}/kernel/fs/two.ko.xz`, xzPacked(module)),
  tarEntry(`./lib/modules/${RELEASE}/kernel/fs/three.ko.gz`, new Uint8Array(gzipSync(module))),
  tarEntry(`./lib/modules/${RELEASE}/kernel/fs/link.ko`, new Uint8Array(), "2"),
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebootless-input-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function put(path: string, bytes: Uint8Array): Promise<string> {
  const full = join(folder, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, bytes);
  return full;
}

async function contents({ image: found, modules }: KernelInput): Promise<unknown> {
  const read = await Promise.all(modules.map(async (file) => [file.name, await file.read()] as const));
  return { image: found && new Uint8Array(found), modules: Object.fromEntries(read) };
}

const everything = (): boolean => true;
const WHOLE = { image, modules: { snd_one: module, two: module, three: module } };

describe("a kernel's input", () => {
  it.each([
    ["data.tar", FILES],
    ["data.tar.xz", xzPacked(FILES)],
    ["data.tar.zst", zstdPacked(FILES)],
    ["data.tar.gz", new Uint8Array(gzipSync(FILES))],
  ])("is a Debian package with %s", async (name, data) => {
    const path = await put(`${name}.deb`, deb(name, data));
    expect(await contents(await openInput(path, everything))).toEqual(WHOLE);
    const one = await openInput(path, (wanted) => wanted === "two");
    expect(await contents(one)).toEqual({ image, modules: { two: module } });
    expect(new Uint8Array(await openImageInput(path))).toEqual(image);
  });

  it("is read only as far as the kernel's folder goes, unless modules are wanted", async () => {
    const boot = [tarEntry(`./boot/vmlinuz-${RELEASE}`, image), tarEntry("./boot/config", utf8("no"))];
    const rest = tarEntry("./lib/modules/damaged", utf8("x"));
    rest[0] = 0x7f; // the checksum of its header is wrong now
    const path = await put(
      "damaged.deb",
      deb("data.tar", tar(...boot, tarEntry("./etc/x", utf8("x")), rest)),
    );
    expect(new Uint8Array(await openImageInput(path))).toEqual(image);
    await expect(openInput(path, everything)).rejects.toMatchObject({ code: "parse" });
    const two = tar(...boot, tarEntry("./boot/vmlinuz-other", other), tarEntry("./etc/x", image), rest);
    await expect(openImageInput(await put("two.deb", deb("data.tar", two)))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("2 kernels"),
    });
  });

  it("is a folder: the root of a package, its /boot, its modules", async () => {
    await put(`root/boot/vmlinuz-${RELEASE}`, image);
    await put(`root/boot/config-${RELEASE}`, utf8("no"));
    await put(`root/lib/modules/${RELEASE}/kernel/snd-one.ko`, module);
    await put(`root/lib/modules/${RELEASE}/updates/two.ko.zst`, zstdPacked(module));
    await put("root/lib/modules/5.0.0/kernel/other.ko", module);
    const root = join(folder, "root");
    await symlink("/", join(root, "lib/modules", RELEASE, "loop"));
    const expected = { image, modules: { snd_one: module, two: module } };
    expect(await contents(await openInput(root, everything))).toEqual(expected);
    expect(await contents(await openInput(join(root, "boot"), everything))).toEqual({
      image,
      modules: {},
    });
    const modules = await openInput(join(root, "lib/modules", RELEASE), everything);
    expect(await contents(modules)).toEqual({ ...expected, image: undefined });
  });

  it("is a folder of the packages of one kernel, whatever else lies beside them", async () => {
    const inModules = (path: string, bytes: Uint8Array): Uint8Array =>
      deb("data.tar", tar(tarEntry(`./usr/lib/modules/7.3-test/${path}`, bytes)));
    await put("split/linux-binary-7.3-test_1_amd64.deb", inModules("vmlinuz", image));
    await put("split/linux-modules-7.3-test_1_amd64.deb", inModules("kernel/two.ko.xz", xzPacked(module)));
    await put("split/linux-source-7.3_1_all.deb", utf8("not to be read"));
    await put("split/fix.patch", utf8("nor this"));
    const split = join(folder, "split");
    expect(await contents(await openInput(split, everything))).toEqual({ image, modules: { two: module } });
    await put("split/linux-binary-7.2-test_1_amd64.deb", inModules("vmlinuz", other));
    await expect(openInput(split, everything)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/packages of 2 kernels$/),
    });
  });

  it("is a file: an image, or a module", async () => {
    const kernel = await openInput(await put("vmlinuz", image), everything);
    expect(await contents(kernel)).toEqual({ image, modules: {} });
    const ko = await put("snd-one.ko.xz", xzPacked(module));
    expect(await contents(await openInput(ko))).toEqual({
      image: undefined,
      modules: { snd_one: module },
    });
    await expect(openImageInput(ko)).rejects.toMatchObject({ code: "usage" });
  });

  it("names one kernel", async () => {
    await put("two/boot/vmlinuz-1", image);
    await put("two/boot/vmlinuz-2", image);
    await expect(openInput(join(folder, "two"))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/vmlinuz-1, .*vmlinuz-2/),
    });
  });

  it("is not there", async () => {
    await expect(openInput(join(folder, "nowhere"))).rejects.toMatchObject({ code: "usage" });
  });
});

describe("a hostile package", () => {
  const open = async (name: string, data: Uint8Array): Promise<KernelInput> =>
    openInput(await put("hostile.deb", deb(name, data)), everything);
  const vmlinuz = `./boot/vmlinuz-${RELEASE}`;

  it.each([
    ["no data that is understood", "data.tar.bz2", FILES, "parse"],
    ["an end in the middle of a file", "data.tar", FILES.subarray(0, 1030), "parse"],
    ["a file that says it has 8 GiB", "data.tar", tarHeader(vmlinuz, 8 ** 11 - 1), "limit"],
    ["a file that says more than there is", "data.tar", tarHeader(vmlinuz, 900 << 20), "parse"],
    ["a damaged header", "data.tar", FILES.map((byte, i) => (i === 130 ? 0x39 : byte)), "parse"],
    ["a long name of a gigabyte", "data.tar", tarHeader("x", 1 << 30, "L"), "limit"],
    ["a size in a pax header", "data.tar", tarEntry("x", utf8("13 size=1024\n"), "x"), "unsupported"],
    ["a pax record that is too long", "data.tar", tarEntry("x", utf8("99 path=x\n"), "x"), "parse"],
    ["damage behind what is wanted", "data.tar.xz", damaged(xzPacked(FILES)), "parse"],
    ["something behind a zstd frame", "data.tar.zst", concatBytes([zstdPacked(FILES), image]), "parse"],
    ["two kernels", "data.tar", tar(tarEntry(vmlinuz, image), tarEntry("./boot/vmlinuz-2", other)), "usage"],
  ])("with %s is refused", async (_, name, data, code) => {
    const before = process.memoryUsage().arrayBuffers;
    await expect(open(name, data)).rejects.toMatchObject({ code });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20);
  });

  it("keeps paths as names: nothing is written", async () => {
    const data = tar(tarEntry("../../../../boot/vmlinuz-x", image), tarEntry("/etc/modules/evil.ko", module));
    expect(await contents(await open("data.tar", data))).toEqual({ image, modules: { evil: module } });
  });

  it("has the long names of GNU tar and of pax", async () => {
    const long = `./lib/modules/${"d".repeat(120)}/kernel/deep.ko`;
    const record = ` path=${long.replace("deep", "pax")}\n`;
    const data = tar(
      tarEntry("././@LongLink", utf8(`${long}\0`), "L"),
      tarEntry(long.slice(0, 100), module),
      tarEntry("pax", utf8(`${record.length + 3}${record}`), "x"),
      tarEntry("short", module),
      tarEntry("plain.ko", module),
    );
    expect(await contents(await open("data.tar", data))).toEqual({
      image: undefined,
      modules: { deep: module, pax: module, plain: module },
    });
  });

  it("is a value or an error of ours whatever it holds", async () => {
    const small = tar(tarEntry(vmlinuz, image), tarEntry("./m.ko", image));
    const seeds = [
      deb("data.tar", small),
      deb("data.tar.zst", zstdPacked(small)),
      deb("data.tar.xz", xzPacked(small)),
    ];
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...seeds), changes, async (seed, list) => {
        const bytes = seed.slice();
        for (const [at, value] of list) bytes[at % bytes.length] = value;
        try {
          await contents(await openInput(await put("fuzz.deb", bytes), everything));
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** The last bytes of the check, behind all data. */
function damaged(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  const at = changed.length - 30;
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
