import { expect, it } from "vitest";
import { askProgram } from "../../../publisher/keys/sign_program.ts";
import { utf8 } from "../../../shared/bytes.ts";

const message = utf8("to be signed");

it("a program that never ends is ended", async () => {
  // It takes its only argument for a number of seconds.
  const asked = askProgram({ program: "sleep", tell: () => undefined, timeoutMs: 200 }, "1000", message);
  await expect(asked).rejects.toMatchObject({
    code: "io",
    message: expect.stringContaining("did not end within 0.2 seconds"),
  });
});

it("a message that is never read does not hold anybody up", async () => {
  const large = new Uint8Array(8 * 1024 * 1024);
  expect(await askProgram({ program: "true", tell: () => undefined }, "id", large)).toEqual(new Uint8Array());
});

it("no shell sees a program's name or a key's id", async () => {
  const told: string[] = [];
  const asked = askProgram({ program: "cat", tell: (line) => told.push(line) }, "$(id); `id`", message);
  await expect(asked).rejects.toMatchObject({ code: "io" });
  expect(told.join()).toContain("$(id); `id`");
});
