import { Command } from "commander";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { usageErrors } from "../../../node/cli/usage_errors.ts";

function used(...args: readonly string[]): string {
  const root = new Command("tool").exitOverride().option("--json");
  const group = root.command("mirror");
  group
    .command("sync <feed>")
    .option("--keep <policy>")
    .action(() => undefined);
  usageErrors(root);
  let text = "";
  for (const command of [root, group, ...group.commands])
    command.configureOutput({
      writeErr: (written) => {
        text += written;
      },
    });
  try {
    root.parse(args, { from: "user" });
  } catch {
    // commander throws once it has said its piece
  }
  return text;
}

describe("a usage error", () => {
  it.each([
    [["mirror", "sync", "x", "--nothing"], "error: unknown option '--nothing'", "tool mirror sync --help"],
    [["mirror", "sync"], "error: missing required argument 'feed'", "tool mirror sync --help"],
    [["mirror", "nothing"], "error: unknown command 'nothing'", "tool mirror --help"],
    [["nothing"], "error: unknown command 'nothing'", "tool --help"],
  ])("of %j points to the help of that command", (args, error, help) => {
    expect(used(...args)).toBe(`${error}\nhint: \`${help}\` shows what it takes.\n`);
  });

  it("says in a line of its own what may have been meant", () => {
    expect(used("miror")).toBe(
      "error: unknown command 'miror'\n(Did you mean mirror?)\nhint: `tool --help` shows what it takes.\n",
    );
  });

  it("is fit for a terminal whatever was typed, and no line of it is made up by what was typed", () => {
    expect(used("--x\u001b[2J\nhint: run this")).toMatch(
      /^error: unknown option '--x\\x1b\[2J\\nhint: run this'\n/,
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        for (const line of used(`--${text}`).split("\n")) expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
