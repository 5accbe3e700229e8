import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SETTINGS } from "../../node/config/settings.ts";
import { UNITS } from "../../packaging/contents.ts";
import { hostTree } from "../../packaging/man/host.ts";
import { publisherTree } from "../../packaging/man/publisher.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { MINUTE, parseDuration } from "../../shared/time.ts";
import { projectRoot } from "../support/guest/machine.ts";
import { output } from "./support.ts";

const host = (name: string) => readFile(join(projectRoot, "packaging/host", name), "utf8");

/** Sections of a unit: the values of each name, in order. */
function parseUnit(text: string) {
  const sections = new Map<string, Map<string, string[]>>();
  let current: Map<string, string[]> | undefined;
  for (const line of text.split("\n")) {
    const section = /^\[(\w+)\]$/.exec(line)?.[1];
    if (section !== undefined) {
      current = new Map();
      sections.set(section, current);
      continue;
    }
    if (line === "" || line.startsWith("#")) continue;
    const [, name = "", value = ""] = /^([A-Z]\w+)=(\S.*)$/.exec(line) ?? [];
    if (name === "" || current === undefined) throw new Error(`not a setting: ${line}`);
    current.set(name, [...(current.get(name) ?? []), value]);
  }
  return (section: string, name: string) => sections.get(section)?.get(name) ?? [];
}

/** The command of a line, if the command line has it with every option that the line gives it. */
function understood(line: string): string | undefined {
  const [program, ...words] = line.split(" ");
  if (program !== "/usr/bin/rebootless") return undefined;
  const tree = hostTree("1");
  const command = tree.commands.find(({ name }) => words.includes(name));
  const known = [...tree.options, ...(command?.options ?? [])].flatMap(({ flags }) => flags);
  const strangers = words.filter((word) => word !== command?.name && !known.includes(word));
  return strangers.length === 0 ? command?.name : undefined;
}

describe.each(["rebootless.service", "rebootless-boot.service"])("%s", (name) => {
  it("runs a command that there is, once, and not for ever", async () => {
    const unit = parseUnit(await host(name));
    const [line = "", ...more] = unit("Service", "ExecStart");
    expect(more).toEqual([]);
    expect(understood(line)).toBe(name === "rebootless.service" ? "upgrade" : "boot");
    expect(unit("Service", "Type")).toEqual(["oneshot"]);
    expect(unit("Service", "TimeoutStartSec").length).toBe(1);
  });

  it("lets a stop take back what is under way, which is no failure, and tells none but the client", async () => {
    const unit = parseUnit(await host(name));
    const [, minutes] = /^(\d+)min$/.exec(unit("Service", "TimeoutStopSec").join()) ?? [];
    const deadline = parseDuration(String(SETTINGS.stallDeadline.standard)) ?? Number.NaN;
    expect(Number(minutes) * MINUTE).toBeGreaterThan(2 * deadline);
    expect(unit("Service", "KillMode")).toEqual(["mixed"]);
    expect(unit("Service", "SuccessExitStatus")).toEqual([String(EXIT.stopped)]);
  });

  it("does nothing before init, when it is switched off, and in a container", async () => {
    const unit = parseUnit(await host(name));
    expect(unit("Unit", "ConditionPathExists")).toEqual([
      "/etc/rebootless/root.json",
      "!/etc/rebootless/disabled",
    ]);
    expect(unit("Unit", "ConditionKernelCommandLine")).toEqual(["!rebootless=off"]);
    expect(unit("Unit", "ConditionVirtualization")).toEqual(["!container"]);
  });

  it("is confined, but not so that the kernel cannot be read or changed", async () => {
    const unit = parseUnit(await host(name));
    const kept = unit("Service", "CapabilityBoundingSet").join(" ").split(" ");
    expect(kept).toEqual(
      expect.arrayContaining(["CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYSLOG", "CAP_SYS_ADMIN"]),
    );
    expect(unit("Service", "NoNewPrivileges")).toEqual(["yes"]);
    for (const harmful of [
      "ProtectKernelModules",
      "ProtectKernelTunables",
      "ProtectKernelLogs",
      "ProtectClock",
      "PrivateDevices",
      "MemoryDenyWriteExecute",
    ]) {
      expect(unit("Service", harmful)).toEqual([]);
    }
  });
});

