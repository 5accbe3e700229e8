import { TEXT_OFFSETS, type TextOffset, textOffset } from "../brand.ts";
import { fromHex, toHex } from "../bytes.ts";
import { counted } from "../counted.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../json.ts";
import { BRANCH_LENGTH, CALL, JUMP } from "../x86/opcodes.ts";
import { MAX_FEATURE, MAX_ITS_PAGES } from "./landmarks.ts";
import { MAX_BASES } from "./module/layout.ts";
import {
  type AlternativeForm,
  type AlternativeSite,
  isCleared,
  isPlainKind,
  MAX_ALTERNATIVE_LENGTH,
  MAX_FORMS,
  MAX_PARAVIRT_LENGTH,
  PLAIN_KINDS,
  type PlainKind,
  type Site,
  STATIC_CALL_FORMS,
  siteLength,
} from "./sites/site_kinds.ts";

/*
 * Sites as JSON: an object with a list for each kind; kinds without sites are left out. Offsets are numbers, flags 0 or 1.
 *
 *     plain kinds        [at, ...]
 *     jump_label         [[at, length, target, key, branch], ...]
 *     static_call        [[at, form, key, initially null], ...]
 *     paravirt           [[at, length, pointer], ...]
 *     retpoline          [[at, length, opcode, register, its or null], ...]
 *     runtime_constant   [[at, length, variable], ...]
 *     runtime_mask       [[at, variable], ...]
 *     moved              [[at, length, base, relative], ...]
 *     moved_call         [[at, base], ...]
 *     alternative        [[at, [condition, code in hex, sites], ...], ...]
 *
 * A condition is the number of a feature, or -1 less the number if the feature must be absent, or null.
 */

type KindCodec = {
  readonly toJson: (site: never) => JsonValue;
  readonly fromJson: (decoder: Decoder) => Site;
};

/** The kinds with structure, written as arrays of fixed length. */
const STRUCTURED: Readonly<Record<Exclude<Site["kind"], PlainKind>, KindCodec>> = {
  jump_label: {
    toJson: (site: Extract<Site, { kind: "jump_label" }>) => [
      site.at,
      site.length,
      site.target,
      site.key,
      Number(site.branch),
    ],
    fromJson: (decoder) => {
      const [at, length, target, key, branch] = members(decoder, 5);
      return {
        kind: "jump_label",
        at: place(at),
        length: oneOf(length, [2, 5]),
        target: distance(target),
        key: variable(key),
        branch: flag(branch),
      };
    },
  },
  static_call: {
    toJson: (site: Extract<Site, { kind: "static_call" }>) => [
      site.at,
      site.form,
      site.key,
      Number(site.initiallyNull),
    ],
    fromJson: (decoder) => {
      const [at, form, key, initiallyNull] = members(decoder, 4);
      const name = form.string();
      return {
        kind: "static_call",
        at: place(at),
        form: STATIC_CALL_FORMS.find((known) => known === name) ?? decoder.fail("not a form of static call"),
        key: variable(key),
        initiallyNull: flag(initiallyNull),
      };
    },
  },
  paravirt: {
    toJson: (site: Extract<Site, { kind: "paravirt" }>) => [site.at, site.length, site.pointer],
    fromJson: (decoder) => {
      const [at, length, pointer] = members(decoder, 3);
      return {
        kind: "paravirt",
        at: place(at),
        length: length.integer(BRANCH_LENGTH, MAX_PARAVIRT_LENGTH),
        pointer: variable(pointer),
      };
    },
  },
  retpoline: {
    toJson: (site: Extract<Site, { kind: "retpoline" }>) => [
      site.at,
      site.length,
      site.opcode,
      site.register,
      site.its,
    ],
    fromJson: (decoder) => {
      const [at, length, opcode, register, its] = members(decoder, 5);
      return {
        kind: "retpoline",
        at: place(at),
        length: oneOf(length, [5, 6]),
        opcode: oneOf(opcode, OPCODES),
        register: register.integer(0, 15),
        its: its.nullable((number) => number.integer(0, 4096 * MAX_ITS_PAGES - 1)),
      };
    },
  },
  runtime_constant: {
    toJson: (site: Extract<Site, { kind: "runtime_constant" }>) => [site.at, site.length, site.variable],
    fromJson: (decoder) => {
      const [at, length, name] = members(decoder, 3);
      return {
        kind: "runtime_constant",
        at: place(at),
        length: oneOf(length, [1, 8]),
        variable: variable(name),
      };
    },
  },
  runtime_mask: {
    toJson: (site: Extract<Site, { kind: "runtime_mask" }>) => [site.at, site.variable],
    fromJson: (decoder) => {
      const [at, name] = members(decoder, 2);
      return { kind: "runtime_mask", at: place(at), variable: variable(name) };
    },
  },
  moved: {
    toJson: (site: Extract<Site, { kind: "moved" }>) => [
      site.at,
      site.length,
      site.base,
      Number(site.relative),
    ],
    fromJson: (decoder) => {
      const [at, length, base, relative] = members(decoder, 4);
      return {
        kind: "moved",
        at: place(at),
        length: oneOf(length, [4, 8]),
        base: base.integer(0, MAX_BASES - 1),
        relative: flag(relative),
      };
    },
  },
  moved_call: {
    toJson: (site: Extract<Site, { kind: "moved_call" }>) => [site.at, site.base],
    fromJson: (decoder) => {
      const [at, base] = members(decoder, 2);
      return { kind: "moved_call", at: place(at), base: base.integer(0, MAX_BASES - 1) };
    },
  },
  alternative: {
    toJson: (site: AlternativeSite) => [site.at, ...site.forms.map(formToJson)],
    fromJson: decodeAlternative,
  },
};

