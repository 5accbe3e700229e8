import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  keyFromSeed,
  newKey,
  openKeyFile,
  readKeyFile,
  type SigningKey,
  writeKeyFile,
} from "../../../publisher/keys/key_file.ts";
import { toHex } from "../../../shared/bytes.ts";
import { RebootlessError } from "../../../shared/errors.ts";

const OPEN = { passphrase: undefined, role: "targets" } as const;

let dir: string;
let path: string;
let key: SigningKey;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-keys-"));
  path = join(dir, "keys", "targets-1.json");
  key = await keyFromSeed(Uint8Array.from({ length: 32 }, (_, i) => 0xa0 ^ (i * 7)));
});
afterEach(() => rm(dir, { recursive: true }));

const nobody = {
  repeats: false,
  passphrase: () => Promise.reject(new Error("nobody knows a passphrase")),
};
const read = async () => openKeyFile(await readKeyFile(path), path, nobody);

describe("a key file", () => {
  it("gives the key back that was written", async () => {
    await writeKeyFile(path, key, OPEN);
    expect(await read()).toEqual(key);
  });

  it("and its folder are for their owner alone", async () => {
    await writeKeyFile(path, key, OPEN);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, "keys"))).mode & 0o777).toBe(0o700);
  });

  it("is never overwritten", async () => {
    await writeKeyFile(path, key, OPEN);
    const before = await readFile(path);
    await expect(writeKeyFile(path, await newKey(), OPEN)).rejects.toMatchObject({
      code: "config",
      hint: expect.stringContaining("never overwritten"),
    });
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(join(dir, "keys"))).toEqual(["targets-1.json"]);
  });

  it.each([0o640, 0o604, 0o620, 0o602, 0o610, 0o777])("is refused with the mode %o", async (mode) => {
    await writeKeyFile(path, key, OPEN);
    await chmod(path, mode);
    await expect(readKeyFile(path)).rejects.toMatchObject({
      code: "config",
      hint: expect.stringContaining("chmod 600"),
    });
  });

  it("is refused when its public key is that of another", async () => {
    await writeKeyFile(path, key, OPEN);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace(key.key.public, (await newKey()).key.public));
    await expect(readKeyFile(path)).rejects.toMatchObject({
      code: "parse",
      message: expect.stringContaining("does not belong to the private key"),
    });
  });

  it("that is missing, or a folder, is a matter of configuration", async () => {
    await expect(readKeyFile(path)).rejects.toMatchObject({ code: "config" });
    await expect(readKeyFile(dir)).rejects.toMatchObject({ code: "config" });
  });

  it("that is damaged is refused without a word of its secret, wherever the damage is", async () => {
    await writeKeyFile(path, key, OPEN);
    const text = await readFile(path, "utf8");
    const secret = toHex(key.seed);
    const damage = fc.tuple(fc.nat(text.length - 1), fc.constantFrom("", "x", '"', "{", "7", "\n"));
    const refused = fc.asyncProperty(damage, async ([at, put]) => {
      await writeFile(path, text.slice(0, at) + put + text.slice(at + 1));
      const error: unknown = await read().catch((cause: unknown) => cause);
      if (!(error instanceof RebootlessError)) {
        expect(error).toEqual(key); // only its label was damaged
        return;
      }
      for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
        for (let i = 0; i + 8 <= secret.length; i++) {
          expect(cause.message).not.toContain(secret.slice(i, i + 8));
        }
      }
    });
    await fc.assert(refused, { numRuns: 150, seed: 7 });
  });
});

describe("keys", () => {
  it("are new each time", async () => {
    expect((await newKey()).id).not.toBe((await newKey()).id);
  });

  it("go by an id that anybody can work out from the public part", async () => {
    // RFC 8032 section 7.1, test 1; the id is the SHA-256 of the canonical JSON of the public key.
    const seed = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
    const { key: made, id } = await keyFromSeed(seed);
    expect(made.public).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    const text = `{"keytype":"ed25519","keyval":{"public":"${made.public}"},"scheme":"ed25519"}`;
    expect(id).toBe(toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", Buffer.from(text)))));
  });
});
