import type { UpdateId } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { Decoder } from "../../shared/decode.ts";
import { decodeKernelFacts, type KernelFacts } from "../../shared/feed/kernel.ts";
import { parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { instant } from "../../shared/time.ts";
import type { KernelLine, UpdateEntry } from "./entry.ts";
import type { Row } from "./sql_tables.ts";

export const wordsIn = (row: Row, name: string): readonly string[] =>
  String(row[name] ?? "")
    .split(" ")
    .filter(Boolean);

export const factsOfRow = (row: Row): KernelFacts =>
  decodeKernelFacts(new Decoder(parseJson(utf8(String(row["facts"])), "facts", MAX_SMALL_VALUES), "facts"));

export const lineOfRow = (row: Row): KernelLine => ({
  kernel: factsOfRow(row),
  updates: Number(row["live"]),
  recorded: instant(Number(row["recorded"])),
});

export const updateOfRow = (row: Row): UpdateEntry => ({
  id: row["id"] as UpdateId,
  summary: String(row["summary"]),
  cves: wordsIn(row, "cves"),
  published: instant(Number(row["published"])),
  recalled: row["recalled"] as string | null,
});
