import type { KernelSymbol } from "../../../publisher/image/kallsyms.ts";

/** A symbol as it is written for a difference: "0x1000 t name". The address is counted from `_text`. */
const text = (name: string, type: string, offset: bigint): string => `${offset} ${type} ${name}`;

/** Lines of symbols that are not of the kernel's own table end with the name of their owner, in brackets. */
const LINE = /^([0-9a-f]+) (\S) (\S+)$/;

/**
 * Compares the symbols that the image's reader found with a running kernel's /proc/kallsyms, name by name, type by type
 * and address by address, in their order.
 * @returns the lines that differ, at most `most`; none if all are equal.
 */
export function comparedSymbols(
  symbols: readonly KernelSymbol[],
  kallsyms: string,
  most = 5,
): readonly string[] {
  const own = kallsyms.split("\n").flatMap((line) => {
    const [, address, type, name] = LINE.exec(line) ?? [];
    return address === undefined || type === undefined || name === undefined
      ? []
      : [{ address: BigInt(`0x${address}`), type, name }];
  });
  const linked = symbols.find(({ name }) => name === "_text")?.address;
  const running = own.find(({ name }) => name === "_text")?.address;
  if (linked === undefined || running === undefined) return ["there is no _text"];
  const displacement = running - linked;
  // Small numbers are offsets of per-CPU variables, which do not move with the kernel.
  const moved = (address: bigint): bigint => (address < linked ? address : address + displacement);
  const expected = symbols.map(({ name, type, address }) => text(name, type, moved(address)));
  const found = own.map(({ name, type, address }) => text(name, type, address));
  if (expected.length !== found.length)
    return [`the image has ${expected.length} symbols, and the kernel lists ${found.length}`];
  return expected
    .flatMap((line, index) => (line === found[index] ? [] : [`${line}, in the kernel ${found[index]}`]))
    .slice(0, most);
}
