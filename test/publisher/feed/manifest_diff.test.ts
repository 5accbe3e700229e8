import { describe, expect, it } from "vitest";
import { manifestDiff } from "../../../publisher/feed/manifest_diff.ts";
import { updateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { instant } from "../../../shared/time.ts";
import { sampleManifest, sampleUpdate } from "../../shared/feed/sample.ts";

const plain = sampleUpdate("fix-1");
const full: Update = {
  ...plain,
  rollout: { start: instant(Date.UTC(2026, 0, 2)), hours: 48 },
  effective: "6.1.0-58",
  supersedes: [updateId("fix-0")],
};
const lines = (before: Update | undefined, after: Update) =>
  manifestDiff(before && sampleManifest(before), sampleManifest(after)).map((line) => line.trim());

describe("what a signer is shown of an update", () => {
  it("has its roll-out, release and what it supersedes, where it has them", () => {
    const shown = lines(undefined, full);
    expect(shown).toContain("rollout: from 2026-01-02T00:00:00Z over 48 hours");
    expect(shown).toContain("effective: 6.1.0-58");
    expect(shown).toContain("supersedes: fix-0");
    expect(lines(undefined, plain).join()).not.toMatch(/rollout|effective|supersedes/);
  });

  it("has each of them when it comes, and when it is taken away", () => {
    expect(lines(plain, full)).toContain("rollout: no -> from 2026-01-02T00:00:00Z over 48 hours");
    const gone = lines(full, plain);
    expect(gone).toContain("rollout: from 2026-01-02T00:00:00Z over 48 hours -> no");
    expect(gone).toContain("effective: 6.1.0-58 -> no");
    expect(gone).toContain("supersedes: fix-0 -> no");
  });

  it("says that nothing changed only when nothing did", () => {
    expect(lines(full, full)).toContain("no change");
    expect(lines(full, plain)).not.toContain("no change");
  });
});
