import { toBase64, utf8 } from "../../shared/bytes.ts";
import type { Digests } from "../../shared/crypto/digests.ts";
import { encodeJson, type JsonObject } from "../../shared/json.ts";
import { STYLE } from "../pages/style.ts";
import { answerContent } from "./answer.ts";

/** One thing in two forms: a page for people, and JSON for programs. */
export interface View {
  readonly json: () => JsonObject;
  /** The page's HTML without its doctype. */
  readonly page: () => { toString(): string | Promise<string> };
}

/**
 * Tells whether a page is requested. A browser names text/html; a program that accepts anything gets JSON
 * (RFC 9110, 12.5.1).
 */
export const wantsPage = (request: Request): boolean =>
  (request.headers.get("Accept") ?? "")
    .split(",")
    .some((type) => type.trim().toLowerCase().startsWith("text/html"));

/** Answers with the page or the JSON of a view, whichever is asked for. */
export async function answerView(request: Request, view: View, digests: Digests): Promise<Response> {
  const html = wantsPage(request);
  const content = html ? utf8(`<!doctype html>${await view.page().toString()}`) : encodeJson(view.json());
  const type = html ? "text/html; charset=utf-8" : "application/json";
  const answer = await answerContent(request, content, { lifetime: "moving", type }, digests);
  answer.headers.append("Vary", "Accept");
  return html ? guarded(answer) : answer;
}

/** Answers with a page that must not be cached, as one of an error. */
export async function answerPage(
  status: number,
  page: { toString(): string | Promise<string> },
): Promise<Response> {
  const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", Vary: "Accept" };
  return guarded(new Response(`<!doctype html>${await page.toString()}`, { status, headers }));
}

let policy: Promise<string> | undefined;

/** Forbids scripts, loading anything and being framed. The one style sheet is allowed by its digest. */
async function guarded(answer: Response): Promise<Response> {
  policy ??= digestOf(STYLE).then((style) =>
    [
      "default-src 'none'",
      `style-src 'sha256-${style}'`,
      "img-src data:",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
  );
  answer.headers.set("Content-Security-Policy", await policy);
  answer.headers.set("Referrer-Policy", "same-origin");
  answer.headers.set("X-Content-Type-Options", "nosniff");
  answer.headers.set("Strict-Transport-Security", "max-age=63072000");
  return answer;
}

const digestOf = async (text: string): Promise<string> =>
  toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text) as Uint8Array<ArrayBuffer>)));
