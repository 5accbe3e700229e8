import type { UpdateId } from "../../shared/brand.ts";
import { isCode } from "../../shared/errors.ts";
import { formatInventory } from "../../shared/inventory.ts";
import { appliedIds, hostState } from "../apply/host_state.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import { runningKernel } from "../host/identity.ts";
import { runningModules } from "../host/modules.ts";
import { MAX_QR_BYTES, qrLines } from "../host/qr.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";

export interface InventoryOptions {
  readonly qr?: boolean;
}

/** Prints what a mirror at another place has to know of this host. Makes no request and needs no feed. */
export async function inventory(context: Context, { qr }: InventoryOptions): Promise<void> {
  const { terminal } = context;
  const { buildId, release } = runningKernel();
  const modules = runningModules().names();
  const applied = [...(await appliedHere(context))].sort();
  let line = formatInventory({ buildId, release, modules, applied });
  if (qr && line.length > MAX_QR_BYTES) {
    terminal.notice("warning: this is too much for a QR code, so the modules are left out");
    line = formatInventory({ buildId, release, modules: [], applied });
  }
  for (const text of qr ? qrLines(line) : [line]) terminal.say(text);
  terminal.result("inventory", { inventory: line, build_id: buildId, release, modules, applied });
}

/** By what the kernel says, in the words of the manifest that was verified last; before there is one nothing can be said. */
async function appliedHere({ places, system }: Context): Promise<ReadonlySet<UpdateId>> {
  try {
    const verified = await lastVerified(await openHost(places));
    return appliedIds(hostState(verified?.manifest, await engines({ system }).loaded()));
  } catch (error) {
    if (isCode(error, "config")) return new Set();
    throw error;
  }
}
