/** One way to boot a kernel that makes it rewrite its code in its own way. */
export interface Configuration {
  readonly name: string;
  readonly cpu: string;
  readonly smp: number;
  readonly append: string;
  /** Not for kernels of these series, which do not know the setting or do not come up with it. */
  readonly except?: readonly string[];
  /** For all kernels, or for one of each series. Those without it are tried on one of a few kernels, in turn. */
  readonly everywhere?: "kernels" | "series";
}

const base = { cpu: "Haswell", smp: 2, append: "" } as const;
const cpu = (model: string): Configuration => ({ ...base, name: model, cpu: model });
const setting = (append: string, model = "Haswell"): Configuration => ({
  ...base,
  name: model === base.cpu ? append : `${append} on ${model}`,
  cpu: model,
  append,
});

/**
 * Linux 7.3 warns in apply_retpolines (arch/x86/kernel/alternative.c) and the machine resets: LFENCE and a jump through
 * %r11 need 6 bytes, and a jump in its Rust code has 5.
 */
const NO_LFENCE = ["7.3"];

export const CONFIGURATIONS: readonly Configuration[] = [
  { ...cpu("Haswell"), everywhere: "kernels" },
  { ...base, name: "one processor", smp: 1 },
  { ...base, name: "one processor, nokaslr", smp: 1, append: "nokaslr" },
  setting("nokaslr"),
  setting("maxcpus=1"),
  setting("noreplace-smp"),
  cpu("EPYC"),
  cpu("EPYC-Milan"),
  cpu("Nehalem"),
  cpu("Skylake-Server"),
  cpu("Cascadelake-Server"),
  cpu("max"),
  cpu("qemu64"),
  { ...setting("mitigations=off"), everywhere: "series" },
  setting("preempt=full"),
  setting("mitigations=off", "EPYC"),
  setting("spectre_v2=retpoline,generic"),
  { ...setting("spectre_v2=retpoline,lfence"), except: NO_LFENCE },
  { ...setting("spectre_v2=retpoline,lfence", "EPYC"), except: NO_LFENCE },
  setting("spectre_v2=eibrs,retpoline"),
  setting("retbleed=unret", "EPYC"),
  setting("retbleed=ibpb", "EPYC"),
  { ...setting("retbleed=stuff", "Skylake-Server"), except: ["6.1"], everywhere: "series" },
  { ...setting("retbleed=stuff spectre_v2=retpoline,generic", "Skylake-Server"), except: ["6.1"] },
  setting("indirect_target_selection=force", "Skylake-Server"),
  setting("spec_rstack_overflow=safe-ret", "EPYC-Milan"),
  // The only way to thunks for single branches (ITS): QEMU emulates no speculation control, but takes its register.
  {
    ...setting(
      "spectre_v2=ibrs indirect_target_selection=force",
      "qemu64,vendor=GenuineIntel,+spec-ctrl,x-force-features=on",
    ),
    everywhere: "series",
  },
];
