import { expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../../../shared/bytes.ts";
import { ed25519Key } from "../../../shared/tuf/keys.ts";
import type { Root } from "../../../shared/tuf/schema.ts";
import { VerifiedOnce } from "../../../shared/tuf/verified_once.ts";

const [first, second] = [ed25519Key(new Uint8Array(32).fill(1)), ed25519Key(new Uint8Array(32).fill(2))];
const [one, other] = [utf8("one"), utf8("other")];
const signature = fromHex("ab".repeat(64));

function counting(answer: boolean) {
  let asked = 0;
  const { verify, know } = withKnow(
    new VerifiedOnce(async () => {
      asked++;
      return answer;
    }),
  );
  return { verify, know, asked: () => asked };
}
const withKnow = (once: VerifiedOnce) => ({ verify: once.verify, know: once.know.bind(once) });

it("does a good signature once, for that key and that message alone", async () => {
  const { verify, asked } = counting(true);
  expect([await verify(first, one, signature), await verify(first, utf8("one"), signature)]).toEqual([
    true,
    true,
  ]);
  expect(asked()).toBe(1);
  await verify(first, other, signature);
  await verify(second, one, signature);
  await verify(first, one, fromHex("cd".repeat(64)));
  expect(asked()).toBe(4);
});

it("judges a bad one again", async () => {
  const { verify, asked } = counting(false);
  expect([await verify(first, one, signature), await verify(first, one, signature)]).toEqual([false, false]);
  expect(asked()).toBe(2);
});

it("knows the signatures of a role's keys, and of no others", async () => {
  const { verify, know, asked } = counting(false);
  const root = {
    keys: new Map([
      ["1", first],
      ["2", second],
    ]),
    roles: new Map([["timestamp", { keyIds: ["1"], threshold: 1 }]]),
  } as unknown as Root;
  const hex = toHex(signature);
  const signatures = new Map([
    ["1", hex],
    ["2", hex],
  ]);
  know({ signed: new Map(), signedBytes: one, signatures }, "timestamp", root);
  expect(await verify(first, utf8("one"), signature)).toBe(true);
  expect(asked()).toBe(0);
  expect(await verify(first, other, signature)).toBe(false);
  expect(await verify(second, one, signature)).toBe(false);
  expect(asked()).toBe(2);
});

it("knows what a key of its own signed, and nothing else by that key", async () => {
  let asked = 0;
  const once = new VerifiedOnce(async () => {
    asked++;
    return false;
  });
  const own = once.remembering({ public: first, sign: () => signature });
  expect(own.public).toBe(first);
  expect(await own.sign(one)).toEqual(signature);
  expect(await once.verify(first, utf8("one"), signature)).toBe(true);
  expect(asked).toBe(0);
  expect(await once.verify(first, other, signature)).toBe(false);
  expect(await once.verify(second, one, signature)).toBe(false);
  expect(await once.verify(first, one, fromHex("cd".repeat(64)))).toBe(false);
  expect(asked).toBe(3);
});
