import { writeFile } from "node:fs/promises";
import { RebootlessError } from "../../shared/errors.ts";
import { formatInstant } from "../../shared/time.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import type { Context } from "../context.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { pushRoot } from "../feed/push.ts";
import { newestRoot, openWorkspace, roleKeys, rootFile } from "../feed/workspace.ts";
import { readRoot, renewedRoot } from "../keys/root.ts";

/** Signs the next version of the root of trust, with the same keys and a new expiry, and publishes it. */
export async function rootRenew(
  { terminal, clock }: Context,
  dir: string,
  options: { readonly feed: string },
): Promise<void> {
  const workspace = await openWorkspace(dir);
  const current = await readRoot(await newestRoot(workspace), clock);
  const keys = await roleKeys(workspace, "root");
  const { threshold } = roleOf(current, "root");
  if (keys.length < threshold) {
    throw new RebootlessError("config", `${keys.length} root keys lie in ${dir}, ${threshold} must sign`, {
      hint: "Bring the others back for the ceremony.",
    });
  }
  const bytes = renewedRoot(current, keys, clock);
  const renewed = await readRoot(bytes, clock);
  await pushRoot(bytes, edgeClient(options.feed, workspace, clock));
  await writeFile(rootFile(dir, renewed.version), bytes, { flag: "wx" });
  terminal.say(`root       version ${renewed.version}, until ${formatInstant(renewed.expires)}`);
  terminal.result("root renew", { version: renewed.version, expires: formatInstant(renewed.expires) });
}
