import { describe, expect, it } from "vitest";
import { attacks } from "./attacks.ts";
import { Stage } from "./stage.ts";

describe("attacks on the built programs", () => {
  it("has attacks to play", () => expect(attacks.length).toBeGreaterThan(0));

  it.each(attacks)("holds against: $name", async ({ play }) => {
    const stage = await Stage.open();
    try {
      await play(stage);
    } finally {
      await stage.close();
    }
  });
});
