import assert from "node:assert/strict";
import { publicJwk } from "../../../publisher/keys/jwk.ts";
import { newKey, type SigningKey } from "../../../publisher/keys/key_file.ts";
import { type BuildId, buildId } from "../../../shared/brand.ts";
import { fromUtf8 } from "../../../shared/bytes.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { encodePublication, publishPath } from "../../../shared/feed/publication.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { json } from "../../support/edge/edge.ts";
import { manifestOf, secrets, signedTargets, updateOf } from "../../support/edge/repository.ts";
import type { Attack } from "./attack.ts";
import type { RunningEdge, Stage } from "./stage.ts";

const MODULE = new Uint8Array([1, 2, 3]);
const CVE = "CVE-2026-4711";
const VICTIM = buildId("a1".repeat(20));
const OWN = buildId("b2".repeat(20));

interface Publication {
  readonly as: string;
  readonly door: SigningKey;
  readonly id: BuildId;
  readonly release: string;
  readonly update: Update;
}

async function publish(edge: RunningEdge, { made }: Stage, publication: Publication): Promise<void> {
  const { as, door, id, release, update } = publication;
  const { kernel, ...rest } = manifestOf(id, [update]);
  const manifest = encodeManifest({ ...rest, kernel: { ...kernel, release } });
  const targets = await signedTargets(made, id, manifest);
  const body = encodePublication({ buildId: id, base: 0, targets, manifest });
  const token = { key: door, header: { kid: as }, claims: { iss: as } };
  const answer = await edge.publisher.signedRequest("POST", `/${publishPath(id)}`, body, token);
  assert.equal(answer.status, 201, fromUtf8(answer.bytes));
}

async function holds(edge: RunningEdge): Promise<void> {
  const ask = async (path: string) => json(await edge.send("GET", path));
  const { kernels } = (await ask("/updates/fix-1")) as { kernels: Record<string, unknown>[] };
  const has = kernels.find(({ build_id: id }) => id === VICTIM)?.["update"];
  assert.match(JSON.stringify(has), /"summary":"Mends a lock","cves":\["CVE-2026-4711"\]/);
  assert.match(JSON.stringify(await ask(`/cves/${CVE}`)), new RegExp(VICTIM));
  assert.match(JSON.stringify(await ask("/cves")), new RegExp(CVE));
  assert.match(JSON.stringify(await ask(`/kernels?q=${CVE}`)), new RegExp(VICTIM));
  const headers = { Accept: "text/html" };
  const page = fromUtf8((await edge.send("GET", "/updates/fix-1", { headers })).bytes);
  const honest = page.slice(page.indexOf("Mends a lock"), page.indexOf("Nothing at all"));
  assert.match(honest, new RegExp(`${CVE}.*6\\.1\\.0-victim`, "s"));
}

/** A publisher who may publish for some kernels alone, and who takes an id that another one's update has. */
export const takenName: Attack = {
  name: "a publisher out of scope takes the id of another's update, to change what the site says of it",
  async play(stage) {
    const [honest, other] = [await newKey(), await newKey()];
    const publisher = (id: string, key: SigningKey, release: string) => ({
      id,
      key: publicJwk(key),
      scope: { operations: ["updates"], kernels: { releases: [release] } },
    });
    const publishers = [publisher("honest", honest, "6.1.*"), publisher("other", other, "6.12.*")];
    const bindings = { ...secrets(stage.made), PUBLISHERS: JSON.stringify(publishers) };
    for (const edge of [await stage.serve(bindings), await stage.workerd(bindings)]) {
      const token = { key: honest, header: { kid: "honest" }, claims: { iss: "honest" } };
      const update = await updateOf("fix-1", MODULE);
      await edge.publisher.signedRequest("PUT", `/staging/${update.module.sha256}`, MODULE, token);
      const good = { ...update, summary: "Mends a lock", cves: [CVE] };
      await publish(edge, stage, {
        as: "honest",
        door: honest,
        id: VICTIM,
        release: "6.1.0-victim",
        update: good,
      });
      const bad = { ...update, summary: "Nothing at all", cves: [], recalled: "it was a mistake" };
      await publish(edge, stage, { as: "other", door: other, id: OWN, release: "6.12.0-own", update: bad });
      await holds(edge);
    }
  },
};
