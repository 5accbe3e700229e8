export const flipBit = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.from(bytes, (byte, i) => (i === 0 ? byte ^ 1 : byte));
