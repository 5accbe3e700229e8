import { expect, test } from "vitest";
import { findKernel } from "../../support/guest/machine.ts";
import { bootHost, ROOT_IN_GUEST, rebootless } from "../../support/host.ts";
import { startPublication } from "./publication.ts";

/** The other series that the distribution ships: the same bundle, another layout of everything it reads. */
test("the distribution's other kernel series takes an update and gives it back", async () => {
  const kernel = findKernel("secondary");
  const feed = await startPublication();
  const guest = await bootHost(kernel, feed.rootFile);
  try {
    await feed.publish(kernel, "rebootless_demo_version", "demo-version-1");
    const before = await guest.mustExec(["cat", "/proc/version"]);
    const steps = [
      ["init", "--feed", guest.feedUrl(feed.edge.port), "--root", ROOT_IN_GUEST],
      ["upgrade"],
    ] as const;
    for (const step of steps) {
      const { code, stderr } = await rebootless(guest, ...step);
      expect(code, stderr).toBe(0);
    }
    expect(await guest.mustExec(["cat", "/proc/version"])).not.toBe(before);
    const undo = await rebootless(guest, "undo", "--all");
    expect(undo.code, undo.stderr).toBe(0);
    expect(await guest.mustExec(["cat", "/proc/version"])).toBe(before);
  } finally {
    await guest.close();
    await feed.close();
  }
}, 180_000);
