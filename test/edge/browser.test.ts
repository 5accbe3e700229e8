import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeManifest } from "../../shared/feed/manifest.ts";
import { systemClock } from "../../shared/time.ts";
import { startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import {
  ceremony,
  manifestOf,
  secrets,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";

const CHROMIUM = "/usr/bin/chromium";
const SCREENSHOTS = "test-results/pages";
const MODULE = new Uint8Array([1, 2, 3]);
const ID = someBuildId();
const VERSION = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-01)";

let edge: Workerd;
let origin: string;
let browser: Browser;
let axe: string;

beforeAll(async () => {
  expect(existsSync(CHROMIUM), `${CHROMIUM} is missing: npm test installs it`).toBe(true);
  const made = await ceremony(systemClock());
  edge = await startWorkerd(secrets(made));
  origin = (await edge.miniflare.ready).origin;
  const publisher = new TestPublisher(made, edge.send);
  await publisher.stage(MODULE);
  for (const [id, n] of [
    [ID, 56],
    ...Array.from({ length: 60 }, (_, i) => [someBuildId(), i + 1000]),
  ] as const) {
    const updates = [
      {
        ...(await updateOf("net-tls-7", MODULE)),
        summary: "A record that ends early no longer reads past its buffer",
      },
      {
        ...(await updateOf("ext4-mballoc-1", MODULE)),
        recalled: "a transition can hang under heavy writing",
        cves: [],
      },
    ];
    // Another publisher uses this id too.
    if (Number(n) < 1004)
      updates.push({
        ...(await updateOf("shared-name-1", MODULE)),
        summary: Number(n) < 1002 ? "Mends a lock that is taken twice" : "Something else entirely",
        cves: Number(n) < 1002 ? ["CVE-2026-4711"] : [],
      });
    const manifest = manifestOf(id as typeof ID, updates);
    const release = `6.1.0-${n}-cloud-amd64`;
    const kernel = {
      ...manifest.kernel,
      release,
      distribution: "Debian 12",
      banner: `Linux version ${release} (x) ${VERSION}`,
    };
    const bytes = encodeManifest({ ...manifest, kernel });
    const targets = await signedTargets(made, id as typeof ID, bytes);
    expect(
      (await publisher.publish({ buildId: id as typeof ID, base: 0, targets, manifest: bytes })).status,
    ).toBe(201);
  }
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await mkdir(SCREENSHOTS, { recursive: true });
  // Chromium's own sandbox needs a user other than root.
  const args = process.geteuid?.() === 0 ? ["--no-sandbox"] : [];
  browser = await chromium.launch({ executablePath: CHROMIUM, args });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await edge?.miniflare.dispose();
});

const PAGES = [
  ["home", "/"],
  ["cves", "/cves"],
  ["found-cve", "/kernels?q=CVE-2026-12345"],
  ["found-words", "/kernels?q=record+buffer"],
  ["differing", "/updates/shared-name-1"],
  ["wrong-address", "/no/such/page"],
  ["kernels", "/kernels"],
  ["found", `/kernels?q=${encodeURIComponent(`Linux web 6.1.0-56-cloud-amd64 ${VERSION} x86_64 GNU/Linux`)}`],
  ["not-found", "/kernels?q=7.99"],
  ["kernel", `/kernels/${ID}`],
  ["update", "/updates/net-tls-7"],
  ["cve", "/cves/CVE-2026-12345"],
  ["trust", "/trust"],
  ["install", "/install"],
  ["verify", "/verify"],
  ["missing", "/updates/none"],
] as const;
const SIZES = [
  ["narrow", { width: 320, height: 640 }],
  ["wide", { width: 1280, height: 800 }],
] as const;

/** Opens a page and returns everything that the browser complained about. */
async function open(context: BrowserContext, path: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(request.url()));
  page.on("console", (message) => {
    // The browser reports a 404 page, which is one on purpose.
    if (message.type() === "error" && !message.text().includes("404")) complaints.push(message.text());
  });
  await page.goto(origin + path);
  return { page, complaints };
}

describe.each(SIZES)("%s pages", (size, viewport) => {
  it.each(["light", "dark"] as const)(
    "are accessible and whole in the %s scheme",
    async (colorScheme) => {
      const context = await browser.newContext({ viewport, colorScheme });
      for (const [name, path] of PAGES) {
        const { page, complaints } = await open(context, path);
        await page.screenshot({ path: `${SCREENSHOTS}/${name}-${size}-${colorScheme}.png`, fullPage: true });
        const { violations } = (await page.evaluate(`${axe};axe.run(document)`)) as AxeResults;
        const faults = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        const overflow = Number(
          await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"),
        );
        expect([name, faults, complaints, Math.max(0, overflow)]).toEqual([name, [], [], 0]);
        await page.close();
      }
      await context.close();
    },
    120_000,
  );
});

describe("with the keyboard alone, and no script", () => {
  it("a person gets from the front door to what is fixed", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const { page } = await open(context, "/");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // the link that skips to the content
    await page.waitForURL(`${origin}/#content`);
    await page.keyboard.press("Tab");
    await page.keyboard.type(`Linux web 6.1.0-56-cloud-amd64 ${VERSION} x86_64 GNU/Linux`);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/kernels\?q=/);
    expect(await page.locator("tbody tr").count()).toBe(1);
    await page.locator("tbody a").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(`${origin}/kernels/${ID}`);
    expect(await page.locator("article").count()).toBe(3);
    expect(await page.locator(".bad").textContent()).toContain("a transition can hang");
    await context.close();
  }, 60_000);

  it("a person gets from the number of a CVE to the kernels that it is fixed for", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const { page } = await open(context, "/");
    await page.locator("#q").fill("cve-2026-4711");
    await page.getByRole("button").click();
    await page.waitForURL(/\/kernels\?q=/);
    await page.getByRole("link", { name: "CVE-2026-4711" }).click();
    await page.waitForURL(`${origin}/cves/CVE-2026-4711`);
    expect(await page.locator("tbody tr").count()).toBe(3);
    await page.getByRole("link", { name: "6.1.0-56-cloud-amd64" }).click();
    await page.waitForURL(`${origin}/kernels/${ID}`);
    await context.close();
  }, 60_000);

  it("a digest is seen in groups and copied whole", async () => {
    const context = await browser.newContext();
    const { page } = await open(context, "/trust");
    const widths = await page.evaluate(
      "[...document.querySelector('.digest').children].map((group) => group.textContent.length)",
    );
    expect(widths).toEqual(Array(16).fill(4));
    const copied = await page.evaluate(
      "getSelection().selectAllChildren(document.querySelector('.digest'));getSelection().toString()",
    );
    expect(copied).toMatch(/^[0-9a-f]{64}$/);
    await context.close();
  }, 60_000);

  it("turns to the next page of kernels", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const { page } = await open(context, "/kernels?q=cloud");
    await page.getByRole("link", { name: "Next page" }).click();
    await page.waitForURL(/after=/);
    expect(await page.locator("tbody tr").count()).toBe(11);
    await context.close();
  }, 60_000);
});
