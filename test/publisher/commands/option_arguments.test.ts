import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { count, many } from "../../../publisher/commands/arguments.ts";
import { optionArguments } from "../../../publisher/commands/option_arguments.ts";

describe("the options of a command", () => {
  const given = (...words: readonly string[]): readonly string[] => {
    const command = new Command()
      .exitOverride()
      .option("--patch <file>", "", many)
      .option("--series <words...>", "")
      .option("--fuzz", "", false)
      .option("-j, --jobs <n>", "", count)
      .option("--root [suite]", "")
      .option("--cve <id>", "", many, [])
      .option("-o, --output <dir>", "")
      .parse(words, { from: "user" });
    return optionArguments(command, ["--output"]);
  };

  it("are words again, but for those that are left out and those that nobody gave", () => {
    expect(given("--patch", "a b", "-o", "x", "--patch=c", "--fuzz", "-j", "3")).toEqual([
      ...["--patch", "a b", "--patch", "c"],
      "--fuzz",
      ...["--jobs", "3"],
    ]);
    expect(given("--series", "repo", "A..B", "--root")).toEqual([
      "--series",
      "repo",
      "--series",
      "A..B",
      "--root",
    ]);
    expect(given("--root", "trixie")).toEqual(["--root", "trixie"]);
    expect(given()).toEqual([]);
  });

  it("come to the same when they are given again", () => {
    const words = given("--series", "repo", "A..B", "--root", "--patch", "-x");
    expect(given(...words)).toEqual(words);
  });
});
