/** The "ar" archive that a .deb is: a line of text before each member, each member at an even place. */
export function ar(
  members: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  seconds: number,
): Buffer {
  const parts = members.flatMap(({ name, bytes }) => {
    const fields = [
      name.padEnd(16),
      String(seconds).padEnd(12),
      "0     0     100644  ",
      String(bytes.length).padEnd(10),
    ];
    return [Buffer.from(`${fields.join("")}\`\n`), bytes, Buffer.from(bytes.length % 2 === 0 ? "" : "\n")];
  });
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}
