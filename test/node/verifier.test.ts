import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ed25519Secret, openSsl } from "../../node/crypto.ts";
import { chooseVerifiers, hostVerifiers } from "../../node/verifier.ts";
import { utf8 } from "../../shared/bytes.ts";
import type { Ed25519Verify } from "../../shared/crypto/ed25519.ts";
import { ed25519Key } from "../../shared/tuf/keys.ts";

const { publicKey, sign } = ed25519Secret(new Uint8Array(32).fill(9));
const KEY = ed25519Key(publicKey);
const MESSAGE = utf8("an update");
const SIGNATURE = sign(MESSAGE);

describe("the verifiers of a host", () => {
  it("are OpenSSL and, for a second opinion, tweetnacl", async () => {
    const { first, second } = hostVerifiers();
    expect(second).toBeDefined();
    for (const verifier of [first, second]) {
      expect(await verifier?.verify(KEY, MESSAGE, SIGNATURE)).toBe(true);
      expect(await verifier?.verify(KEY, utf8("another"), SIGNATURE)).toBe(false);
    }
    expect(hostVerifiers()).toBe(hostVerifiers());
  });

  it.each<[string, Ed25519Verify]>([
    [
      "throws, as in FIPS mode",
      () => {
        throw new Error("unsupported");
      },
    ],
    ["refuses what is good", () => false],
    ["takes what is bad", () => true],
    ["answers later, so that its self-test proves nothing", async () => true],
  ])("are tweetnacl alone where the Ed25519 of OpenSSL %s", async (_what, openssl) => {
    let calls = 0;
    const { first, second } = chooseVerifiers((...args) => {
      calls++;
      return openssl(...args);
    });
    expect(second).toBeUndefined();
    const tried = calls;
    expect(await first.verify(KEY, MESSAGE, SIGNATURE)).toBe(true);
    expect(await first.verify(KEY, utf8("another"), SIGNATURE)).toBe(false);
    expect(calls).toBe(tried);
  });

  it("keep to OpenSSL once it has passed, whatever it does later", async () => {
    let broken = false;
    const { first } = chooseVerifiers((...args) => {
      if (broken) throw new Error("unsupported");
      return openSsl.ed25519(...args);
    });
    broken = true;
    await expect(first.verify(KEY, MESSAGE, SIGNATURE)).rejects.toThrow("unsupported");
  });
});

describe("a Node whose OpenSSL has no algorithms", () => {
  let work: string;
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "rebootless-openssl-"));
  });
  afterAll(() => rm(work, { recursive: true }));

  /** Only what draws random numbers, without which Node does not start, is taken from providers that are not FIPS. */
  const CONFIGURATION = `nodejs_conf = init
[init]
random = random
alg_section = algorithms
[random]
random = CTR-DRBG
cipher = AES-256-CTR
properties = -fips
seed_properties = -fips
[algorithms]
default_properties = fips=yes
`;

  it("says that it has no SHA-256, and takes tweetnacl for Ed25519", async () => {
    const config = join(work, "openssl.cnf");
    const script = join(work, "script.cjs");
    await writeFile(config, CONFIGURATION);
    const stdin = {
      contents: `
        import { sha256Of } from "./node/crypto.ts";
        import { hostVerifiers } from "./node/verifier.ts";
        const { second } = hostVerifiers();
        try { sha256Of(new Uint8Array()); } catch ({ code, message }) {
          console.log(JSON.stringify({ second: second === undefined, code, message }));
        }`,
      resolveDir: process.cwd(),
    };
    await build({ stdin, bundle: true, platform: "node", format: "cjs", outfile: script });
    const { stdout } = await promisify(execFile)(process.execPath, [`--openssl-config=${config}`, script]);
    expect(JSON.parse(stdout)).toEqual({
      second: true,
      code: "unsupported",
      message: "the OpenSSL of this Node does not compute sha256",
    });
  });
});
