import { parse, TomlError, type TomlTable } from "smol-toml";
import { RebootlessError } from "../shared/errors.ts";

/** Parses the text of a file. @throws RebootlessError `config` that names the file and the line. */
export function parseToml(text: string, path: string): TomlTable {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw new RebootlessError("config", `${path} is not TOML`, { cause });
    // The parser also shows the lines around the error, which may hold the password of a proxy. Its first line alone
    // says what is wrong.
    const [problem = ""] = cause.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new RebootlessError("config", `${path}:${cause.line} is not TOML: ${problem}`);
  }
}
