#!/usr/bin/env node
/*
 * A program for `rebootless-publish --sign-command`: has ssh-agent sign (draft-miller-ssh-agent), or whatever speaks its protocol at
 * SSH_AUTH_SOCK. `ssh-keygen -Y sign` will not do: it signs a message of its own that has the digest of ours in it.
 * Of Ed25519, and of ECDSA on P-256, which a card has through `ssh-add -s`. Keys that ask for a touch (sk-…) sign something else as well.
 */
import { createHash, createPublicKey } from "node:crypto";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";

const [REQUEST_IDENTITIES, IDENTITIES, SIGN_REQUEST, SIGNED] = [11, 12, 13, 14];
const MAX_ANSWER = 256 * 1024;

const uint32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const string = (bytes) => Buffer.concat([uint32(bytes.length), bytes]);

/** Takes strings off the front, each after its length. */
function* strings(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new Error("the agent's answer was cut short");
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}

/** One request, one answer of the type that is expected. */
function ask(type, body, expected) {
  return new Promise((resolve, reject) => {
    const path = process.env.SSH_AUTH_SOCK;
    if (!path) throw new Error("SSH_AUTH_SOCK names no agent");
    const socket = connect(path);
    let answer = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the agent went away")));
    socket.on("data", (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      const length = answer.length < 4 ? 0 : answer.readUInt32BE(0);
      if (length > MAX_ANSWER) reject(new Error("the agent answered too much"));
      if (length === 0 || answer.length < 4 + length) return;
      socket.destroy();
      if (answer[4] === expected) resolve(answer.subarray(5, 4 + length));
      else reject(new Error("the agent refused"));
    });
    socket.write(string(Buffer.concat([Buffer.of(type), body])));
  });
}

/** The key id that the root of trust has for a key of the agent, or undefined for a key of another kind. */
function keyId(blob) {
  const [type, ...parts] = strings(blob);
  const hash = (keytype, shown, scheme) =>
    createHash("sha256")
      .update(`{"keytype":"${keytype}","keyval":{"public":"${shown}"},"scheme":"${scheme}"}`)
      .digest("hex");
  if (type.toString() === "ssh-ed25519") return hash("ed25519", parts[0].toString("hex"), "ed25519");
  if (type.toString() !== "ecdsa-sha2-nistp256") return undefined;
  const [x, y] = [parts[1].subarray(1, 33), parts[1].subarray(33)].map((half) => half.toString("base64url"));
  const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
  return hash("ecdsa", key.export({ format: "pem", type: "spki" }), "ecdsa-sha2-nistp256");
}

/** The bare signature: the 64 bytes of Ed25519, or r and s of ECDSA in DER, whose numbers are written as the agent's are. */
function bare(signature) {
  const [type, value] = strings(signature);
  if (type.toString() === "ssh-ed25519") return value;
  const numbers = [...strings(value)].map((number) =>
    Buffer.concat([Buffer.of(0x02, number.length), number]),
  );
  const both = Buffer.concat(numbers);
  return Buffer.concat([Buffer.of(0x30, both.length), both]);
}

try {
  const wanted = process.argv[2];
  const message = await buffer(process.stdin);
  const listed = await ask(REQUEST_IDENTITIES, Buffer.alloc(0), IDENTITIES);
  const blobs = [...strings(listed.subarray(4))].filter((_, i) => i % 2 === 0); // each is followed by its comment
  const blob = blobs.find((one) => keyId(one) === wanted);
  if (!blob) throw new Error(`the agent has no key ${wanted}: see ssh-add -L`);
  const answer = await ask(SIGN_REQUEST, Buffer.concat([string(blob), string(message), uint32(0)]), SIGNED);
  const [signature] = strings(answer);
  process.stdout.write(bare(signature));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
