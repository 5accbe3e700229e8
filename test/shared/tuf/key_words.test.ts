import { describe, expect, it } from "vitest";
import { digests } from "../../../node/crypto.ts";
import { isOwner } from "../../../shared/tuf/key_owner.ts";
import { groupsOf, inGroups, named, withoutGroups } from "../../../shared/tuf/key_words.ts";
import { ed25519Key, keyId, keyToJson } from "../../../shared/tuf/keys.ts";

const ID = "0123456789abcdef".repeat(4);
const GROUPS = "0123 4567 89ab cdef ".repeat(4).trim();

describe("a digest that people compare", () => {
  it("is in groups of four wherever it stands in a line", () => {
    expect(inGroups(ID)).toBe(GROUPS);
    expect(inGroups(`  + key    ${ID}  Alice (ed25519)`)).toBe(`  + key    ${GROUPS}  Alice (ed25519)`);
    expect(inGroups(`${ID}, ${ID}`)).toBe(`${GROUPS}, ${GROUPS}`);
    expect(groupsOf(ID)).toEqual(GROUPS.split(" "));
  });

  it.each(["", "0123", ID.slice(1), `${ID}0`, "a".repeat(40), "an id of another kind"])(
    "is not %j",
    (text) => {
      expect(inGroups(text)).toBe(text);
      expect(groupsOf(text)).toEqual([text]);
    },
  );

  it("is taken with its groups and without", () => {
    expect(withoutGroups(GROUPS)).toBe(ID);
    expect(withoutGroups("0123 4567")).toBe("01234567");
    expect(withoutGroups("Alice Example")).toBe("Alice Example");
  });
});

describe("an owner", () => {
  it.each([
    "Alice",
    "Alice Example",
    "Łukasz Ó Briain",
    "bob@example.org",
    "Release team (Berlin)",
    "עליזה",
    "3rd HSM",
  ])("may be %s", (name) => expect(isOwner(name)).toBe(true));

  it.each<readonly [string, string]>([
    ["nothing", ""],
    ["a key id", ID.slice(0, 8)],
    ["a key id in groups", "0123 4567"],
    ["two lines", "Alice\nroot unchanged"],
    ["what moves a cursor", "Alice\u001b[2K"],
    ["what reorders text", "Alice\u202e"],
    ["what nobody sees", "Ali\u200bce"],
    ["columns", "Alice  (ed25519)"],
    ["a space at its end", "Alice "],
    ["an apostrophe, which ends a value of edge.vars", "Alice' PUBLISHERS='"],
    ["mark-up", "<b>Alice"],
    ["too much", "A".repeat(65)],
  ])("is never %s", (_, name) => expect(isOwner(name)).toBe(false));

  it("stands beside the key in the root and changes nothing about it", async () => {
    const key = ed25519Key(new Uint8Array(32).fill(7));
    const owned = { ...key, owner: "Alice" };
    expect(await keyId(owned, digests)).toBe(await keyId(key, digests));
    expect(keyToJson(owned).get("x-rebootless-owner")).toBe("Alice");
    expect([...keyToJson(key).keys()]).toEqual(["keytype", "keyval", "scheme"]);
    expect([named(ID, owned), named(ID, key), named(ID, undefined)]).toEqual([`${ID}  Alice`, ID, ID]);
  });
});
