import type { TextOffset } from "../../brand.ts";
import { CALL, JUMP } from "../../x86/opcodes.ts";
import {
  type AlternativeSite,
  isPlainKind,
  type RetpolineSite,
  type Site,
  STATIC_CALL_FORMS,
  siteLength,
} from "../sites/site_kinds.ts";
import { KIND_SPACE, siteCode } from "./site_codes.ts";
import { pushSignedVarint, pushVarint } from "./varint.ts";

/** The numbers by which sites refer to data that is written elsewhere in the file. */
export interface SiteNumbers {
  variable(offset: TextOffset): number;
  alternative(site: AlternativeSite): number;
}

/**
 * Writes sites in the order of their places, one after the other. docs/fingerprint-file.md describes the
 * bytes of each kind.
 */
export function pushSites(out: number[], sites: readonly Site[], numbers: SiteNumbers): void {
  let end = 0;
  for (const site of sites) {
    pushVarint(out, (site.at - end) * KIND_SPACE + siteCode(site.kind));
    if (!isPlainKind(site.kind)) pushDetails(out, site, numbers);
    end = site.at + siteLength(site);
  }
}

function pushDetails(out: number[], site: Site, numbers: SiteNumbers): void {
  switch (site.kind) {
    case "alternative":
      pushVarint(out, numbers.alternative(site));
      break;
    case "jump_label":
      pushVarint(out, 4 * numbers.variable(site.key) + 2 * Number(site.length === 5) + Number(site.branch));
      pushSignedVarint(out, site.target);
      break;
    case "static_call":
      pushVarint(
        out,
        8 * numbers.variable(site.key) +
          2 * STATIC_CALL_FORMS.indexOf(site.form) +
          Number(site.initiallyNull),
      );
      break;
    case "paravirt":
      pushVarint(out, 16 * numbers.variable(site.pointer) + site.length);
      break;
    case "retpoline":
      pushRetpoline(out, site);
      break;
    case "runtime_constant":
      pushVarint(out, 2 * numbers.variable(site.variable) + Number(site.length === 8));
      break;
    case "runtime_mask":
      pushVarint(out, numbers.variable(site.variable));
      break;
    case "moved":
      pushVarint(out, 4 * site.base + 2 * Number(site.length === 8) + Number(site.relative));
      break;
    case "moved_call":
      pushVarint(out, site.base);
  }
}

/** The flags in the first byte of a retpoline site, whose low bits are the register. */
export const RETPOLINE = { long: 0x10, jump: 0x20, conditional: 0x40, its: 0x80 } as const;

function pushRetpoline(out: number[], { length, opcode, register, its }: RetpolineSite): void {
  const conditional = opcode !== CALL && opcode !== JUMP;
  const { long, jump } = RETPOLINE;
  const branch = conditional ? RETPOLINE.conditional : opcode === JUMP ? jump : 0;
  out.push(register | (length === 6 ? long : 0) | branch | (its === null ? 0 : RETPOLINE.its));
  if (conditional) out.push(opcode);
  if (its !== null) pushVarint(out, its);
}
