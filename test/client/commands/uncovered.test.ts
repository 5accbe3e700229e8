import { readFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { feedPath } from "../../../shared/feed/paths.ts";
import type { Site } from "../../mirror/site.ts";
import { ID, RELEASE, SmallHost } from "./small_host.ts";

// Whatever loads the program must come after the kernel that it is to see.
const { kernelId, Site: RealSite } = await import("../../mirror/site.ts");

/** A real edge that does not have the host's kernel, and a mirror of it; the host asks either. */
let site: Site;
let host: SmallHost;
beforeAll(async () => {
  site = await RealSite.open();
  host = await SmallHost.make();
  const releases = ["6.1.0-9-test", "6.1.0-56-test", "6.1.0-55-test", "6.1.0-56-cloud", "6.12.1-test"];
  for (const [n, release] of releases.entries())
    await site.publish(kernelId(n + 1), { release, updates: [`fix-${n}`] });
  await site.json(
    0,
    "mirror",
    "sync",
    site.url,
    site.path("mirror"),
    "--root",
    site.path("root.json"),
    "--all",
  );
});
afterAll(async () => {
  await host.remove();
  await site.close();
});
beforeEach(() => {
  site.asked.length = 0;
});

const check = async (feed: string, ...more: readonly string[]) => {
  await host.configure(`feed = "${feed}"`);
  return host.run("check", ...more);
};
const files: RequestListener = async (request, response) => {
  site.asked.push(request.url ?? "");
  const bytes = await readFile(site.path(join("mirror", request.url ?? ""))).catch(() => undefined);
  response.writeHead(bytes ? 200 : 404).end(bytes ?? "<html>Not Found</html>");
};
const kernel = `kernel ${RELEASE}, build ID ${ID}`;

const code = '{"error":{"code":"not_covered"}}';
const page = (...kernels: readonly unknown[]) => JSON.stringify({ schema: 1, kernels });

describe("a kernel that is not covered", () => {
  it("is named with its release, what the feed has of its series and the page to look at", async () => {
    const { code, stderr } = await check(site.url);
    expect(code).toBe(5);
    expect(stderr).toContain(`error: ${site.url} has nothing for ${kernel}\n`);
    expect(stderr).toContain(
      `hint: Of the series 6.1.0, the feed has 6.1.0-9-test, 6.1.0-55-test and 6.1.0-56-test. See ${site.url}kernels?q=6.1.0- for all kernels. Updates are made for exact kernel builds`,
    );
    expect(site.asked).toEqual([`/${feedPath(ID)}`, "/kernels?q=6.1.0-"]);
    expect(JSON.parse((await check(site.url, "--json")).stdout)).toMatchObject({
      exit_code: 5,
      error: {
        code: "not_covered",
        details: { build_id: ID, release: RELEASE, page: `${site.url}kernels?q=6.1.0-` },
      },
      others: expect.arrayContaining([{ build_id: kernelId(2), release: "6.1.0-56-test" }]),
    });
  });

  it("is told by a mirror of plain files and by a folder what they have, which have no page", async () => {
    const has =
      "hint: Of the series 6.1.0, the feed has 6.1.0-9-test, 6.1.0-55-test and 6.1.0-56-test. Updates ";
    const mirror = await check(await host.serve(files));
    expect([mirror.code, mirror.stderr]).toEqual([5, expect.stringContaining(has)]);
    expect(site.asked).toEqual([`/${feedPath(ID)}`, "/kernels/index.json"]);
    const folder = await check(site.path("mirror"));
    expect([folder.code, folder.stderr]).toEqual([5, expect.stringContaining(has)]);
  });

  it("is told where the feed has none of its series, with the page of all", async () => {
    const url = await host.serve((request, response) => {
      if (request.url === `/${feedPath(ID)}`) response.writeHead(404).end(code);
      else response.end(page());
    });
    const { stderr } = await check(url);
    expect(stderr).toContain(
      `hint: The feed has no kernel of the series 6.1.0. See ${url}kernels for all kernels. `,
    );
  });

  it("is told when the feed has its release as another build", async () => {
    await site.publish(kernelId(99), { release: RELEASE, updates: ["fix-99"] });
    const { stderr } = await check(site.url);
    expect(stderr).toContain(`hint: The feed has a different build of ${RELEASE}: ${kernelId(99)}. See `);
  });

  it("asks nothing more by the clock", async () => {
    await host.configure(`feed = "${site.url}"\njitter = "0s"`);
    await host.run("upgrade", "--scheduled");
    expect(site.asked).toEqual([`/${feedPath(ID)}`]);
  });

  it.each([
    ["fails", 500, ""],
    ["is not there", 404, code],
    ["is something else", 200, "<html>"],
    ["is too large", 200, `${page()}${" ".repeat(1 << 20)}`],
    ["has what is no kernel", 200, page({ build_id: "../../etc", release: "6.1.0-1" })],
    ["has names without end", 200, page({ build_id: "aa".repeat(20), release: `6.1.0-${"1".repeat(5000)}` })],
  ])("is told all the same where the list %s", async (_, status, body) => {
    const url = await host.serve((request, response) => {
      if (request.url === `/${feedPath(ID)}`) response.writeHead(404).end(code);
      else response.writeHead(status).end(body);
    });
    const { code: exit, stderr } = await check(url);
    expect(exit).toBe(5);
    expect(stderr).toContain(`has nothing for ${kernel}\n`);
    expect(stderr).toContain("hint: Updates are made for exact kernel builds");
  });

  it("lets nothing that a list says do anything to a terminal", async () => {
    const url = await host.serve((request, response) => {
      if (request.url === `/${feedPath(ID)}`) response.writeHead(404).end(code);
      else response.end(page({ build_id: "aa".repeat(20), release: "6.1.0-1\u001b[31m\nerror: forged" }));
    });
    const { stderr } = await check(url);
    expect(stderr).not.toContain("\u001b");
    expect(stderr).not.toMatch(/^error: forged/m);
  });
});
