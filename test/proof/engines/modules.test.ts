import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootGuest, type Guest } from "../../support/guest/guest.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { buildModule, type ModuleName } from "../../support/guest/modules/build.ts";

const cases = [
  {
    name: "rebootless_demo_cmdline",
    file: "/proc/cmdline",
    shows: /^rebootless: this function was replaced.*\n.*/,
  },
  { name: "rebootless_demo_version", file: "/proc/version", shows: /^Linux version .* rebootless\n$/ },
] as const;

const livepatch = (name: ModuleName): string => `/sys/kernel/livepatch/${name}`;

/** Waits for a transition to end: `transition` shows 0, or the patch's directory is gone. */
const settle = (name: ModuleName): string =>
  `for i in $(seq 200); do [ "$(cat ${livepatch(name)}/transition 2>/dev/null || echo 0)" = 0 ] && exit 0;
   usleep 100000; done; exit 1`;

describe.each(["primary", "secondary"] as const)(
  "our live patches on the %s kernel",
  { timeout: 120_000 },
  (role) => {
    const kernel = findKernel(role);
    let guest: Guest;
    beforeAll(async () => {
      const paths = await Promise.all(cases.map(({ name }) => buildModule(kernel, name)));
      const files = paths.map((from, index) => ({
        path: `/root/${cases[index]?.name}.ko`,
        content: { from },
      }));
      guest = await bootGuest({ kernel, files });
    }, 300_000);
    afterAll(async () => guest?.close());

    test.each(cases)("$name changes $file, and its undoing restores it", async ({ name, file, shows }) => {
      const before = await guest.mustExec(["cat", file]);
      await guest.mustExec(["insmod", `/root/${name}.ko`]);
      await guest.mustExec(settle(name));
      const during = await guest.mustExec(["cat", file]);
      expect(during).toMatch(shows);
      expect(during).toContain(before.trim());
      expect(await guest.mustExec(["cat", `${livepatch(name)}/enabled`])).toBe("1\n");

      await guest.mustExec(`echo 0 >${livepatch(name)}/enabled`);
      await guest.mustExec(settle(name));
      await guest.mustExec(["rmmod", name]);
      expect(await guest.mustExec(["cat", file])).toBe(before);
      expect(await guest.mustExec(["lsmod"])).not.toContain(name);
    });

    test("they are applied side by side", async () => {
      for (const { name } of cases) {
        await guest.mustExec(["insmod", `/root/${name}.ko`]);
        await guest.mustExec(settle(name));
      }
      for (const { file, shows } of cases) expect(await guest.mustExec(["cat", file])).toMatch(shows);
    });
  },
);
