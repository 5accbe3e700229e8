import { describe, expect, it } from "vitest";
import { type Errno, errnoOf, refusalCause } from "../../../client/engines/load_refusal.ts";

const HEALTHY = { ftrace: true, modulesDisabled: false, lockdown: false };
const MODULE = "livepatch_fix";

describe("the error of a load", () => {
  it.each<[string, Errno | undefined]>([
    // kmod
    ["insmod: ERROR: could not insert module /a/b.ko: Device or resource busy", "EBUSY"],
    ["insmod: ERROR: could not insert module /a/b.ko: Invalid module format", "ENOEXEC"],
    ["insmod: ERROR: could not insert module /a/b.ko: Unknown symbol in module", "ENOENT"],
    ["insmod: ERROR: could not insert module /a/b.ko: Invalid parameters", "EINVAL"],
    ["insmod: ERROR: could not insert module /a/b.ko: File exists", "EEXIST"],
    ["insmod: ERROR: could not insert module /a/b.ko: Key was rejected by service", "EKEYREJECTED"],
    ["insmod: ERROR: could not insert module /a/b.ko: Required key not available", "ENOKEY"],
    ["insmod: ERROR: could not insert module /a/b.ko: Operation not permitted", "EPERM"],
    ["insmod: ERROR: could not insert module /a/b.ko: Cannot allocate memory", "ENOMEM"],
    ["insmod: ERROR: could not insert module /a/b.ko: Module has wrong symbol version", "ESRCH"],
    ["insmod: ERROR: could not insert module /a/b.ko: No such device", "ENODEV"],
    // busybox
    ["insmod: can't insert '/a/b.ko': invalid module format", "ENOEXEC"],
    ["insmod: can't insert '/a/b.ko': unknown symbol in module, or unknown parameter", "ENOENT"],
    ["insmod: can't insert '/a/b.ko': Invalid argument", "EINVAL"],
    // musl
    ["insmod: can't insert '/a/b.ko': Resource busy", "EBUSY"],
    ["insmod: can't insert '/a/b.ko': Out of memory", "ENOMEM"],
    // the file's name is no reason
    ["insmod: can't insert '/a: resource busy/file exists.ko': I/O error", undefined],
    ["insmod: ERROR: could not load module /a/b.ko: No such file or directory", undefined],
    ["", undefined],
  ])("%s is %s", (words, errno) => {
    expect(errnoOf(words)).toBe(errno);
  });
});

describe("the cause of a refusal", () => {
  const cause = (errno: Errno | undefined, log: readonly string[] = [], more = {}) =>
    refusalCause(MODULE, errno, log, { ...HEALTHY, ...more });

  it.each<[string, Errno | undefined, string, readonly string[]]>([
    [
      "ftrace_disabled",
      "ENODEV",
      "livepatch: failed to set ftrace filter for function 'f' (-19)",
      [`livepatch: enabling patch '${MODULE}'`],
    ],
    [
      "kprobe_conflict",
      "EBUSY",
      "livepatch: failed to register ftrace handler for function 'cmdline_proc_show' (-16)",
      [`livepatch: enabling patch '${MODULE}'`],
    ],
    ["failed_to_find", "EINVAL", "livepatch: symbol 'no_such' not found in symbol table", []],
    ["failed_to_find", "EINVAL", "livepatch: unresolvable ambiguity for symbol 'show' in object 'kvm'", []],
    [
      "failed_to_find",
      "EINVAL",
      "livepatch: symbol position 3 for symbol 'show' in object 'vmlinux' not found",
      [],
    ],
    [
      "incompatible_state",
      "EINVAL",
      `livepatch: Livepatch patch (${MODULE}) is not compatible with the already installed livepatches.`,
      [],
    ],
    ["call_failed", "ENODEV", "livepatch: pre-patch callback failed for object 'vmlinux'", []],
    ["missing_export", "ENOENT", `${MODULE}: Unknown symbol no_such (err -2)`, []],
    ["wrong_kernel", "ENOEXEC", `${MODULE}: version magic '6.1.0 SMP' should be '6.12.0 SMP'`, []],
    ["wrong_kernel", "EINVAL", `${MODULE}: disagrees about version of symbol module_layout`, []],
    [
      "wrong_kernel",
      "ENOEXEC",
      `module ${MODULE}: .gnu.linkonce.this_module section size must match the kernel's built struct module size at run time`,
      [],
    ],
    ["signature_required", "EKEYREJECTED", "Loading of unsigned module is rejected", []],
    [
      "lockdown",
      "EPERM",
      "Lockdown: insmod: unsigned module loading is restricted; see man kernel_lockdown.7",
      [],
    ],
  ])("is %s by the log", (expected, errno, said, before) => {
    const log = ["eth0: link up", ...before, said, "livepatch: failed to enable patch"];
    expect(cause(errno, log)).toEqual({ cause: expected, said });
  });

  it.each<[string, Errno | undefined, object]>([
    ["busy_transition", "EBUSY", {}],
    ["ftrace_disabled", "EBUSY", { ftrace: false }],
    ["already_loaded", "EEXIST", {}],
    ["signature_required", "ENOKEY", {}],
    ["modules_disabled", "EPERM", { modulesDisabled: true, lockdown: true }],
    ["lockdown", "EPERM", { lockdown: true }],
    ["unknown", "EPERM", {}],
    ["out_of_memory", "ENOMEM", {}],
    ["wrong_kernel", "ENOEXEC", {}],
    ["missing_export", "ENOENT", {}],
    ["unknown", "EINVAL", {}],
    ["unknown", undefined, {}],
  ])("is %s by %s and what the host says", (expected, errno, more) => {
    expect(cause(errno, [], more)).toEqual({ cause: expected, said: undefined });
  });

  it("blames ftrace, not a probe, where ftrace is off", () => {
    const said = "livepatch: failed to register ftrace handler for function 'f' (-16)";
    expect(cause("EBUSY", [said], { ftrace: false })).toEqual({ cause: "ftrace_disabled", said });
  });

  it("hears no other patch's lines and no other module's", () => {
    const log = [
      "livepatch: Livepatch patch (their_fix) is not compatible with the already installed livepatches.",
      "their_fix: Unknown symbol no_such (err -2)",
      `x${MODULE}: Unknown symbol no_such (err -2)`,
    ];
    expect(cause("EINVAL", log)).toEqual({ cause: "unknown", said: undefined });
  });

  it("does not let the log speak against an error that has one cause", () => {
    expect(cause("EEXIST", ["Loading of unsigned module is rejected"])).toMatchObject({
      cause: "already_loaded",
    });
  });
});
