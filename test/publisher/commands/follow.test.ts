import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { kernelsText, parseKernels } from "../../../publisher/kernels/kernels_file.ts";
import { encodeTried } from "../../../publisher/try/tried.ts";
import { objectName } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { EXIT } from "../../../shared/exit_codes.ts";
import { decodeManifest } from "../../../shared/feed/manifest.ts";
import { systemClock } from "../../../shared/time.ts";
import { decodeTargets, parseEnvelope } from "../../../shared/tuf/schema.ts";
import { manifestBytes, updateOf } from "../../support/edge/repository.ts";
import { kernelNamed } from "../follow/fake_world.ts";
import { cli, jsonOf, mustCli, type Outcome } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

const PATCH = "Subject: mend a\n\n--- a/fs/a.c\n+++ b/fs/a.c\n@@ -1 +1 @@\n-int a;\n+int b;\n";
const MODULE = utf8("\u007fELF fix");

/** Stands in for `kernels sync`, `create` and `try`: it takes what the test has prepared for a kernel. */
const PROGRAM = `
const { appendFileSync, cpSync, mkdirSync } = require("node:fs");
const { basename, dirname, join } = require("node:path");
const args = process.argv.slice(2).filter((one) => one !== "--json" && one !== "--quiet");
const after = (name) => args[args.indexOf(name) + 1];
const prepared = process.env.TMPDIR;
appendFileSync(join(prepared, "asked"), args[0] + "\\n");
if (args[0] === "create") {
  const kernels = args.flatMap((one, at) => (one === "--kernels" ? [args[at + 1]] : []));
  const id = after("--id");
  const rows = kernels.map((build_id) => {
    const folder = join(after("--output"), build_id.slice(0, 8));
    cpSync(join(prepared, build_id), folder, { recursive: true });
    return { build_id, outcome: "made", id, folder };
  });
  console.log(JSON.stringify({ kernels: rows }));
}
if (args[0] === "try") {
  const name = basename(args[1], ".json");
  cpSync(join(dirname(args[1]), name + ".trial"), join(dirname(args[1]), name + ".tried.json"));
  console.log("{}");
}
`;

