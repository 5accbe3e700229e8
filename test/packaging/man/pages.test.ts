import { describe, expect, it } from "vitest";
import { METRICS } from "../../../client/report/metrics.ts";
import { eachCommand } from "../../../node/cli/command_tree.ts";
import { exitsOf } from "../../../node/cli/exit_table.ts";
import { hostPage, hostTree } from "../../../packaging/man/host.ts";
import { publisherPage, publisherTree } from "../../../packaging/man/publisher.ts";
import { example, item, page, paragraph, section } from "../../../packaging/man/roff.ts";
import { ABOUT } from "../support.ts";

/** As a reader sees it: requests and formatting taken off. */
const plain = (roff: string) =>
  roff
    .replaceAll(/^\.(?:TH|SH|SS|TP|PP|nf|fi|RS|RE)\b ?/gm, "")
    .replaceAll(/\\f[BIR]|\\&/g, "")
    .replaceAll("\\-", "-")
    .replaceAll("\\e", "\\");

describe.each([
  ["rebootless(8)", hostPage(ABOUT), hostTree("1"), exitsOf("host")],
  ["rebootless-publish(1)", publisherPage(ABOUT), publisherTree("1"), exitsOf("publisher")],
] as const)("%s", (_, roff, tree, codes) => {
  const text = plain(roff);

  it("has every command with its arguments", () => {
    for (const { path, command } of eachCommand(tree)) {
      if (command.commands.length > 0) continue;
      expect(text).toMatch(new RegExp(`^${[tree.name, ...path].join(" ")}(?: [<[]|$)`, "m"));
      for (const { name } of command.arguments) expect(text).toContain(name);
    }
  });

  it("has every option", () => {
    for (const { command } of eachCommand(tree)) {
      for (const { flags, value } of command.options) {
        expect(text).toContain(`\n${flags.join(", ")}${value ? ` ${value.name}` : ""}\n`);
      }
    }
  });

  it("has every exit code with its meaning", () => {
    const status = text.slice(text.indexOf("EXIT STATUS"));
    for (const { code, meaning } of codes) {
      const said = meaning.charAt(0).toUpperCase() + meaning.slice(1);
      expect(status).toContain(`\n${code}\n${said.replaceAll("`", "")}`);
    }
  });

  it("has no line that a formatter would take for a request that we did not make", () => {
    const requests = roff.split("\n").flatMap((line) => /^[.'](\S*)/.exec(line)?.[1] ?? []);
    const ours = ["TH", "SH", "SS", "TP", "PP", "nf", "fi", "RS", "RE"];
    expect(requests.filter((request) => !ours.includes(request))).toEqual([]);
  });
});

describe("rebootless(8)", () => {
  it("has every metric with its labels and help", () => {
    const text = plain(hostPage(ABOUT));
    for (const { name, labels, help } of METRICS)
      expect(text).toContain(`\n${[name, ...labels].join(" ")}\n${help}\n`);
  });
});

describe("text in pages", () => {
  it("cannot become formatting", () => {
    expect(paragraph(".so /etc/passwd\n'br \\fBx")).toBe(".PP\n\\&.so /etc/passwd\n\\&'br \\efBx\n");
    expect(item("x", ".x `--a\\b`")).toBe(".TP\nx\n\\&.x \\fB\\-\\-a\\eb\\fR\n");
    expect(example([".a -b"])).toContain("\n\\&.a \\-b\n");
  });

  it("begins a section without an empty paragraph", () => {
    expect(section("A-B", paragraph("one"), paragraph("two"))).toBe(".SH A\\-B\none\n.PP\ntwo\n");
  });

  it("has the date of the sources, not of the day", () => {
    const heading = { name: "x", section: 5, manual: "Files", version: "1.0", seconds: 0 };
    expect(page(heading, "does", [])).toBe(
      '.TH X 5 "1970-01-01" "rebootless 1.0" "Files"\n.SH NAME\nx \\- does\n',
    );
  });
});
