/** Why a change cannot be made to a running kernel, or not by this program. Stable: scripts match on it. */
export type ChangeRefusalCode =
  | "changed_data" // data that the running kernel already has, with the old content
  | "changed_layout" // of another size
  | "changed_section" // moved to another kind of section
  | "ambiguous_data" // static locals that cannot be told apart
  | "no_fentry" // the kernel cannot redirect calls of the function
  | "run_pre" // the compiled old version is not what the distribution ships
  | "unresolved" // a reference to what the kernel has no name for
  | "static_key" // a branch on a key of a module
  | "init" // needs what the kernel has freed after its start
  | "exception_table" // a fixup outside of what is kept
  | "shared_section" // tied to functions that are not changed by a jump that cannot be led elsewhere
  | "assembly"; // no compiler's code

/** What stands in the way of an update, and what its author can do. */
export interface ChangeRefusal {
  readonly code: ChangeRefusalCode;
  /** The function or datum. */
  readonly subject: string;
  readonly reason: string;
  readonly advice: string;
}

const ADVICE: Readonly<Record<ChangeRefusalCode, string>> = {
  changed_data:
    "Leave the datum as it is and set the running kernel's one in a pre-patch hook, or use a new datum in the changed functions.",
  changed_layout: "Keep the old layout; put what is new in shadow variables (klp_shadow_alloc).",
  changed_section: "Leave the section attribute out of the patch: it has no effect on a kernel that runs.",
  ambiguous_data: "Give the static locals of this name different names in the patch.",
  no_fentry: "Change the functions that call it instead, and give them a copy of it under a new name.",
  run_pre: "Use the configuration, compiler and source of exactly the distribution's package.",
  unresolved: "Put what it needs into the changed function, or get at it by an exported function.",
  static_key: "Ask the key with static_key_enabled() in the changed function.",
  init: "Copy what is needed out of __init code and data under a new name.",
  exception_table: "Change the function so that its fixup is in itself.",
  shared_section: "Leave the section attribute of the function out of the patch.",
  assembly: "Only C can be changed live.",
};

export const changeRefusal = (code: ChangeRefusalCode, subject: string, reason: string): ChangeRefusal => ({
  code,
  subject,
  reason,
  advice: ADVICE[code],
});
