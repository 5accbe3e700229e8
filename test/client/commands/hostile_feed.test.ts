import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { encodeJson, isJsonObject, type JsonValue, parseJson } from "../../../shared/json.ts";
import { altered, alteredBytes, sampleManifest, sampleUpdate } from "../../shared/feed/sample.ts";
import { rawAnswer } from "../../support/raw_answer.ts";
import { ID, RELEASE, SmallHost } from "./small_host.ts";

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const NASTY = "fine\u001b[2K\r\u009b1A\u202eevil\0\u2028\nerror: nothing of the kind";
/** A line of text as the format has it, that hides and breaks up what it says all the same. */
const HIDDEN = "up\u200bdate \ufeff\ue000\u{e0041} \u00ad";

const manifest = parseJson(
  encodeManifest({
    ...sampleManifest(sampleUpdate("fix-1"), sampleUpdate("fix-2", { recalled: "it leaks" })),
    kernel: {
      buildId: ID,
      release: RELEASE,
      architecture: "x86_64",
      banner: "Linux",
      distribution: "Debian",
    },
  }),
  "manifest",
  10_000,
);

/** The places of all texts of a document. */
function texts(value: JsonValue, at: readonly (string | number)[] = []): readonly (string | number)[][] {
  if (typeof value === "string") return [[...at]];
  if (isJsonObject(value)) return [...value].flatMap(([name, member]) => texts(member, [...at, name]));
  if (Array.isArray(value)) return value.flatMap((item: JsonValue, i) => texts(item, [...at, i]));
  return [];
}

let host: SmallHost;
const closing: (() => void)[] = [];

beforeAll(async () => {
  host = await SmallHost.make();
});
afterAll(async () => {
  for (const close of closing) close();
  await host.remove();
});

async function answering(head: string, body: string): Promise<string> {
  const { url, close } = await rawAnswer(head, body);
  closing.push(close);
  return url;
}

/** Everything that the commands that look say of the feed that is configured; every line of it is printable. */
async function said(): Promise<string> {
  let all = "";
  const commands = ["check", "show", "status", "history", "config", "doctor", "metrics", "vex"];
  for (const command of [["show", "fix-2"], ...commands.map((one) => [one])]) {
    for (const mode of [[], ["--json"]]) {
      const { stdout, stderr } = await host.run(...command, ...mode);
      for (const line of `${stdout}${stderr}`.split("\n"))
        expect(line, command.join(" ")).not.toMatch(UNPRINTABLE);
      all += stdout + stderr;
    }
  }
  return all;
}

describe("whatever a feed says", () => {
  it("a signed text with escapes is refused, by its place, and none of it reaches a terminal", async () => {
    for (const place of texts(manifest)) {
      const feed = await host.folder("signed", await host.feedOf(alteredBytes(manifest, place, NASTY)));
      await host.configure(`feed = "${feed}"`);
      const { code, stderr } = await host.run("check");
      const where = place.map((name) => (typeof name === "number" ? `[${name}]` : `.${name}`)).join("");
      expect([code, stderr]).toEqual([4, expect.stringContaining(`manifest${where}: `)]);
      for (const line of stderr.split("\n")) expect(line).not.toMatch(UNPRINTABLE);
    }
  });

  it("a signed text that hides is shown with what it hides", async () => {
    let document = manifest;
    for (const place of texts(manifest))
      if (["summary", "recalled", "distribution", "banner"].includes(String(place.at(-1))))
        document = altered(document, place, HIDDEN);
    const feed = await host.folder("hidden", await host.feedOf(encodeJson(document)));
    await host.configure(`feed = "${feed}"`);
    expect((await host.run("check")).code).toBe(0);
    expect(await said()).toContain("up\\u200bdate \\ufeff\\ue000\\u{e0041} \\xad");
  });

  it("bytes that nobody signed, and the words of whoever answers, are quoted in a form that a terminal may have", async () => {
    const answer = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        `{"${NASTY}":`,
        `{"x":1,"x\u009b":1,"x\u009b":1}`,
        `"${NASTY}"`,
        `{"format":"\u009b\u202e"}`,
      ),
    );
    await fc.assert(
      fc.asyncProperty(answer, fc.string({ unit: "binary" }), async (body, words) => {
        const status = words.replaceAll(/[\r\n\0]/g, "");
        await host.configure(`feed = "${await answering(`HTTP/1.1 200 ${status}`, body)}"`);
        const bad = await host.run("check");
        await host.configure(`feed = "${await answering(`HTTP/1.1 503 ${status}`, body)}"`);
        const down = await host.run("check");
        for (const { code, stdout, stderr } of [bad, down]) {
          expect(code).not.toBe(0);
          for (const line of `${stdout}${stderr}`.split("\n")) expect(line).not.toMatch(UNPRINTABLE);
        }
      }),
      { numRuns: 25 },
    );
  });
});