describe("follow, with a real feed", { timeout: 60_000 }, () => {
  const [one, two] = [kernelNamed("1"), kernelNamed("2")];
  let work = "";
  let dir = "";
  let served: ServedEdge;
  let temporary: string | undefined;

  beforeEach(async () => {
    work = mkdtempSync(join(tmpdir(), "rebootless-follow-"));
    dir = join(work, "feed");
    temporary = process.env["TMPDIR"];
    process.env["TMPDIR"] = work;
    writeFileSync(join(work, "program.cjs"), PROGRAM);
    mkdirSync(join(work, "incoming"));
    writeFileSync(join(work, "incoming/mend.patch"), PATCH);
    const head = `[[archive]]\nname = "ours"\nfolder = "${work}"\n`;
    const list = { ...parseKernels(head, "kernels.toml"), kernels: [one, two] };
    writeFileSync(join(work, "kernels.toml"), kernelsText(list, "kernels.toml"));
    for (const { buildId, release } of [one, two]) {
      const folder = join(work, buildId);
      mkdirSync(folder);
      writeFileSync(join(folder, "mend.ko"), MODULE);
      writeFileSync(join(folder, "mend.json"), manifestBytes(buildId, [await updateOf("mend", MODULE)]));
      const tried = encodeTried({
        when: systemClock(),
        kernel: { buildId, release },
        modules: [{ name: objectName("mend"), sha256: sha256Of(MODULE) }],
        machine: { accelerator: "tcg", cpu: "Haswell" },
        exercise: null,
        steps: [{ step: "match", ms: 1 }],
        changes: [],
        verdict: { verdict: "ok" },
      });
      writeFileSync(join(folder, "mend.trial"), tried);
    }
    await mustCli(["init", dir, ...FEED]);
    served = await serveEdge(dir);
  });
  afterEach(async () => {
    await served.close();
    if (temporary === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = temporary;
    rmSync(work, { recursive: true, force: true });
  });

  const follow = (...more: readonly string[]): Promise<Outcome> =>
    cli(
      [
        ...["--json", "follow", dir, "--feed", served.url, "--patches", join(work, "incoming")],
        ...["--kernels-file", join(work, "kernels.toml"), "--package-cache", join(work, "packages")],
        ...["--cache", join(work, "cache"), ...more],
      ],
      { self: [process.execPath, join(work, "program.cjs")] },
    );
  const states = (outcome: Outcome): readonly string[] =>
    jsonOf<{ updates: { state: string }[] }>(outcome).updates.map(({ state }) => state);
  const inForce = async (buildId: typeof one.buildId) => {
    const bundle = await served.edge().publisher.feed(buildId);
    const { version } = decodeTargets(parseEnvelope(bundle.targets, "targets").signed);
    return { version, updates: decodeManifest(bundle.manifest).updates };
  };
  const requests = (): readonly string[] => readdirSync(join(dir, "follow/requests")).sort();

  it("publishes what passed, once, with what its trial says", async () => {
    const first = await follow("--yes");
    expect([first.code, states(first)], first.stderr).toEqual([0, ["pushed", "pushed"]]);
    const again = await follow("--yes");
    expect(again.code).toBe(0);
    for (const { buildId } of [one, two]) {
      const { version, updates } = await inForce(buildId);
      expect([version, updates.map(({ id, tried }) => [id, tried?.engine])]).toEqual([1, [["mend", "qemu"]]]);
    }
    const asked = readFileSync(join(work, "asked"), "utf8").trim().split("\n");
    expect(asked).toEqual(["kernels", "create", "try", "try", "kernels"]);
    expect(readFileSync(join(dir, "follow/status.html"), "utf8")).toContain("mend a");
  });

  it("does not push again what arrived although the run was killed before it wrote that down", async () => {
    const file = join(dir, "follow/state.json");
    expect((await follow("--yes")).code).toBe(0);
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text.replaceAll('"kind":"pushed"', '"kind":"tried ok"').replaceAll(/,"pushed":"[^"]+"/g, ""),
    );
    expect(states(await follow("--yes"))).toEqual(["pushed", "pushed"]);
    expect((await inForce(one.buildId)).version).toBe(1);
  });

  it("does not try again what passed although the run was killed before it wrote that down", async () => {
    const file = join(dir, "follow/state.json");
    expect((await follow()).code).toBe(EXIT.toSign);
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text.replaceAll(/"kind":"waiting",("draft":"[^"]+"),"request":"[^"]+"/g, '"kind":"made",$1'),
    );
    expect(states(await follow())).toEqual(["waiting", "waiting"]);
    const asked = readFileSync(join(work, "asked"), "utf8").trim().split("\n");
    expect(asked).toEqual(["kernels", "create", "try", "try", "kernels"]);
  });

  it("leaves requests without --yes, which the next run publishes once they are signed", async () => {
    const left = await follow();
    expect([left.code, states(left)], left.stderr).toEqual([EXIT.toSign, ["waiting", "waiting"]]);
    expect(requests()).toEqual(["6.1.0-1-amd64_11111111.json", "6.1.0-2-amd64_22222222.json"]);
    const [first = ""] = requests();
    const path = join(dir, "follow/requests", first);
    for (const key of ["targets-1", "targets-2"])
      await mustCli(["sign", path, "--key", join(dir, "keys", `${key}.json`), "--yes"]);
    const next = await follow();
    expect([next.code, states(next)], next.stderr).toEqual([EXIT.toSign, ["pushed", "waiting"]]);
    expect((await inForce(one.buildId)).updates.map(({ id }) => id)).toEqual(["mend"]);
    expect(requests()).toEqual(["6.1.0-2-amd64_22222222.json"]);
  });

  it("leaves requests if the keys cannot be opened", async () => {
    const passphrase = "several random words";
    for (const name of ["targets-1", "targets-2", "targets-3"])
      await mustCli(["keys", "passwd", join(dir, "keys", `${name}.json`)], {
        types: [passphrase, passphrase],
      });
    const left = await follow("--yes");
    expect([left.code, states(left)], left.stderr).toEqual([EXIT.toSign, ["waiting", "waiting"]]);
    writeFileSync(join(work, "passphrase"), passphrase, { mode: 0o600 });
    const opened = await follow("--yes", "--passphrase-file", join(work, "passphrase"));
    expect([opened.code, states(opened)], opened.stderr).toEqual([0, ["pushed", "pushed"]]);
  });

  it("says what it would do, and does nothing", async () => {
    const planned = await follow("--dry-run");
    expect(planned.code, planned.stderr).toBe(0);
    expect(jsonOf<{ next: { step: string }[] }>(planned).next.map(({ step }) => step)).toEqual([
      "create",
      "create",
    ]);
    expect(readdirSync(dir)).not.toContain("follow");
  });

  it("posts what is new, and again if that did not get through", async () => {
    const bodies: string[] = [];
    let status = 500;
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const webhook = ["--webhook", `http://127.0.0.1:${address.port}/hook`];
    const first = await follow("--yes", ...webhook);
    expect(first.code).toBe(0);
    expect(first.stderr).toContain("the notice by webhook is sent again in the next run");
    status = 204;
    await follow("--yes", ...webhook);
    await follow("--yes", ...webhook);
    server.close();
    expect(bodies).toHaveLength(2);
    const news = JSON.parse(bodies[1] ?? "") as { news: { state: string; fix: string }[] };
    expect(news.news.map(({ fix, state }) => `${fix} ${state}`)).toEqual(["mend pushed", "mend pushed"]);
  });

  it("goes on with the other sources if one cannot be read, and says so", async () => {
    const outcome = await follow("--yes", "--patches", join(work, "nowhere"));
    expect([outcome.code, states(outcome)]).toEqual([EXIT.usage, ["pushed", "pushed"]]);
    expect(outcome.stderr).toContain("nowhere");
  });
});