const CONDITIONAL_OPCODES = Array.from({ length: 16 }, (_, i) => 0x80 + i);
const OPCODES: readonly number[] = [CALL, JUMP, ...CONDITIONAL_OPCODES];
const MAX_OFFSET = TEXT_OFFSETS - 1;

export function sitesToJson(sites: readonly Site[]): JsonObject {
  const lists = new Map<string, JsonValue[]>();
  for (const kind of [...PLAIN_KINDS, ...Object.keys(STRUCTURED)]) lists.set(kind, []);
  for (const site of sites) lists.get(site.kind)?.push(siteToJson(site));
  return jsonObject(Object.fromEntries([...lists].filter(([, list]) => list.length > 0)));
}

function siteToJson(site: Site): JsonValue {
  const codec = isStructured(site.kind) ? STRUCTURED[site.kind] : undefined;
  return codec === undefined ? site.at : codec.toJson(site as never);
}

/**
 * Reads sites strictly: lists rise, nothing overlaps, and nothing reaches past `size`.
 * @param nested true within an alternative, which holds no other alternative.
 * @throws ParseError
 */
export function decodeSites(decoder: Decoder, size: number, max: number, nested = false): readonly Site[] {
  const sites = decoder
    .entries(PLAIN_KINDS.length + Object.keys(STRUCTURED).length)
    .flatMap(([name, list]) => decodeKind(list, name, max, nested))
    .sort((a, b) => a.at - b.at);
  if (sites.length > max) decoder.fail(`${sites.length} sites, at most ${max}`);
  let end = 0;
  for (const site of sites) {
    if (site.at < end) decoder.fail(`the ${site.kind} site at ${site.at} overlaps the one before it`);
    end = site.at + siteLength(site);
  }
  if (end > size) decoder.fail(`the last site reaches to ${end} of ${size}`);
  return sites;
}

function decodeKind(list: Decoder, name: string, max: number, nested: boolean): readonly Site[] {
  const entries = list.array(max);
  if (entries.length === 0) list.fail("the list is empty, but a kind without sites must be left out");
  const sites = entries.map((entry) => decodeSite(entry, name, nested));
  if (sites.some(({ at }, i) => i > 0 && at <= (sites[i - 1]?.at ?? 0))) list.fail("the places do not rise");
  return sites;
}

function decodeSite(entry: Decoder, name: string, nested: boolean): Site {
  if (isPlainKind(name)) return { kind: name, at: place(entry) };
  if (!isStructured(name) || (nested && name === "alternative")) {
    return entry.fail("not a kind of site that this version knows here");
  }
  return STRUCTURED[name].fromJson(entry);
}

const isStructured = (name: string): name is keyof typeof STRUCTURED => Object.hasOwn(STRUCTURED, name);

function formToJson({ condition, code, sites }: AlternativeForm): JsonValue {
  const number = condition === null ? null : condition.present ? condition.feature : -1 - condition.feature;
  return [number, toHex(code), sitesToJson(sites)];
}

function decodeAlternative(decoder: Decoder): Site {
  const [at = decoder.fail("an empty list"), ...rest] = decoder.array(1 + MAX_FORMS);
  const forms = rest.map(decodeForm);
  const length = forms[0]?.code.length ?? 0;
  if (length === 0 || forms.some(({ code }) => code.length !== length)) {
    decoder.fail("the forms of an alternative differ in length");
  }
  if (forms.some(({ condition }, i) => (condition === null) !== (i === forms.length - 1))) {
    decoder.fail("the last form of an alternative, and no other, must be unconditional");
  }
  return { kind: "alternative", at: place(at), length, forms };
}

function decodeForm(decoder: Decoder): AlternativeForm {
  const [number, code, sites] = members(decoder, 3);
  const condition = number.nullable((n) => n.integer(-MAX_FEATURE, MAX_FEATURE - 1));
  const bytes = code.as(fromHex, 2 * MAX_ALTERNATIVE_LENGTH);
  const inner = decodeSites(sites, bytes.length, MAX_ALTERNATIVE_LENGTH, true);
  if (!isCleared(bytes, inner)) decoder.fail("bytes that are not zero at a site that is compared by value");
  return {
    condition:
      condition === null
        ? null
        : { feature: condition < 0 ? -1 - condition : condition, present: condition >= 0 },
    code: bytes,
    sites: inner,
  };
}

type Members<N extends number, T extends readonly Decoder[] = []> = T["length"] extends N
  ? T
  : Members<N, readonly [...T, Decoder]>;

function members<N extends number>(decoder: Decoder, count: N): Members<N> {
  const found = decoder.array(count);
  if (found.length !== count) decoder.fail(`${counted(found.length, "member")}, not ${count}`);
  return found as readonly Decoder[] as Members<N>;
}

const place = (decoder: Decoder): number => decoder.integer(0, MAX_OFFSET);
const distance = (decoder: Decoder): number => decoder.integer(-MAX_OFFSET, MAX_OFFSET);
const variable = (decoder: Decoder): TextOffset => textOffset(place(decoder));
const flag = (decoder: Decoder): boolean => decoder.integer(0, 1) === 1;

function oneOf<T extends number>(decoder: Decoder, known: readonly T[]): T {
  const value = decoder.integer(0);
  return known.find((candidate) => candidate === value) ?? decoder.fail(`not one of ${known.join(", ")}`);
}
