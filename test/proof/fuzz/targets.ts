import { readFileSync } from "node:fs";
import { sha256Of } from "../../../node/crypto.ts";
import { fingerprintWhole, kernelFile } from "../../../publisher/fingerprint/kernel_file.ts";
import { fingerprintSymbol } from "../../../publisher/fingerprint/kernel_function.ts";
import { landmarks } from "../../../publisher/fingerprint/landmarks.ts";
import { fingerprintModule } from "../../../publisher/fingerprint/module_function.ts";
import { bootPayload } from "../../../publisher/image/boot_image.ts";
import { decompressPayload } from "../../../publisher/image/decompress.ts";
import { type KernelImage, openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { moduleLinker } from "../../../publisher/module/link/linked_module.ts";
import { readLivepatchModule } from "../../../publisher/module/livepatch_module.ts";
import { openModule } from "../../../publisher/module/module_file.ts";
import { Decoder } from "../../../shared/decode.ts";
import { parseElfHeader } from "../../../shared/elf/header.ts";
import { parseNotes } from "../../../shared/elf/notes.ts";
import { parseProgramHeaders } from "../../../shared/elf/program_headers.ts";
import { parseRela } from "../../../shared/elf/rela.ts";
import { parseSections, sectionBytes } from "../../../shared/elf/sections.ts";
import { parseSymbols } from "../../../shared/elf/symbols.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../../../shared/json.ts";
import { functionChecker } from "../../../shared/runpre/check.ts";
import { openFingerprints } from "../../../shared/runpre/file/decode.ts";
import { runChecker } from "../../../shared/runpre/file/run_checker.ts";
import { fingerprintFromJson, fingerprintToJson } from "../../../shared/runpre/json.ts";
import { decodeLandmarks, landmarksToJson } from "../../../shared/runpre/landmarks_json.ts";
import type { Region } from "./mutation.ts";

/** A real input, and what reads it. */
export interface Target {
  readonly input: Uint8Array;
  /** Where changes matter most. */
  readonly regions: readonly Region[];
  /** Changed inputs that are read in some seconds. */
  readonly runs: number;
  /** Reads everything there is. */
  read(bytes: Uint8Array): void;
}

/** What reads hostile input whole. */
export const READERS: readonly (readonly [name: string, read: (bytes: Uint8Array) => void])[] = [
  ["a kernel image", readImage],
  ["a livepatch module", readModule],
  ["a fingerprint file", readFingerprints],
  ["fingerprints as JSON", readJson],
];

/** By name; each is made of a vmlinuz and a livepatch module, in the process that uses it. */
export const TARGETS: Readonly<Record<string, (vmlinuz: string, module: string) => Target>> = {
  "boot image": (vmlinuz) => {
    const input = bytesOf(vmlinuz);
    const end = input.length;
    const payload = bootPayload(input).byteOffset - input.byteOffset;
    const regions: readonly Region[] = [
      [0x1f0, 0x268],
      [payload, payload + 4096],
      [payload, end],
      [end - 4096, end],
    ];
    return { input, regions, runs: 8, read: readImage };
  },
  "kernel's ELF file": (vmlinuz) => {
    const input = decompressPayload(bootPayload(bytesOf(vmlinuz)));
    // The relocation table follows the last section.
    return {
      input,
      regions: [...elfRegions(input), [input.length - 1024 * 1024, input.length]],
      runs: 8,
      read: readImage,
    };
  },
  "livepatch module": (_, module) => {
    const input = bytesOf(module);
    return { input, regions: elfRegions(input), runs: 150, read: readModule };
  },
  "module, linked against its kernel": (vmlinuz, module) => {
    const image = openKernelImage(bytesOf(vmlinuz));
    const link = moduleLinker(image);
    const input = bytesOf(module);
    const read = (bytes: Uint8Array): void => {
      fingerprintModule(link(openModule(bytes)), image.linkedText);
    };
    return { input, regions: elfRegions(input), runs: 100, read };
  },
  "fingerprint file": (vmlinuz) => {
    const image = openKernelImage(bytesOf(vmlinuz));
    const input = kernelFile(image, { functions: someFunctions(image, 20), refused: [] });
    return {
      input,
      regions: [
        [0, 256],
        [0, input.length],
      ],
      runs: 60,
      read: readFingerprints,
    };
  },
  "fingerprints as JSON": (vmlinuz) => {
    const image = openKernelImage(bytesOf(vmlinuz));
    const document = jsonObject({
      landmarks: landmarksToJson(landmarks(image)),
      functions: someFunctions(image, 200).map(fingerprintToJson),
    });
    const input = encodeJson(document);
    return {
      input,
      regions: [
        [0, 2048],
        [0, input.length],
      ],
      runs: 60,
      read: readJson,
    };
  },
};

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

const someFunctions = (image: KernelImage, every: number) =>
  fingerprintWhole(image).functions.filter((_, i) => i % every === 0);

/** Its headers and each of its sections. */
function elfRegions(file: Uint8Array): readonly Region[] {
  const { programHeaders, sectionHeaders } = parseElfHeader(file);
  const tables = [programHeaders, sectionHeaders].filter(({ count }) => count > 0);
  const sections = parseSections(file).filter(({ type, size }) => type !== NOBITS && size > 0);
  return [
    [0, 64],
    ...tables.map(({ at, count, size }): Region => [at, at + count * size]),
    ...sections.map(({ fileOffset, size }): Region => [fileOffset, fileOffset + size]),
  ];
}

const NOBITS = 8;
/** Functions of a changed image whose sites are worked out. */
const SAMPLES = 300;

function readImage(bytes: Uint8Array): void {
  const image = openKernelImage(bytes);
  landmarks(image);
  const { all } = image.symbols;
  for (let i = 0; i < SAMPLES; i++) {
    const symbol = all[Math.floor((i * all.length) / SAMPLES)];
    if (symbol !== undefined) tolerant(() => fingerprintSymbol(image, symbol));
  }
}

function readModule(bytes: Uint8Array): void {
  tolerant(() => readLivepatchModule(bytes));
  tolerant(() => parseProgramHeaders(bytes));
  const sections = parseSections(bytes);
  tolerant(() => parseSymbols(bytes, sections));
  for (const section of sections) {
    tolerant(() => parseRela(bytes, sections, section.index));
    tolerant(() => parseNotes(sectionBytes(bytes, section)));
  }
}

function readFingerprints(bytes: Uint8Array): void {
  const file = openFingerprints(bytes);
  const memory = {
    text: file.landmarks.linkedText,
    read: (_: number, length: number) => new Uint8Array(length),
  };
  const check = functionChecker(file.landmarks, memory, sha256Of);
  for (let i = 0; i < file.count; i++) {
    tolerant(() => file.name(i));
    tolerant(() => check(file.at(i)));
  }
  const { runs } = file;
  if (runs === null) return;
  const checkRun = runChecker(runs, file.landmarks, memory, sha256Of);
  for (let run = 0; run < runs.count; run++) tolerant(() => checkRun(run, new Uint8Array(runs.length(run))));
}

function readJson(bytes: Uint8Array): void {
  const document = new Decoder(parseJson(bytes, "fuzz", 10_000), "fuzz");
  tolerant(() => decodeLandmarks(document.get("landmarks")));
  for (const fn of document.get("functions").array(100_000)) tolerant(() => fingerprintFromJson(fn.value));
}

/** What our own errors refuse is one part of the input; the others are read as well. */
function tolerant(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof RebootlessError)) throw error;
  }
}
