/**
 * The reason why a change cannot be made to a running kernel, or not by this program. These codes are stable,
 * because scripts match on them.
 */
export type ChangeRefusalCode =
  | "changed_data" // the running kernel already has the data, with the old content
  | "changed_layout" // the data has another size
  | "changed_type" // objects of the type exist with the old layout
  | "untyped" // whether layouts change is not known
  | "changed_section" // the piece moved to another kind of section
  | "moved" // the piece moved to another file
  | "ambiguous_data" // static locals cannot be told apart
  | "no_fentry" // the kernel cannot redirect calls of the function
  | "run_pre" // the compiled old version is not what the distribution ships
  | "unresolved" // it refers to something that the kernel has no name for
  | "static_key" // it branches on a key of a module
  | "init" // it needs something that the kernel has freed after its start
  | "exception_table" // a fixup lies outside of the code that goes into the update
  | "shared_section" // a jump that cannot be redirected ties it to unchanged functions
  | "indirect_target" // it takes the address of a function that the kernel does not allow to be called indirectly
  | "assembly"; // the code was not made by a compiler

/** An obstacle to an update, and what its author can do about it. */
export interface ChangeRefusal {
  readonly code: ChangeRefusalCode;
  /** The name of the function or datum. */
  readonly subject: string;
  readonly reason: string;
  readonly advice: string;
  /** The name of something else that the reason is about: what a function refers to. */
  readonly other?: string;
  /** The compiled files in which it was found, if the report does not say so elsewhere. */
  readonly sources?: readonly string[];
}

const ADVICE: Readonly<Record<ChangeRefusalCode, string>> = {
  changed_data:
    "Leave the variable as it is. Set it in the running kernel with a pre-patch hook, or use a new variable in the changed functions.",
  changed_layout: "Keep the old layout, and put new members into shadow variables (klp_shadow_alloc).",
  changed_type:
    "Leave its members as they are, and keep what the new code needs in shadow variables (klp_shadow_get_or_alloc).",
  untyped: "Use the kernel's own compiler, which must be gcc 12 or later.",
  changed_section: "Leave the section attribute out of the patch. It has no effect on a running kernel.",
  moved: "Leave it in its file, and make the change there.",
  ambiguous_data: "Give the static locals of this name different names in the patch.",
  no_fentry: "Change the functions that call it instead, and give them a copy of it under a new name.",
  run_pre: "Use the configuration, compiler and source of exactly the distribution's package.",
  unresolved: "Put what it needs into the changed function, or reach it through an exported function.",
  static_key: "Query the key with static_key_enabled() in the changed function.",
  init: "Copy what is needed from __init code and data under a new name, and set up new variables where they are first used, or in a hook.",
  exception_table: "Change the function so that it contains its own fixup.",
  shared_section: "Leave the section attribute of the function out of the patch.",
  indirect_target: "Take the address of a new function that calls this one, or call it directly.",
  assembly: "Move the fix to C code: only C can be changed in a running kernel.",
};

/** Makes a refusal. @param advice what to do, if the code alone does not tell. */
export const changeRefusal = (
  code: ChangeRefusalCode,
  subject: string,
  reason: string,
  advice = ADVICE[code],
): ChangeRefusal => ({ code, subject, reason, advice });
