import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { saneTime } from "../../node/transport/freshness.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { MAX_BUNDLE_BYTES } from "../../shared/limits.ts";
import { formatInstant } from "../../shared/time.ts";
import { inGroups, named } from "../../shared/tuf/key_words.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import { openHost } from "../this_host.ts";
import type { Voucher } from "../trust/evidence.ts";
import type { VerifiedThing } from "../verify/chains.ts";
import { verifyThing } from "../verify/verify.ts";

export interface VerifyOptions {
  readonly bundle?: string;
}

/** Shows for each thing its feed, its signers and its expiry. Throws at the first that does not verify. */
export async function verify(
  { places, terminal, clock, system }: Context,
  things: readonly string[],
  options: VerifyOptions,
): Promise<void> {
  if (things.length === 0) {
    throw new RebootlessError("usage", "no file or update to verify is given", {
      hint: "Use `rebootless verify FILE`, or `rebootless verify --kernel`.",
    });
  }
  const host = await openHost(places);
  const bundle = options.bundle === undefined ? undefined : await readNamed(options.bundle, MAX_BUNDLE_BYTES);
  const verified: VerifiedThing[] = [];
  for (const thing of things) {
    const found = await verifyThing(thing, {
      provisionedRoot: host.provisionedRoot,
      verifiers: host.verifiers,
      stateDir: places.stateDir,
      running: host.buildId,
      now: saneTime(clock, undefined),
      loaded: () => engines({ system }).loaded(),
      ...(bundle && { bundle }),
    });
    for (const finding of found) verified.push(finding);
  }
  const root = sha256Of(host.provisionedRoot);
  terminal.say(`feed       ${host.config.feed.join(" ")}`);
  terminal.say(`root       sha256 ${inGroups(root)} was provisioned`);
  for (const finding of verified) for (const line of lines(finding)) terminal.say(line);
  terminal.result("verify", {
    feed: host.config.feed,
    root_sha256: root,
    verified: verified.map(verifiedToJson),
  });
}

function* lines({ what, kind, evidence, update }: VerifiedThing): Generator<string> {
  const { release, buildId } = evidence.manifest.kernel;
  yield "";
  yield `verified   ${what} (${kind})`;
  if (update) {
    yield `  update     ${update.id}: ${update.summary}, published ${formatInstant(update.published)}`;
    yield `  module     ${update.module.name}, ${counted(update.module.length, "byte")}, sha256 ${update.module.sha256}`;
  }
  yield `  kernel     ${release}, build ID ${buildId}`;
  for (const voucher of evidence.vouchers) yield* voucherLines(voucher);
}

function* voucherLines({
  role,
  version,
  expires,
  threshold,
  signers,
  owners,
  keys,
}: Voucher): Generator<string> {
  const count = `${signers.length} of ${counted(keys, "key")} signed, ${threshold} needed`;
  yield `  ${role.padEnd(10)} version ${version} until ${formatInstant(expires)}: ${count}`;
  for (const id of signers) yield `    signed   ${inGroups(named(id, { owner: owners.get(id) }))}`;
}

function verifiedToJson({ what, kind, evidence, update }: VerifiedThing): JsonObject {
  return jsonObject({
    what,
    kind,
    build_id: evidence.manifest.kernel.buildId,
    release: evidence.manifest.kernel.release,
    update: update && jsonObject({ id: update.id, published: formatInstant(update.published) }),
    roles: evidence.vouchers.map(({ role, version, expires, threshold, signers, owners, keys }) =>
      jsonObject({ role, version, expires: formatInstant(expires), threshold, keys, signers, owners }),
    ),
  });
}
