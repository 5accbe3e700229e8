import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  isSigned,
  type ModuleSigner,
  moduleSigner,
  signModule,
} from "../../../../publisher/create/module/sign_module.ts";
import { utf8 } from "../../../../shared/bytes.ts";
import { findKernel } from "../../../support/guest/machine.ts";
import { headersOf } from "../../../support/guest/modules/build.ts";

const folder = mkdtempSync(join(tmpdir(), "rebootless-sign-"));
const path = (name: string): string => join(folder, name);
const openssl = (...args: readonly string[]): void =>
  void execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
const certify = (name: string, key: readonly string[], days: string): void =>
  openssl(
    ...["req", "-x509", "-nodes", "-days", days, "-subj", `/O=Example/CN=${name} é/`, "-utf8"],
    ...["-newkey", ...key, "-keyout", `${name}.key`, "-out", `${name}.crt`],
  );
const signer = (name: string, digest?: ModuleSigner["digest"]): ModuleSigner =>
  moduleSigner(readFileSync(path(`${name}.key`)), readFileSync(path(`${name}.crt`)), digest);
const module = utf8("not a module, which does not matter to a signature");

beforeAll(() => {
  certify("rsa", ["rsa:2048"], "10");
  certify("other", ["rsa:1024"], "20");
  certify("curve", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "10");
  writeFileSync(path("module.ko"), module);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a signed module", () => {
  it.each(["sha256", "sha512"] as const)("is what the distribution's sign-file makes, with %s", (digest) => {
    const signFile = join(headersOf(findKernel("secondary")), "scripts/sign-file");
    for (const name of ["rsa", "other"]) {
      const files = [`${name}.key`, `${name}.crt`, "module.ko", "signed.ko"].map(path);
      execFileSync(signFile, [digest, ...files]);
      const signed = signModule(module, signer(name, digest));
      expect(Buffer.from(signed).equals(readFileSync(path("signed.ko")))).toBe(true);
      expect([isSigned(module), isSigned(signed)]).toEqual([false, true]);
    }
  });

  it("has a signature that openssl verifies, of these bytes alone", () => {
    const signed = signModule(module, signer("rsa"));
    writeFileSync(path("signature"), signed.subarray(module.length, signed.length - 12 - 28));
    writeFileSync(path("changed"), "n0t a module");
    const verify = (content: string): void =>
      openssl(
        ...["cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", content],
        ...["-certfile", "rsa.crt", "-CAfile", "rsa.crt", "-purpose", "any", "-out", "/dev/null"],
      );
    expect(() => verify("module.ko")).not.toThrow();
    expect(() => verify("changed")).toThrow(/verification failure|digest|bad signature/i);
  });

  it.each([
    ["a key of another kind", () => signModule(module, signer("curve")), "unsupported"],
    [
      "a public key",
      () => signModule(module, { ...signer("rsa"), key: createPublicKey(signer("rsa").key) }),
      "unsupported",
    ],
    [
      "another key's certificate",
      () => signModule(module, { ...signer("rsa"), key: signer("other").key }),
      "usage",
    ],
    ["a module that is signed", () => signModule(signModule(module, signer("rsa")), signer("rsa")), "usage"],
    ["no key", () => moduleSigner(utf8("x"), readFileSync(path("rsa.crt"))), "config"],
    ["no certificate", () => moduleSigner(readFileSync(path("rsa.key")), utf8("x")), "config"],
  ] as const)("is refused with %s", (_, act, code) => {
    expect(act).toThrow(expect.objectContaining({ code }));
  });
});
