import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { decodeBundle } from "../../shared/feed/bundle.ts";

let child: ChildProcess | undefined;
afterEach(() => {
  if (child?.exitCode === null) process.kill(-(child.pid ?? 0), "SIGKILL");
});

/** As a terminal starts it: a group of processes of its own, which Ctrl-C reaches whole. */
async function start() {
  const started = spawn(process.execPath, ["--import", "tsx", "tools/dev/main.ts"], {
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = started;
  const said = new Map<string, string>();
  for await (const line of createInterface({ input: started.stdout })) {
    const [, name = "", text = ""] = /^(\S+) +(.*)$/.exec(line) ?? [];
    if (!said.has(name)) said.set(name, text);
    if (name === "Ctrl-C") break;
  }
  return { started, said };
}

describe("npm run dev", () => {
  it("has pages and signed feeds at the address it prints, and leaves nothing behind", async () => {
    const { started, said } = await start();
    const url = said.get("edge") ?? "";
    const headers = { Accept: "text/html" };
    const found = await (
      await fetch(`${url}kernels?${new URLSearchParams({ q: said.get("kernel") ?? "" })}`, { headers })
    ).text();
    expect(found).toContain("6.1.0-42-cloud-amd64");
    expect(found).not.toContain("Ubuntu");
    const feed = await fetch(said.get("feed") ?? "");
    expect(decodeBundle(new Uint8Array(await feed.arrayBuffer())).roots).toEqual([]);
    const [publisher = ""] = (said.get("publisher") ?? "").split(",");
    expect(existsSync(publisher)).toBe(true);

    process.kill(-(started.pid ?? 0), "SIGINT");
    const [code] = await once(started, "exit");
    expect([code, existsSync(publisher)]).toEqual([0, false]);
    await expect(fetch(url)).rejects.toThrow();
  });
});
