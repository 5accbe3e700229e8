import { readFileSync, writeFileSync } from "node:fs";
import { overrides } from "./overrides.ts";
import { withArrows } from "./text.ts";

/*
 * node --import tsx tools/lint/write.ts
 *
 * Makes biome.json and ARCHITECTURE.md say what the tables of arrows say. biome formats the first afterwards.
 */

const biome = JSON.parse(readFileSync("biome.json", "utf8"));
writeFileSync("biome.json", JSON.stringify({ ...biome, overrides: overrides() }, null, 2));
writeFileSync("ARCHITECTURE.md", withArrows(readFileSync("ARCHITECTURE.md", "utf8")));
