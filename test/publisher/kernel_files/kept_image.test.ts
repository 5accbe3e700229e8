import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keptImage } from "../../../publisher/kernel_files/kept_image.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { deb, tar, tarEntry } from "../../support/package_builder.ts";

const packageOf = (image: string): Uint8Array =>
  deb("data.tar", tar(tarEntry("./boot/vmlinuz-7.3-test", utf8(image)), tarEntry("./etc/x", utf8("x"))));

describe("an image that is kept", () => {
  let folder = "";
  let path = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rebootless-kept-"));
    path = join(folder, "linux-image-7.3-test.deb");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const images = (): readonly string[] => readdirSync(join(folder, "images"));
  const read = async (): Promise<string> => Buffer.from(await keptImage(path, folder)).toString();

  it("is read from the cache when its package is opened again", async () => {
    writeFileSync(path, packageOf("a kernel"));
    expect(await read()).toBe("a kernel");
    const [name = ""] = images();
    const file = join(folder, "images", name);
    utimesSync(file, 1, 1);
    expect(await read()).toBe("a kernel");
    expect(images()).toEqual([name]);
    expect(readFileSync(file, "utf8")).toBe("a kernel");
  });

  it("is not that of a package which has taken the place of the first", async () => {
    writeFileSync(path, packageOf("a kernel"));
    await read();
    writeFileSync(path, packageOf("b kernel"));
    expect(await read()).toBe("b kernel");
    expect(images()).toHaveLength(2);
  });

  it("is read from its package again if it was damaged", async () => {
    writeFileSync(path, packageOf("a kernel"));
    await read();
    const [name = ""] = images();
    writeFileSync(join(folder, "images", name), "another");
    expect(await read()).toBe("a kernel");
    expect(readFileSync(join(folder, "images", name), "utf8")).toBe("a kernel");
  });

  it("is not needed for an image that is no package, and a path that is not there is named", async () => {
    writeFileSync(join(folder, "vmlinuz"), "a kernel");
    expect(Buffer.from(await keptImage(join(folder, "vmlinuz"), folder)).toString()).toBe("a kernel");
    await expect(keptImage(path, folder)).rejects.toMatchObject({ code: "usage" });
    expect(readdirSync(folder)).toEqual(["vmlinuz"]);
  });
});
