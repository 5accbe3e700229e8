import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { isCode } from "../../shared/errors.ts";
import { type BootedGuest, bootMachine, type GuestOptions } from "./guest/booted_guest.ts";
import type { Accelerator } from "./guest/qemu.ts";

/** The time in which a guest has to boot, by what runs its processors. With KVM it takes some 3 s. */
const BOOT_TIMEOUT_MS: Readonly<Record<Accelerator, number>> = { kvm: 30_000, tcg: 240_000 };

export interface AcceleratedGuest {
  readonly guest: BootedGuest;
  readonly accelerator: Accelerator;
}

/**
 * Boots a guest.
 * @param wanted what runs its processors. `auto` is KVM if a guest boots with it in time, and else TCG.
 * @throws RebootlessError `io` if it does not boot; `unsupported` if a program is missing.
 */
export async function bootForTrial(
  options: Omit<GuestOptions, "accelerator" | "bootTimeoutMs">,
  wanted: Accelerator | "auto",
): Promise<AcceleratedGuest> {
  const boot = async (accelerator: Accelerator): Promise<AcceleratedGuest> => ({
    guest: await bootMachine({ ...options, accelerator, bootTimeoutMs: BOOT_TIMEOUT_MS[accelerator] }),
    accelerator,
  });
  if (wanted !== "auto") return boot(wanted);
  if (!(await mayUseKvm())) return boot("tcg");
  return boot("kvm").catch((error: unknown) => {
    // It may be there and not work: in a virtual machine whose own host forbids it, the first instruction hangs.
    if (isCode(error, "io")) return boot("tcg");
    throw error;
  });
}

const mayUseKvm = (): Promise<boolean> =>
  access("/dev/kvm", constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
