import type { System } from "../host/system.ts";
import { type Check, type CheckOutcome, fail, ok, warn } from "./check.ts";

type Read = Pick<System, "read" | "list">;

/** Checks how the kernel was built and set. Each of these can prevent live patches by itself. */
export const kernelChecks = (system: Read): readonly Check[] => [
  { name: "livepatch", look: () => livepatch(system) },
  { name: "ftrace", look: () => ftrace(system) },
  { name: "modules", look: () => modules(system) },
  { name: "signatures", look: () => signatures(system) },
  { name: "lockdown", look: () => lockdown(system) },
];

async function livepatch(system: Read): Promise<CheckOutcome> {
  const names = await system.list("/sys/kernel");
  if (names.includes("livepatch")) return ok("the kernel supports live patches");
  if (names.length === 0) return fail("/sys is not mounted", "Mount sysfs on /sys.");
  return fail(
    "the kernel was built without CONFIG_LIVEPATCH",
    "Boot a kernel that has it, such as the distribution's own.",
  );
}

async function ftrace(system: Read): Promise<CheckOutcome> {
  const enabled = await system.read("/proc/sys/kernel/ftrace_enabled");
  if (enabled === "1") return ok("ftrace is enabled, so functions can be redirected");
  if (enabled === undefined) return fail("the kernel was built without ftrace");
  return fail(
    "ftrace is switched off",
    "Run `sysctl kernel.ftrace_enabled=1`, and find out what set it to 0.",
  );
}

async function modules(system: Read): Promise<CheckOutcome> {
  const disabled = await system.read("/proc/sys/kernel/modules_disabled");
  if (disabled === "0") return ok("modules can be loaded");
  if (disabled === undefined) return fail("the kernel was built without loadable modules");
  return fail(
    "loading modules is switched off until the next boot",
    "Remove kernel.modules_disabled=1 from the host's sysctl settings and reboot.",
  );
}

async function signatures(system: Read): Promise<CheckOutcome> {
  const enforced = await system.read("/sys/module/module/parameters/sig_enforce");
  if (enforced !== "Y") return ok("the kernel requires no signature in modules");
  return warn("the kernel loads only modules that are signed with a key that it trusts", SIGNED_MODULES);
}

const SIGNED_MODULES =
  "The publisher's modules must be signed in this way. Enrol the publisher's certificate (`mokutil --import`).";

async function lockdown(system: Read): Promise<CheckOutcome> {
  const modes = await system.read("/sys/kernel/security/lockdown");
  const mode = /\[(\w+)\]/.exec(modes ?? "")?.[1];
  switch (mode) {
    case "confidentiality":
      return fail(
        "lockdown is in confidentiality mode: the kernel's memory cannot be read, so no update can be checked",
        "Boot with lockdown=integrity, or without lockdown.",
      );
    case "integrity":
      return warn("lockdown is in integrity mode, so modules must be signed", SIGNED_MODULES);
    case "none":
      return ok("the kernel is not locked down");
    default:
      return ok("the kernel does not report a lockdown mode");
  }
}
