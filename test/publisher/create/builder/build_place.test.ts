import { describe, expect, it } from "vitest";
import {
  behindCommand,
  commandWords,
  givenPlace,
  THIS_MACHINE,
} from "../../../../publisher/create/builder/build_place.ts";

describe("the words of a command", () => {
  it.each([
    ["podman exec build", ["podman", "exec", "build"]],
    ["  chroot\t/srv/a\\ b ", ["chroot", "/srv/a b"]],
    [`sh -c 'exec "$@"' sh`, ["sh", "-c", 'exec "$@"', "sh"]],
    [`ssh -o "User \\"x\\" $HOME" host`, ["ssh", "-o", 'User "x" $HOME', "host"]],
    ["a'b c'd\"e\" ''", ["ab cde", ""]],
    ["echo $(id) *.c | cat", ["echo", "$(id)", "*.c", "|", "cat"]],
  ])("%s", (command, words) => {
    expect(commandWords(command)).toEqual(words);
  });

  it.each(["'a", 'a "b', "a \\", "", "  "])("are refused where they do not end: %j", (command) => {
    expect(() => commandWords(command)).toThrow(/^--builder: /);
  });
});

describe("a place behind a command", () => {
  it("appends the program, with its variables, and gives exit code and output back", async () => {
    const run = behindCommand(["env", "BEFORE=1"], "no hint");
    const lines: string[] = [];
    const { code, stderr } = await run(
      "sh",
      ["-c", 'echo "$BEFORE $GIVEN $LC_ALL $#"; echo no >&2; exit 3', "sh", "a b"],
      {
        env: { GIVEN: "two words" },
        onLine: (line) => void lines.push(line),
      },
    );
    expect([code, stderr, lines]).toEqual([3, "no\n", ["1 two words C 1"]]);
  });

  it("keeps the variables of this process from programs that heed them", async () => {
    process.env["KCFLAGS"] = "-O0";
    try {
      const { stdout } = await givenPlace("nice").runner()("env", []);
      expect(stdout).toMatch(/^PATH=/m);
      expect(stdout).not.toContain("KCFLAGS");
    } finally {
      delete process.env["KCFLAGS"];
    }
  });

  it("names the option whose command cannot be run", async () => {
    const run = givenPlace("no-such-program-here x").runner();
    await expect(run("true", [])).rejects.toMatchObject({
      code: "unsupported",
      message: "cannot run no-such-program-here",
      hint: expect.stringContaining("--builder"),
    });
  });

  it("is another one for another command", () => {
    const identities = [THIS_MACHINE, givenPlace("chroot /a"), givenPlace("chroot /b")].map(
      ({ identity }) => identity,
    );
    expect(new Set(identities).size).toBe(3);
    expect(givenPlace("chroot  '/a'").identity).toBe(identities[1]);
  });
});
