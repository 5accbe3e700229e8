// Runs in the guest: prints, as hex, bytes of the kernel's text as the kernel itself shows it in /proc/kcore.
// Arguments: a symbol and how many bytes. /proc/kcore is an ELF64 core file: program headers map addresses to offsets.
const { openSync, readFileSync, readSync } = require("node:fs");

const [symbol, length] = process.argv.slice(2);
const line = readFileSync("/proc/kallsyms", "utf8")
  .split("\n")
  .find((entry) => entry.split(" ")[2] === symbol);
const address = BigInt(`0x${line.split(" ")[0]}`);

const kcore = openSync("/proc/kcore", "r");
const read = (size, position) => {
  const buffer = Buffer.alloc(size);
  if (readSync(kcore, buffer, 0, size, position) !== size) throw new Error("/proc/kcore: short read");
  return buffer;
};
const elf = read(64, 0);
const headers = Number(elf.readBigUInt64LE(32));
for (let index = 0; index < elf.readUInt16LE(56); index += 1) {
  const header = read(56, headers + 56 * index);
  const start = header.readBigUInt64LE(16);
  const size = header.readBigUInt64LE(32);
  if (header.readUInt32LE(0) !== 1 || address < start || address >= start + size) continue;
  const offset = header.readBigUInt64LE(8) + (address - start);
  process.stdout.write(read(Number(length), offset).toString("hex"));
  break;
}
