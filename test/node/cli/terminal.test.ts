import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { terminal } from "../../../node/cli/terminal.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { capture } from "../../support/captured.ts";

const HOSTILE = "fine\u001b[2K\r\u009b1A\u202eevil\0\napplied    nothing of the kind";
const SHOWN = "fine\\x1b[2K\\r\\x9b1A\\u202eevil\\x00\\napplied    nothing of the kind";

function speak(modes: { readonly json?: boolean; readonly quiet?: boolean } = {}) {
  const { self, output } = capture();
  return { speaker: terminal({ program: "tool", json: false, quiet: false, ...modes }, self), output };
}

describe("a run's terminal", () => {
  it("shows a line as one line, whatever it quotes", () => {
    const { speaker, output } = speak();
    speaker.say(HOSTILE);
    speaker.progress(HOSTILE);
    speaker.notice(HOSTILE);
    expect(output.stdout).toBe(`${SHOWN}\n`);
    expect(output.stderr).toBe(`${SHOWN}\n${SHOWN}\n`);
  });

  it("shows an error, what another program said, what lies behind it and the hint, a line each", () => {
    const { speaker, output } = speak();
    const cause = new Error(HOSTILE, { cause: new Error("the first of all") });
    const options = { cause, hint: HOSTILE, output: ["a.c:1: wrong", HOSTILE] };
    expect(speaker.fail("check", new RebootlessError("trust", HOSTILE, options))).toBe(4);
    expect(output.stderr.split("\n")).toEqual([
      `error: ${SHOWN}`,
      "a.c:1: wrong",
      SHOWN,
      `  because: ${SHOWN}`,
      "  because: the first of all",
      `hint: ${SHOWN}`,
      "",
    ]);
  });

  it("shows a fault of its own with the places where it happened, and no line that its message fakes", () => {
    const { speaker, output } = speak();
    speaker.fail("check", new TypeError("no\n    at fake (file.ts:1:1)"));
    const [first, ...rest] = output.stderr.split("\n");
    expect(first).toBe("error: TypeError: no\\n    at fake (file.ts:1:1)");
    expect(rest[0]).toMatch(/^ {4}at .*terminal\.test\.ts/);
  });

  it("points a usage error without a hint of its own to the help of the command", () => {
    const { speaker, output } = speak();
    speaker.fail("mirror serve", new RebootlessError("usage", "not a port: x"));
    expect(output.stderr).toBe(
      "error: not a port: x\nhint: `tool mirror serve --help` shows what it takes.\n",
    );
    speaker.fail("mirror serve", new RebootlessError("usage", "not a port: x", { hint: "0 to 65535" }));
    expect(output.stderr).toMatch(/hint: 0 to 65535\n$/);
  });

  it("bounds what others make of a message", () => {
    const { speaker, output } = speak();
    speaker.fail("push", new RebootlessError("refused", "x".repeat(100_000)));
    expect(output.stderr.length).toBeLessThan(2100);
  });

  it("lets nothing but line ends through, with and without --json", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, json) => {
        const { speaker, output } = speak({ json });
        speaker.say(text);
        speaker.notice(text);
        speaker.fail("check", new RebootlessError("parse", text, { hint: text, details: { text } }));
        speaker.fail("check", new Error(text));
        for (const line of `${output.stdout}${output.stderr}`.split("\n"))
          expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  it("gives a document for programs as it is, in its own lines", () => {
    const { speaker, output } = speak();
    speaker.document("# HELP a\na 1\n");
    expect(output.stdout).toBe("# HELP a\na 1\n");
    const other = speak({ json: true });
    other.speaker.document("a 1\n");
    expect(other.output.stdout).toBe("");
  });
});
