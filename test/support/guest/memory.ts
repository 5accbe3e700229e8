import { withStoppedMachine } from "./gdb.ts";

/** The kernel's text in the guest's memory, addressed by offsets from the symbol `_text`, in bytes. */
export interface KernelText {
  read(offset: number, length: number): Promise<Buffer>;
  write(offset: number, bytes: Uint8Array): Promise<void>;
}

/** Each call stops the guest for a few milliseconds. `findStart` gives the physical address of `_text`. */
export function kernelText(gdbSocket: string, findStart: () => Promise<number>): KernelText {
  let start: Promise<number> | undefined;
  const addressOf = async (offset: number): Promise<number> => {
    start ??= findStart();
    return (await start) + offset;
  };
  return {
    async read(offset, length) {
      const address = await addressOf(offset);
      return await withStoppedMachine(gdbSocket, (memory) => memory.read(address, length));
    },
    async write(offset, bytes) {
      const address = await addressOf(offset);
      await withStoppedMachine(gdbSocket, (memory) => memory.write(address, bytes));
    },
  };
}