describe("rebootless-boot.service", () => {
  it("comes after the disks and before the network, which it does not need", async () => {
    const unit = parseUnit(await host("rebootless-boot.service"));
    expect(unit("Unit", "DefaultDependencies")).toEqual(["no"]);
    expect(unit("Unit", "After")).toEqual(["local-fs.target systemd-modules-load.service"]);
    expect(unit("Unit", "Before")).toContain("network-pre.target");
    expect(unit("Service", "RestrictAddressFamilies")).toEqual(["AF_UNIX"]);
    expect(unit("Install", "WantedBy")).toEqual(["multi-user.target"]);
  });
});

describe("rebootless.timer", () => {
  it("spreads a fleet's requests, and catches up", async () => {
    const unit = parseUnit(await host("rebootless.timer"));
    expect(unit("Timer", "RandomizedDelaySec")).toEqual(["1h"]);
    expect(unit("Timer", "Persistent")).toEqual(["true"]);
    expect(unit("Timer", "OnCalendar").length).toBe(1);
    expect(unit("Install", "WantedBy")).toEqual(["timers.target"]);
  });

  it("and all other units are installed", () => {
    expect([...UNITS].sort()).toEqual(["rebootless-boot.service", "rebootless.service", "rebootless.timer"]);
  });
});

describe("the cron file", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "rebootless-cron-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  /** What the jobs ran, in a machine where these paths are there. */
  async function ran(...paths: readonly string[]): Promise<string[]> {
    for (const path of paths) {
      await mkdir(join(dir, path, ".."), { recursive: true });
      if (path.endsWith("/system")) await mkdir(join(dir, path));
      else await writeFile(join(dir, path), `#!/bin/sh\necho "${path} $*"\n`, { mode: 0o755 });
    }
    const jobs = [
      ...(await host("rebootless.cron")).matchAll(/^(?:17 \*\/4 \* \* \*|@reboot) +root (.*)$/gm),
    ];
    expect(jobs.length).toBe(2);
    const runs = jobs.map(([, command = ""]) => {
      // Paths in the test's own folder; the shell's own words stay.
      const here = command.replaceAll(/ (\/[a-z/.]+)/g, ` ${dir}$1`);
      return output("sh", ["-c", here]);
    });
    return (await Promise.all(runs)).flatMap((text) => text.split("\n").filter((line) => line !== ""));
  }

  it("runs what the units run, where there is no systemd", async () => {
    const lines = await ran("/usr/bin/rebootless", "/etc/rebootless/root.json");
    expect(lines).toEqual([
      "/usr/bin/rebootless --quiet upgrade --scheduled",
      "/usr/bin/rebootless --quiet boot",
    ]);
    expect(lines.map(understood)).toEqual(["upgrade", "boot"]);
  });

  it.each([
    ["systemd runs", ["/usr/bin/rebootless", "/etc/rebootless/root.json", "/run/systemd/system"]],
    ["the host was not set up", ["/usr/bin/rebootless"]],
    ["the package was removed", ["/etc/rebootless/root.json"]],
  ])("is silent where %s", async (_, paths) => {
    expect(await ran(...paths)).toEqual([]);
  });
});

describe("the publisher's units", () => {
  const publisher = (name: string) => readFile(join(projectRoot, "packaging/publisher", name), "utf8");

  it("run follow once, without signing, and take waiting for signatures for no failure", async () => {
    const unit = parseUnit(await publisher("rebootless-follow.service"));
    const [line = "", ...more] = unit("Service", "ExecStart");
    expect(more).toEqual([]);
    const { commands, options } = publisherTree("1");
    const [program, ...words] = line.split(" ");
    expect(program).toBe("/usr/bin/rebootless-publish");
    expect(commands.map(({ name }) => name)).toContain(words.find((word) => word === "follow"));
    const flags = words.filter((word) => word.startsWith("-"));
    expect(options.flatMap((option) => option.flags)).toEqual(expect.arrayContaining(flags));
    expect(unit("Service", "Type")).toEqual(["oneshot"]);
    expect(unit("Service", "SuccessExitStatus")).toEqual([String(EXIT.toSign)]);
  });

  it("are started by a timer that waits for the end of a run", async () => {
    const unit = parseUnit(await publisher("rebootless-follow.timer"));
    expect(unit("Timer", "OnUnitInactiveSec")).toEqual(["10min"]);
    expect(unit("Timer", "OnCalendar")).toEqual([]);
    expect(unit("Install", "WantedBy")).toEqual(["timers.target"]);
  });
});
