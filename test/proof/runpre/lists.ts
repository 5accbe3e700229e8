import type { Guest } from "../../support/guest/guest.ts";
import { functionAt, type WholeKernel } from "./whole_kernel.ts";

/*
 * What a guest's kernel itself says of changes to its code. `attached`: a call at a function's entry, which ftrace,
 * livepatch and kprobes share. `changed`: an int3 or a jump anywhere else in it, which only kprobes write.
 */

export type Change = "attached" | "changed";

/** Changed functions, by their place from `_text`. */
export type Changes = ReadonlyMap<number, Change>;

export interface Listed {
  readonly changes: Changes;
  /** The lists as the kernel prints them. */
  readonly text: string;
}

const TRACED = "/sys/kernel/tracing/enabled_functions";
const PROBED = "/sys/kernel/debug/kprobes/list";
const PATCHED = "find /sys/kernel/livepatch -mindepth 3 -maxdepth 3 -type d 2>/dev/null || true";

/** @param text where the kernel's text starts. */
export async function readLists(guest: Guest, whole: WholeKernel, text: bigint): Promise<Listed> {
  const traced = (await guest.getFile(TRACED)).toString();
  const probed = (await guest.getFile(PROBED)).toString();
  const patched = await guest.mustExec(PATCHED);
  const changes = new Map<number, Change>();
  for (const place of tracedPlaces(whole, traced)) changes.set(place, "attached");
  for (const place of patchedPlaces(whole, patched)) changes.set(place, "attached");
  for (const { place, change } of probes(whole, probed, text)) {
    if (changes.get(place) !== "changed") changes.set(place, change);
  }
  return { changes, text: `${traced}${probed}${patched}` };
}

/**
 * Names, of functions of the kernel proper, in the order of places: of several functions with one name it is the next.
 * A line that starts with white space goes on with the one before; those of modules end with [module].
 */
function tracedPlaces(whole: WholeKernel, text: string): Iterable<number> {
  const places = new Set<number>();
  let last = -1;
  for (const line of text.split("\n")) {
    const [, name, module] = /^(\S+)(?: (\[\w+\]))? \(/.exec(line) ?? [];
    if (name === undefined || module !== undefined) continue;
    const free = (whole.places.get(name) ?? []).filter((p) => whole.traceable.has(p) && !places.has(p));
    last = free.find((place) => place > last) ?? free[0] ?? unknown(name);
    places.add(last);
  }
  return places;
}

/** .../PATCH/OBJECT/FUNCTION,POSITION */
function patchedPlaces(whole: WholeKernel, text: string): readonly number[] {
  return text
    .split("\n")
    .filter((path) => path.includes("/vmlinux/"))
    .map((path) => {
      const [name = "", position] = (path.split("/").at(-1) ?? "").split(",");
      return whole.places.get(name)?.[Number(position) - 1] ?? unknown(name);
    });
}

/** ADDRESS, kind, SYMBOL+OFFSET, then flags in brackets. */
function probes(
  whole: WholeKernel,
  text: string,
  start: bigint,
): readonly { readonly place: number; readonly change: Change }[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.includes("[DISABLED]"))
    .map((line) => {
      const place = Number(BigInt(`0x${line.split(" ", 1)[0]}`) - start);
      const fn = functionAt(whole.functions, place) ?? unknown(line);
      return { place: fn.offset, change: line.includes("[FTRACE]") ? "attached" : "changed" };
    });
}

function unknown(name: string): never {
  throw new Error(`the guest lists ${name}, which the image does not have`);
}
