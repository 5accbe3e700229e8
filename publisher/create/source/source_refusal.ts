/** The reason why a running kernel cannot be given what a patch does to its source. */
export type SourceRefusalCode =
  | "apply" // a fix of a series does not apply to what the others make of the source
  | "file" // the change of a file that is not C code, or of how the kernel is built
  | "reach" // a header that too many objects are compiled from
  | "compile" // the patched source does not compile
  | "generated" // kbuild generates other headers from the patched source
  | "unsupported" // compiled code that this program does not handle, or that exceeds one of its limits
  | "export"; // the type of an exported symbol changes for the modules that use it

/** An obstacle in the source of an update, and what its author can do about it. */
export interface SourceRefusal {
  readonly code: SourceRefusalCode;
  /** The path of a file, or the name of a symbol. */
  readonly subject: string;
  readonly reason: string;
  readonly advice: string;
  /** The compiler's messages, as it printed them. */
  readonly output?: readonly string[];
  /** The exported symbols, if there are several. */
  readonly symbols?: readonly string[];
  /** The compiled files in which it was found, if the subject does not say so. */
  readonly sources?: readonly string[];
}
