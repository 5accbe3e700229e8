import { describe, expect, it } from "vitest";
import type { UnitDifference } from "../../../publisher/create/difference.ts";
import { between } from "./unit_patch.ts";

/** Compares a function f, whose operand changes, with more code after the patch. */
const withNew = async (added: string, body = "", was = ""): Promise<UnitDifference> =>
  between(`${was} int f(int n) { return n + 1; }`, `${added} int f(int n) { ${body} return n + 2; }`);

/** As module_param makes it (include/linux/moduleparam.h). */
const PARAMETER = `static int limit = 3;
static struct { const char *name; int *arg; } __param_limit __attribute__((used, section("__param"))) = { "limit", &limit };`;
/** As early_param makes it (include/linux/init.h). */
const OPTION = `static int limit = 3; int __init read_limit(char *text) { limit = text[0]; return 0; }
static const char __setup_str_read_limit[] __attribute__((section(".init.rodata"))) = "limit=";
static struct { const char *text; int (*read)(char *); int early; } __setup_read_limit
  __attribute__((used, section(".init.setup"))) = { __setup_str_read_limit, read_limit, 1 };`;
/** As device_initcall makes it; the number in the middle is a counter. */
const initcall = (number: number): string => `int __init start(void) { return printk("start"); }
asm(".section .initcall6.init,\\"a\\"\\n__initcall__kmod_unit__${number}_7_start6: .long start - .\\n.previous");`;
const TRACEPOINT = `static struct { const char *name; long key; } __tracepoint_seen __attribute__((used, section("__tracepoints"))) = { "seen" };`;
const EXPORT = `int fresh(int n) { return n; }
asm(".section .export_symbol,\\"a\\"\\n__export_symbol_fresh: .asciz \\"GPL\\"\\n.balign 8\\n.quad fresh\\n.previous");`;

describe("what a live patch cannot bring", () => {
  it.each([
    {
      what: "a parameter",
      added: PARAMETER,
      body: "n += limit;",
      note: "the parameter limit is new: nobody can set it, and its variable keeps its initial value",
    },
    {
      what: "an option of the command line",
      added: OPTION,
      body: "n += limit;",
      note: "the option limit= is new: the kernel has read its command line, so the option is never seen",
    },
    {
      what: "an initcall",
      added: initcall(3),
      body: "",
      note: "the initcall start is new: initcalls have run, so it is never called",
    },
    {
      what: "a tracepoint",
      added: TRACEPOINT,
      body: "",
      note: "the tracepoint seen is new: tracers never see it, so it stays off",
    },
    {
      what: "an export",
      added: EXPORT,
      body: "",
      note: "the export fresh is new: only this update can use it, no module that is built later",
    },
  ])("is named: $what", async ({ added, body, note }) => {
    const found = await withNew(added, body);
    expect(found.kind).toBe("patch");
    expect(found.report.notes).toEqual([note]);
  });

  it("is not named if only its number moved", async () => {
    const found = await withNew(initcall(4), "", initcall(3));
    expect(found.report.notes).toEqual([]);
  });

  it("is named if it is gone", async () => {
    const found = await withNew(
      "static int limit = 3;",
      "n += limit;",
      `${PARAMETER} int g(void) { return limit; }`,
    );
    expect(found.report.notes).toEqual(["the parameter limit is gone: it stays"]);
  });
});

describe("a new variable that init code would set up", () => {
  const cache = (init: string): string => `static int *cache; ${init}`;

  it.each([
    ["itself", "int __init start(void) { cache = &exported; return 0; }"],
    [
      "in a function that it calls",
      "static noinline void make(void) { cache = &exported; } int __init start(void) { make(); return 0; }",
    ],
  ])("is refused where changed code uses it: %s", async (_, init) => {
    expect(await withNew(cache(init), "n += *cache;")).toMatchObject({
      kind: "refused",
      refusals: [
        {
          code: "init",
          subject: "cache",
          reason: "start would set it up, but runs only at the start, and the changed code uses it",
        },
      ],
    });
  });

  it("is taken where a hook of the unit sets it up", async () => {
    const both =
      "int __init start(void) { cache = &exported; return 0; } int pre_patch(void *o) { cache = &exported; return 0; }";
    expect(await withNew(cache(both), "n += *cache;")).toMatchObject({ kind: "patch" });
  });

  it("is left out where only init code uses it", async () => {
    const init = "int __init start(void) { cache = &exported; return 0; }";
    expect(await withNew(cache(init))).toMatchObject({ kind: "patch", report: { initOnly: ["start"] } });
  });
});

describe("code that sets things up", () => {
  const noted = async (source: (n: number) => string, beside: readonly string[] = []) =>
    (await between(source(1), source(2), { beside })).report.notes;
  const OUTCOME = "the change works only for what is set up from now on, and a hook can mend what exists";

  it("is noted where it registers something", async () => {
    const zone = (n: number) => `int device_add(int); int add_zone(int n) { return device_add(n) + ${n}; }`;
    expect(await noted(zone, ["int device_add(int n) { return n; }"])).toEqual([
      `add_zone calls device_add: ${OUTCOME}`,
    ]);
  });

  it("is noted where its name says so", async () => {
    expect(await noted((n) => `int disk_probe(int n) { return other(n) + ${n}; }`)).toEqual([
      `disk_probe sets something up, as its name says: ${OUTCOME}`,
    ]);
  });

  it("is noted where it is an operation for opening", async () => {
    const operation = (n: number) =>
      `static int disk_open(int n) { return other(n) + ${n}; } const struct { int (*open)(int); } operations = { disk_open };`;
    expect(await noted(operation)).toEqual([`disk_open is the operation of a table: ${OUTCOME}`]);
  });

  it("is not noted where only the name is like that, or nothing is", async () => {
    const plain = (n: number) =>
      `int group_init(int n) { return other(n) + ${n}; } int f(int n) { return other(n) + ${n}; }`;
    expect(await noted(plain)).toEqual([]);
  });
});

describe("a table that the kernel has registered", () => {
  const TYPES = "int proc_dointvec(void); struct entry { const char *name; void *handler; };";
  it.each([
    [
      "sysctl entries",
      (more: string) => `struct entry table[] = { { "a", proc_dointvec }, ${more} };`,
      "register_sysctl",
    ],
    [
      "attributes",
      (more: string) =>
        `static struct entry dev_attr_a, dev_attr_b; void *table[] = { &dev_attr_a, ${more.replace(/.*/, (one) => (one === "" ? "" : "&dev_attr_b"))} };`,
      "sysfs_create_file",
    ],
    [
      "device IDs",
      (more: string) =>
        `const struct entry table[] = { { "a" }, ${more.replace("proc_dointvec", "0")} }; extern typeof(table) __mod_pci__table_device_table __attribute__((alias("table")));`,
      "new_id",
    ],
  ])("is refused with the way out: %s", async (_, table, advice) => {
    const source = (more: string) => `${TYPES} ${table(more)} void *use(void) { return (void *)table; }`;
    const found = await between(source(""), source('{ "b", proc_dointvec }'), {
      beside: ["int proc_dointvec(void) { return 0; }"],
    });
    expect(found).toMatchObject({
      kind: "refused",
      refusals: [{ code: "changed_layout", advice: expect.stringContaining(advice) }],
    });
  });
});
