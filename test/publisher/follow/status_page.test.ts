import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { statusPage } from "../../../publisher/follow/page/status_page.tsx";
import { followSummary, summaryJson } from "../../../publisher/follow/summary.ts";
import { mailText } from "../../../publisher/follow/telling.ts";
import { encodeJson } from "../../../shared/json.ts";
import { MINUTE } from "../../../shared/time.ts";
import { AT, HOSTILE_REASON, statusState } from "./status_state.ts";

describe("the page of a publisher's fixes and kernels", () => {
  const summary = followSummary(statusState(), AT);
  const page = statusPage(summary);

  it("has no script, no address, and its own style alone", () => {
    expect(page.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/<script|<iframe|<img|<[^>]*\son\w+=/i);
    expect(page).not.toMatch(/javascript:|https?:/i);
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? "";
    expect(page).toContain(`sha256-${createHash("sha256").update(style).digest("base64")}`);
  });

  it("escapes what compilers and patches say", () => {
    expect(page).not.toContain(HOSTILE_REASON);
    expect(page).toContain("&lt;img src=x&gt;");
  });

  it("has a row for each fix, a column for each kernel, and who is needed", () => {
    expect(page.match(/<th scope="row">/g)).toHaveLength(2);
    expect(page.match(/<th scope="col">/g)).toHaveLength(1 + 2);
    expect(page).toContain("not meant");
    expect(page).toContain("requests/6.1.0-2-amd64_22222222.json");
  });

  it("says how old the oldest open fix is, and how long fixes take", () => {
    expect([summary.oldestOpen, summary.medianReady]).toEqual([120, 15]);
    expect(Buffer.from(encodeJson(summaryJson(summary))).toString()).toContain(
      '"oldest_open_minutes":120,"median_minutes_to_ready":15',
    );
    const empty = followSummary({ clones: [], fixes: [], items: [] }, AT);
    expect([empty.oldestOpen, empty.medianReady]).toEqual([undefined, undefined]);
    expect(statusPage(empty)).toContain("No fix has been seen yet.");
    expect(AT % MINUTE).toBe(0);
  });
});

describe("a mail", () => {
  it("has a head, and a line for each update", () => {
    const { items } = statusState();
    const text = mailText("a@example.org", items, ["one", "two"], AT);
    expect(text.split("\n\n")).toEqual([
      [
        "To: a@example.org",
        "Subject: rebootless: 1 update to sign",
        "Date: Tue, 01 Dec 2026 02:00:00 +0000",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "Auto-Submitted: auto-generated",
      ].join("\n"),
      "one\ntwo\n",
    ]);
  });
});
