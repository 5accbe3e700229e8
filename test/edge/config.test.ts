import { beforeAll, describe, expect, it } from "vitest";
import { answerError } from "../../edge/app.ts";
import { readConfig, TEXT_BINDINGS } from "../../edge/config.ts";
import { privateJwk, publicJwk } from "../../publisher/keys/jwk.ts";
import { newKey } from "../../publisher/keys/key_file.ts";
import { answerOf, errorOf, startWorkerd } from "./support/edge.ts";
import { type Ceremony, ceremony, secrets } from "./support/repository.ts";

let made: Ceremony;
beforeAll(async () => {
  made = await ceremony();
});

const failure = async (env: Record<string, string>) =>
  errorOf(
    await answerOf(
      await readConfig(env).then(
        () => new Response("fine"),
        (e) => answerError(e, () => {}),
      ),
    ),
  );

describe("a deployment that is not set up", () => {
  it.each(TEXT_BINDINGS.filter((name) => name !== "PUBLISHER_LIMITS"))(
    "names %s when it is missing",
    async (binding) => {
      const { [binding]: _, ...env } = secrets(made);
      expect(await failure(env)).toEqual({ code: "config", message: `${binding} is not set` });
    },
  );

  it.each(TEXT_BINDINGS.filter((name) => name !== "FEED_AUDIENCE"))(
    "names %s when it is malformed, and never what it holds",
    async (binding) => {
      const key = made.door;
      const halves = [
        "SECRET-VALUE",
        JSON.stringify({ ...privateJwk(key), crv: "SECRET-VALUE" }),
        JSON.stringify({ ...privateJwk(key), d: "SECRET-VALUE" }),
        JSON.stringify([{ id: "demo", key: privateJwk(key) }]),
        JSON.stringify([{ id: "demo", key: { ...publicJwk(key), x: "SECRET-VALUE" } }]),
        JSON.stringify(publicJwk(key)),
        JSON.stringify({ ...publicJwk(key), d: privateJwk(await newKey()).d }),
      ];
      for (const text of halves) {
        const error = await failure({ ...secrets(made), [binding]: text });
        expect(error).toEqual({ code: "config", message: `${binding} is malformed` });
      }
    },
  );

  it("answers every request with the reason, in the real Worker", async () => {
    const { SNAPSHOT_KEY: _, ...env } = secrets(made);
    const edge = await startWorkerd(env);
    try {
      for (const path of ["/health", "/root/1.root.json", "/x"]) {
        const answer = await edge.send("GET", path);
        expect([answer.status, errorOf(answer).message]).toEqual([500, "SNAPSHOT_KEY is not set"]);
        expect(answer.headers.get("cache-control")).toBe("no-store");
      }
    } finally {
      await edge.miniflare.dispose();
    }
  });
});
