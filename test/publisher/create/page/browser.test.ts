import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AxeResults } from "axe-core";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportPage } from "../../../../publisher/create/page/report_page.tsx";
import { statusPage } from "../../../../publisher/follow/page/status_page.tsx";
import { followSummary } from "../../../../publisher/follow/summary.ts";
import { AT, statusState } from "../../follow/status_state.ts";
import { pageContent } from "./page_content.ts";

const CHROMIUM = "/usr/bin/chromium";
const SCREENSHOTS = "test-results/pages";

const PAGES = {
  report: reportPage(pageContent()),
  follow: statusPage(followSummary(statusState(), AT)),
} as const;

describe("a page in a browser", { timeout: 120_000 }, () => {
  let folder: string;
  let browser: Browser;
  beforeAll(async () => {
    expect(existsSync(CHROMIUM), `${CHROMIUM} is missing: npm test installs it`).toBe(true);
    folder = await mkdtemp(join(tmpdir(), "rebootless-page-"));
    for (const [name, text] of Object.entries(PAGES)) await writeFile(join(folder, `${name}.html`), text);
    await mkdir(SCREENSHOTS, { recursive: true });
    // Chromium's own sandbox needs a user other than root.
    const args = process.geteuid?.() === 0 ? ["--no-sandbox"] : [];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each([
    ["report", "light", 1280],
    ["report", "dark", 1280],
    ["report", "light", 320],
    ["follow", "light", 1280],
    ["follow", "dark", 320],
  ] as const)(
    "is accessible, loads nothing and runs nothing: %s, %s, %i wide",
    async (name, colorScheme, width) => {
      const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
      const page = await context.newPage();
      const seen: string[] = [];
      page.on("dialog", (dialog) => seen.push(dialog.message()));
      page.on("console", (message) => seen.push(message.text()));
      page.on("pageerror", (error) => seen.push(error.message));
      page.on("request", (request) => seen.push(request.url()));
      const address = pathToFileURL(join(folder, `${name}.html`)).href;
      await page.goto(address);
      await page.screenshot({ path: `${SCREENSHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      const { violations } = (await page.evaluate(`${axe};axe.run(document)`)) as AxeResults;
      const faults = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      const overflow = Number(
        await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"),
      );
      expect([faults, seen, Math.max(0, overflow)]).toEqual([[], [address], 0]);
      await context.close();
    },
  );
});
