import { expect, test } from "vitest";
import { newestKernel } from "../../support/guest/machine.ts";
import { COMMANDS } from "./commands.ts";
import { onStage } from "./stage.ts";

test("the newest kernel takes an update through the feed and gives it back, and all of it matches", async () => {
  const passed = await onStage(newestKernel(), async (scene) => {
    const names: string[] = [];
    for (const { name, run } of COMMANDS) {
      await run(scene);
      names.push(name);
    }
    return names;
  });
  expect(passed).toContain("upgrade");
}, 900_000);
