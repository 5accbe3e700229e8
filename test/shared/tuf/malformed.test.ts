import { beforeEach, describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";
import { type JsonValue, jsonObject } from "../../../shared/json.ts";
import { HostileRepository, type Tampering } from "../../support/hostile_repository.ts";
import { outcome, TestClient } from "../../support/hostile_repository_client.ts";

type Role = "root" | "timestamp" | "snapshot" | "targets";
const ROLES: readonly Role[] = ["root", "timestamp", "snapshot", "targets"];

let repository: HostileRepository;
let client: TestClient;

beforeEach(async () => {
  repository = await HostileRepository.create();
  client = new TestClient(repository);
});

/** Publishes all roles, one of them tampered with, correctly signed and named by the others. */
async function publish(role: Role, tampering: Tampering): Promise<void> {
  const of = (other: Role) => (other === role ? tampering : {});
  await repository.publishRoot(of("root"));
  await repository.publishTargets(of("targets"));
  await repository.publishSnapshot(of("snapshot"));
  await repository.publishTimestamp(of("timestamp"));
}

const signedWith = (name: string, value: JsonValue | undefined): Tampering => ({
  edit: (signed) => void (value === undefined ? signed.delete(name) : signed.set(name, value)),
});

describe.each(ROLES)("%s", (role) => {
  it.each([
    ["no time at all", undefined],
    ["null", null],
    ["a number", 1_900_000_000],
    ["an empty text", ""],
    ["words", "never"],
    ["a date alone", "2031-01-01"],
    ["another zone", "2031-01-01T00:00:00+00:00"],
    ["local time", "2031-01-01T00:00:00"],
    ["a fraction", "2031-01-01T00:00:00.000Z"],
    ["an impossible date", "2031-02-30T00:00:00Z"],
    ["an impossible hour", "2031-01-01T24:00:00Z"],
    ["a year of five digits", "12031-01-01T00:00:00Z"],
    ["spaces around", " 2031-01-01T00:00:00Z"],
  ])("with %s for expires is refused", async (_what, expires) => {
    await publish(role, signedWith("expires", expires));
    expect(await outcome(client.refresh())).toBe("parse");
    expect(client.version(role)).toBe(role === "root" ? 1 : undefined);
  });

  it.each([0, -5, null, "1", undefined])("of version %j is refused", async (version) => {
    await publish(role, signedWith("version", version));
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it.each(["2.0.0", "1", "1.", "one", "", "01.0", null])(
    "of specification %j is refused",
    async (version) => {
      await publish(role, signedWith("spec_version", version));
      expect(await outcome(client.refresh())).toBe("parse");
    },
  );

  it.each(ROLES.filter((other) => other !== role))("that says it is %s is refused", async (other) => {
    await publish(role, signedWith("_type", other));
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("with members that nobody knows is taken, and they are part of what is signed (4)", async () => {
    const odd = jsonObject({ b: [1, "2", null, true, jsonObject({})], a: '\u0000\n\u2028"\\/é🔥' });
    await publish(role, signedWith("x-custom", odd));
    expect(await outcome(client.refresh())).toBe("ok");
    await publish(role, {
      ...signedWith("x-custom", odd),
      text: (file) => file.replace('"2",null', '"3",null'),
    });
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it.each<[string, (file: string) => string]>([
    ["indented", (file) => JSON.stringify(JSON.parse(file), null, 2)],
    ["in another order", (file) => reversed(file)],
    ["with escapes where none are needed", (file) => file.replace('"_type"', '"\\u005ftype"')],
    ["with space around", (file) => ` \r\n\t${file}\n`],
  ])(
    "that is written %s is the same document: its canonical form is what was signed",
    async (_what, text) => {
      await publish(role, { text });
      expect(await outcome(client.refresh())).toBe("ok");
      expect(client.version(role)).toBe(2);
    },
  );

  it.each<[string, (file: string) => string]>([
    ["a name twice", (file) => file.replace('"signed":{', '"signed":{"version":2,')],
    ["a name twice, once escaped", (file) => file.replace('"signed":{', '"signed":{"v\\u0065rsion":2,')],
    ["signed twice", (file) => file.replace("{", '{"signed":{},')],
    ["a fraction", (file) => file.replace('"version":2', '"version":2.0')],
    ["an exponent", (file) => file.replace('"version":2', '"version":2e0')],
    ["a huge number", (file) => file.replace('"version":2', '"version":9007199254740993')],
    ["a number of 15,000 digits", (file) => file.replace('"version":2', `"version":${"9".repeat(15_000)}`)],
    ["a leading zero", (file) => file.replace('"version":2', '"version":02')],
    ["a plus sign", (file) => file.replace('"version":2', '"version":+2')],
    ["NaN", (file) => file.replace('"version":2', '"version":NaN')],
    ["deep nesting", (file) => file.replace("{", `{"x":${"[".repeat(5000)}${"]".repeat(5000)},`)],
    ["a lone surrogate", (file) => file.replace("{", '{"x":"\\ud800",')],
    ["a raw control character", (file) => file.replace("{", '{"x":"\n",')],
    ["a comment", (file) => `${file}//`],
    ["a comma too many", (file) => file.replace(/}$/, ",}")],
    ["more after it", (file) => `${file}{}`],
    ["a byte order mark", (file) => `\ufeff${file}`],
    ["no signatures", (file) => file.replace('"signatures"', '"x"')],
    ["no signed part", (file) => file.replace('"signed"', '"x"')],
    ["an array for the signed part", (file) => file.replace(/"signed":.*/, '"signed":[]}')],
    ["a prototype for the signed part", (file) => file.replace('"signed"', '"__proto__"')],
    ["half of it", (file) => file.slice(0, file.length / 2)],
    ["nothing", () => ""],
    ["null", () => "null"],
  ])("with %s is refused", async (_what, text) => {
    await publish(role, { text });
    expect(await outcome(client.refresh())).toBe("parse");
    expect(client.version(role)).toBe(role === "root" ? 1 : undefined);
  });

  it.each([
    ["not UTF-8", Uint8Array.of(0xff)],
    ["an overlong slash", Uint8Array.of(0xc0, 0xaf)],
    ["an encoded surrogate", Uint8Array.of(0xed, 0xa0, 0x80)],
  ])("with %s is refused", async (_what, bytes) => {
    repository.statesHashes = false;
    await publish(role, {});
    const name = role === "timestamp" ? "timestamp.json" : `2.${role}.json`;
    repository.files.set(
      name,
      concatBytes([utf8('{"x":"'), bytes, utf8('",'), repository.file(name).subarray(1)]),
    );
    expect(await outcome(client.refresh())).toBe("parse");
  });
});

/** The same document with every object's members in the opposite order. */
function reversed(text: string): string {
  return JSON.stringify(JSON.parse(text), (_name, value) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  );
}

describe("what only one role has", () => {
  it.each(["true", 1, null])("a root that says %j of consistent_snapshot is refused", async (value) => {
    await repository.publishRoot(signedWith("consistent_snapshot", value));
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it.each(ROLES)("a root that names no keys for %s is refused", async (role) => {
    const edit = (signed: Map<string, JsonValue>) => {
      const roles = new Map(signed.get("roles") as ReadonlyMap<string, JsonValue>);
      roles.delete(role);
      signed.set("roles", roles);
    };
    await repository.publishRoot({ edit });
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("a root that names another role passes: later minor versions may", async () => {
    const edit = (signed: Map<string, JsonValue>) => {
      const roles = new Map(signed.get("roles") as ReadonlyMap<string, JsonValue>);
      signed.set("roles", roles.set("__proto__", 1).set("mirrors", jsonObject({})));
    };
    await repository.publishRoot({ edit });
    expect(await outcome(client.refresh())).toBe("ok");
  });

  it("a key of a kind that nobody knows is kept, and verifies nothing", async () => {
    const [key] = repository.roles.timestamp.keys;
    if (!key) throw new Error("no key");
    const odd = { ...key, id: "odd", public: { ...key.public, scheme: "sphincs+" } };
    repository.roles.timestamp.keys = [odd];
    repository.roles.timestamp.signers = [odd];
    await repository.publishRoot();
    await repository.publishTimestamp();
    expect(await outcome(client.refresh())).toBe("trust");
    expect(client.version("root")).toBe(2);
  });

  it.each([0, -5, 1.5, "1"])("a snapshot that names version %j of targets is refused", async (version) => {
    repository.meta.set("targets.json", {
      version: version as number,
      bytes: repository.file("1.targets.json"),
    });
    await repository.publishSnapshot();
    await repository.publishTimestamp();
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("a snapshot without targets.json is refused", async () => {
    repository.meta.delete("targets.json");
    await repository.publishSnapshot();
    await repository.publishTimestamp();
    expect(await outcome(client.refresh())).toBe("trust");
  });

  it("a timestamp without snapshot.json is refused", async () => {
    await repository.publishTimestamp(
      signedWith("meta", jsonObject({ constructor: jsonObject({ version: 1 }) })),
    );
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it.each(["roles", "keys"])("a targets whose delegations have no %s is refused", async (name) => {
    const delegations = new Map<string, JsonValue>([
      ["keys", jsonObject({})],
      ["roles", []],
    ]);
    delegations.delete(name);
    await publish("targets", signedWith("delegations", delegations));
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("a delegation that does not say whether it is terminating is refused", async () => {
    const role = jsonObject({ name: "a", keyids: [], threshold: 1, paths: ["*"] });
    const delegations = jsonObject({ keys: jsonObject({}), roles: [role] });
    await publish("targets", signedWith("delegations", delegations));
    expect(await outcome(client.refresh())).toBe("parse");
  });

  it("two delegations to one name are refused (4.5)", async () => {
    const role = jsonObject({ name: "a", keyids: [], threshold: 1, paths: ["*"], terminating: false });
    const delegations = jsonObject({ keys: jsonObject({}), roles: [role, role] });
    await publish("targets", signedWith("delegations", delegations));
    expect(await outcome(client.refresh())).toBe("parse");
  });
});
