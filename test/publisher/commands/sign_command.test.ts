import { createHash, generateKeyPairSync } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeVerifier } from "../../../node/verifier.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { systemClock } from "../../../shared/time.ts";
import { enforcedAt } from "../../../shared/tuf/expiry.ts";
import { keyIdentity } from "../../../shared/tuf/keys.ts";
import { roleOf, TrustedSet } from "../../../shared/tuf/trusted_set.ts";
import { hostBundle } from "../../support/commands.ts";
import { manifestOf, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { projectRoot } from "../../support/guest/machine.ts";
import { type Ended, shell as inShell } from "./shell.ts";

/* Keys whose secret this program never sees: in a real ssh-agent, and with openssl in the place of a key service. */

const EXAMPLES = join(projectRoot, "docs/examples");
const AGENT = join(EXAMPLES, "sign-with-ssh-agent.mjs");
const SERVICE = join(EXAMPLES, "sign-with-openssl.sh");

let dir: string;
const run = (line: string): Promise<Ended> => inShell(dir, line, { SIGNING_KEYS: dir });

/** The same, for lines that have to succeed. */
async function must(line: string): Promise<string> {
  const { code, stdout, stderr } = await run(`set -euo pipefail\n${line}`);
  if (code !== 0) throw new Error(`ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** An executable file. */
async function program(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text, { mode: 0o755 });
  return join(dir, name);
}

/** Makes a key for openssl to sign with, and the key file that knows its public part alone. */
const serviceKey = (name: string, algorithm: string, role: string) =>
  must(`
    openssl genpkey -algorithm ${algorithm} -out ${name}.secret 2>/dev/null
    openssl pkey -in ${name}.secret -pubout -out ${name}.public
    publish -q keys import ${name}.public -o ${name} --role ${role}
    mv ${name}.secret "$(publish --json keys show ${name} | sed -E 's/.*"id":"([0-9a-f]+)".*/\\1/').pem"`);

const P256 = "EC -pkeyopt ec_paramgen_curve:P-256";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-sign-command-"));
  await must(
    "publish init own --no-passphrase --keys 2 --threshold 1 && publish init hub --without-root --no-passphrase",
  );
  await serviceKey("targets-kms", "ed25519", "targets");
  await serviceKey("targets-p256", P256, "targets");
  await serviceKey("token-kms", "ed25519", "token");
});

afterAll(() => rm(dir, { recursive: true, force: true }));

describe("root keys in ssh-agent", () => {
  it("sign a root that a host takes, by the program in docs/examples", async () => {
    await must(`
      ssh-keygen -q -t ed25519 -N '' -C 'alice@laptop' -f alice && publish keys import alice.pub -o alice.key --role root
      ssh-keygen -q -t ecdsa -b 256 -N '' -f bob && publish keys import bob.pub -o bob.key --role root
      publish root propose hub -o 1.json --add-key root=alice.key.pub --add-key root=bob.key.pub --threshold root=2 \\
        --add-key targets=targets-kms.pub --add-key targets=targets-p256.pub --threshold targets=2 \\
        --add-key snapshot=hub/keys/snapshot-1.json.pub --add-key timestamp=hub/keys/timestamp-1.json.pub
      eval "$(ssh-agent)" >agent.log && trap 'kill $SSH_AGENT_PID' EXIT
      ssh-add -q alice bob
      rm alice bob
      publish sign 1.json --key alice.key --yes --sign-command ${AGENT}
      publish sign 1.json --key bob.key --yes --sign-command ${AGENT}`);
    await must(
      "rm hub/keys/token.json* && cp token-kms hub/keys/token.json && publish root publish hub 1.json",
    );
    const root = await readFile(join(dir, "hub/root/1.root.json"));
    const trusted = await TrustedSet.fromRoot(new Uint8Array(root), nodeVerifier, enforcedAt(systemClock()));
    expect(roleOf(trusted.root, "root")).toMatchObject({ threshold: 2, keyIds: { length: 2 } });
  });

  it("are missed where the agent has another one, or where there is no agent", async () => {
    await must("ssh-keygen -q -t ed25519 -N '' -f carol && publish keys import carol.pub -o carol.key");
    await must("publish root propose own -o carol.json --add-key root=carol.key.pub");
    const sign = `publish sign carol.json --root own --key carol.key --yes --sign-command ${AGENT}`;
    const other = await run(`eval "$(ssh-agent)" >/dev/null; trap 'kill $SSH_AGENT_PID' EXIT; ${sign}`);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("the agent has no key")]);
    const none = await run(`unset SSH_AUTH_SOCK; ${sign}`);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("SSH_AUTH_SOCK names no agent")]);
  });
});

describe("targets and token keys with a key service", () => {
  it("publish an update that a host verifies, of Ed25519 and of P-256", async () => {
    await must("cp targets-kms hub/keys/targets-1.json && cp targets-p256 hub/keys/targets-2.json");
    const id = someBuildId();
    const draft = encodeManifest(manifestOf(id, [await updateOf("first", utf8("module"))]));
    await writeFile(join(dir, "draft.json"), draft);
    await writeFile(join(dir, "m.ko"), "module");
    const said = await must(`
      publish serve --data served --vars hub/edge.vars --port 0 >serve.log 2>&1 & trap "kill $!" EXIT
      until feed=$(grep -o 'http://[^ ]*' serve.log); do sleep 0.1; done
      publish push hub draft.json --module m.ko --feed "$feed" --sign-command ${SERVICE}
      publish --json audit hub --feed "$feed" --sign-command ${SERVICE}
      ${process.execPath} ${hostBundle} mirror sync "$feed" mirror --root hub/root/1.root.json --kernel ${id}
      ${process.execPath} ${hostBundle} mirror verify mirror`);
    expect(said).toContain("published  version 1");
    expect(said).toContain('"outcome":"published"');
    const root = JSON.parse(await readFile(join(dir, "hub/root/1.root.json"), "utf8"));
    const schemes = root.signed.roles.targets.keyids.map((key: string) => root.signed.keys[key].scheme);
    expect(schemes.sort()).toEqual(["ecdsa-sha2-nistp256", "ed25519"]);
  });

  it("are no use without the program, and the option is named", async () => {
    const signed = await run("publish audit hub --feed http://127.0.0.1:9/");
    expect([signed.code, signed.stderr]).toEqual([2, expect.stringContaining("--sign-command PROGRAM")]);
  });

  it("have no secret to export, and no passphrase to change", async () => {
    for (const line of [
      "publish keys export token-kms -o x",
      "publish keys passwd token-kms --no-passphrase",
    ]) {
      const done = await run(line);
      expect([done.code, done.stderr]).toEqual([2, expect.stringContaining("kept elsewhere")]);
    }
    const shown = await must("publish keys show targets-p256");
    expect(shown).toContain("at rest    elsewhere");
    expect(shown).toMatch(/^public {5}-----BEGIN PUBLIC KEY-----\n {11}\S/m);
  });
});

describe("a program that signs", () => {
  let before: Buffer;
  const SIGN = "publish sign kept.json --root own --key root-kms --yes --sign-command";

  beforeAll(async () => {
    await serviceKey("root-kms", "ed25519", "root");
    await must("publish root propose own -o kept.json --add-key root=root-kms.pub");
    before = await readFile(join(dir, "kept.json"));
  });

  it("is given the key's id and, on stdin, the very bytes to be signed; nothing else", async () => {
    const recorder = await program(
      "recorder",
      `#!/bin/sh\nfor each; do echo "$each"; done >arguments\ntee message | (cp /dev/stdin copy; ${SERVICE} "$1" <copy)\n`,
    );
    await must(`cp kept.json recorded.json && ${SIGN.replace("kept.json", "recorded.json")} ${recorder}`);
    const { id } = JSON.parse(await must("publish --json keys show root-kms"));
    expect(await readFile(join(dir, "arguments"), "utf8")).toBe(`${id}\n`);
    const { metadata } = JSON.parse(await readFile(join(dir, "kept.json"), "utf8"));
    const { signed } = JSON.parse(metadata);
    const message = await readFile(join(dir, "message"), "utf8");
    expect(JSON.parse(message)).toEqual(signed);
  });

  it.each<readonly [string, string, number, RegExp]>([
    ["signs other bytes", `(echo more; cat) | ${SERVICE} "$1"`, 4, /not answer with a signature by key/],
    [
      "signs with another key",
      `SIGNING_KEYS=$PWD/other ${SERVICE} "$1"`,
      4,
      /not answer with a signature by key/,
    ],
    ["answers in hex", `${SERVICE} "$1" | od -An -tx1 | tr -d ' \\n'`, 4, /64 bytes for Ed25519/],
    ["adds a line's end", `${SERVICE} "$1"; echo`, 4, /not answer with a signature/],
    ["answers nothing", "cat >/dev/null", 4, /not answer with a signature/],
    ["answers without end", "cat >/dev/null; yes", 1, /answered more than 256 bytes/],
    ["answers zeros without reading", "head -c 64 /dev/zero", 4, /not answer with a signature/],
    [
      "fails",
      "echo no token in the reader >&2; exit 3",
      1,
      /no token in the reader[\s\S]*ended with exit code 3/,
    ],
    ["is killed", "kill -9 $$", 1, /was ended by SIGKILL/],
  ])("and %s signs nothing", async (what, text, code, message) => {
    if (what.includes("another key")) {
      await mkdir(join(dir, "other"), { recursive: true });
      const { id } = JSON.parse(await must("publish --json keys show root-kms"));
      await must(`openssl genpkey -algorithm ed25519 -out other/${id}.pem`);
    }
    const done = await run(`${SIGN} ${await program("bad", `#!/bin/sh\n${text}\n`)}`);
    expect([done.code, done.stderr]).toEqual([code, expect.stringMatching(message)]);
    expect(await readFile(join(dir, "kept.json"))).toEqual(before);
  });

  it.each([
    ["is not there", "./nowhere", /cannot run \.\/nowhere/],
    ["may not be run", "kept.json", /cannot run/],
    ["lies below a file", "./kept.json/sign", /cannot run \.\/kept\.json\/sign/],
    ["has arguments", `"${"sh -c true"}"`, /cannot run sh -c true/],
    ["has no name", '""', /Give a program/],
  ])("and %s is a matter of the command line", async (_, name, message) => {
    const done = await run(`${SIGN} ${name}`);
    expect([done.code, done.stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it("speaks to the one who signs, and reaches into no terminal", async () => {
    const text = `printf 'touch the key\\033[2J\\302\\233now' >&2; ${SERVICE} "$1"`;
    await cp(join(dir, "kept.json"), join(dir, "said.json"));
    const done = await run(
      `${SIGN.replace("kept.json", "said.json")} ${await program("talks", `#!/bin/sh\n${text}\n`)}`,
    );
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining("touch the key\\x1b[2J")]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
    expect(done.stderr).not.toMatch(/[\u001b\u009b]/);
  });
});

describe("keys import", () => {
  const importOf = async (content: string, more = "") => {
    await writeFile(join(dir, "given"), content);
    await rm(join(dir, "imported"), { force: true });
    await rm(join(dir, "imported.pub"), { force: true });
    return run(`publish --json keys import given -o imported ${more}`);
  };
  const ed25519 = generateKeyPairSync("ed25519");
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = (key: { export(options: { type: "spki"; format: "pem" }): string | Buffer }) =>
    key.export({ type: "spki", format: "pem" }).toString();
  const jwk = (key: typeof ed25519.publicKey) => JSON.stringify(key.export({ format: "jwk" }));

  it.each([ed25519, p256])("has the same id for a key, however it is written", async ({ publicKey }) => {
    const ids = new Set<string>();
    for (const text of [pem(publicKey), jwk(publicKey), `a comment\n${pem(publicKey)}`]) {
      const { code, stdout } = await importOf(text, "--role targets");
      expect(code).toBe(0);
      const { id, scheme, public: shown } = JSON.parse(stdout);
      ids.add(id);
      const keytype = scheme === "ed25519" ? scheme : "ecdsa";
      const canonical = `{"keytype":"${keytype}","keyval":{"public":"${shown}"},"scheme":"${scheme}"}`;
      expect(createHash("sha256").update(canonical).digest("hex")).toBe(id);
      expect(keyIdentity({ keytype, scheme, public: shown })).toBeDefined();
    }
    expect(ids.size).toBe(1);
  });

  const offCurve = {
    ...p256.publicKey.export({ format: "jwk" }),
    y: p256.publicKey.export({ format: "jwk" }).x,
  };
  it.each<readonly [string, string, RegExp]>([
    [
      "a private key",
      ed25519.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      /holds a private key/,
    ],
    ["a private JWK", JSON.stringify(ed25519.privateKey.export({ format: "jwk" })), /holds a private key/],
    ["an RSA key", pem(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey), /not a P-256 key/],
    [
      "a key of another curve",
      pem(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey),
      /not a P-256 key/,
    ],
    ["a point that is on no curve", JSON.stringify(offCurve), /neither PEM/],
    [
      "a key of small order",
      JSON.stringify({ kty: "OKP", crv: "Ed25519", x: `AQ${"A".repeat(41)}` }),
      /not a sound/,
    ],
    ["a line of OpenSSH that was cut", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== a\n", /OpenSSH/],
    ["nothing", "", /neither PEM/],
    ["too much", "x".repeat(20_000), /bytes/],
  ])("takes no %s", async (_, content, message) => {
    const done = await importOf(content);
    expect(done.code).not.toBe(0);
    expect(done.stderr).toMatch(message);
    expect(done.stderr).not.toContain(content.slice(-20).trim() || "\0");
  });

  it.each([
    ["the edge's own roles", "--role timestamp", /the edge itself signs as timestamp/],
    ["tokens by P-256", "--role token", /only tokens that an Ed25519 key signed/],
  ])("makes no key for %s", async (_, more, message) => {
    const done = await importOf(pem(p256.publicKey), more);
    expect([done.code, done.stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
