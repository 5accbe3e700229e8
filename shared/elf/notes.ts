import { type BuildId, buildId } from "../brand.ts";
import { ByteReader } from "../byte_reader.ts";
import { toHex } from "../bytes.ts";
import { RebootlessError } from "../errors.ts";
import { latin1 } from "./strings.ts";
import { NOTE_HEADER } from "./structs.ts";

export const NT_GNU_BUILD_ID = 3;
// A kernel has about a dozen notes (build ID, build salt, Xen's). A dump of a machine has some for each
// processor.
export const MAX_NOTES = 16_384;
// The names in use are "GNU", "Linux" and "Xen".
const MAX_NOTE_NAME = 256;

/** A note. `name` is without its NUL; the owner of the name defines what `type` means. */
export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly description: Uint8Array;
}

/**
 * Reads the notes of a section, of a segment or of /sys/kernel/notes (gABI, Note Section).
 * @throws ParseError
 * @throws RebootlessError `limit`
 */
export function parseNotes(bytes: Uint8Array): readonly ElfNote[] {
  const reader = new ByteReader(bytes, "ELF notes");
  const notes: ElfNote[] = [];
  while (reader.remaining > 0) {
    if (notes.length === MAX_NOTES) throw new RebootlessError("limit", `ELF: more than ${MAX_NOTES} notes`);
    notes.push(parseNote(reader));
  }
  return notes;
}

function parseNote(reader: ByteReader): ElfNote {
  const header = NOTE_HEADER.view(reader.take(NOTE_HEADER.size), "ELF note");
  const [nameSize, descriptionSize, type] = [header("nameSize"), header("descriptionSize"), header("type")];
  if (nameSize > MAX_NOTE_NAME) throw new RebootlessError("limit", `ELF note: a name of ${nameSize} bytes`);
  const name = latin1(reader.take(nameSize)).replace(/\0+$/, "");
  skipPadding(reader, nameSize);
  const description = reader.take(descriptionSize);
  skipPadding(reader, descriptionSize);
  return { name, type, description };
}

/** Skips the padding of a note, which the last note of a section may lack. */
function skipPadding(reader: ByteReader, size: number): void {
  reader.skip(Math.min(-size & 3, reader.remaining));
}

/**
 * Returns the GNU build ID among `notes`, or undefined if they have no build ID.
 * @throws ParseError on malformed notes.
 */
export function gnuBuildId(notes: Uint8Array): BuildId | undefined {
  const note = parseNotes(notes).find((n) => n.name === "GNU" && n.type === NT_GNU_BUILD_ID);
  return note && buildId(toHex(note.description));
}
