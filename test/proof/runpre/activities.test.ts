import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootGuest, type Guest } from "../../support/guest/guest.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { ACTIVITIES } from "./activities.ts";
import { activeGuest, proveActivity } from "./activity_proof.ts";
import { fingerprintKernel, type WholeKernel } from "./whole_kernel.ts";

// `npm run proof:runpre` does the same on both series, and traces everything.
describe("a kernel whose code is changed on purpose", () => {
  const kernel = findKernel("secondary");
  let whole: WholeKernel;
  let guest: Guest;
  beforeAll(async () => {
    whole = fingerprintKernel(kernel);
    guest = await bootGuest(await activeGuest(kernel));
  }, 600_000);
  afterAll(async () => guest?.close());

  it.each(ACTIVITIES)(
    "is reported exactly as it lists itself: $name",
    { timeout: 300_000 },
    async (activity) => {
      const result = await proveActivity(guest, whole, activity);
      expect(result).toMatchObject({ unexpected: [], unreported: [], reported: result.listed });
      expect(result.listed > 0).toBe(activity.shows.length > 0);
    },
  );
});
