import { isCode, RebootlessError } from "../../shared/errors.ts";

/** What came back for a path of the feed. */
export type Fetched =
  | { readonly status: "ok"; readonly bytes: Uint8Array; readonly etag: string | undefined }
  | { readonly status: "not_modified" }
  | {
      readonly status: "not_found";
      /** What an edge says of it. Files say nothing. */
      readonly code?: string | undefined;
    };

export interface FetchLimits {
  /** The answer's cap, counted as it arrives. */
  readonly maxBytes: number;
  /** Asks for the file only if it is not the one that had this tag. */
  readonly etag?: string | undefined;
  /** A module and not metadata: it is larger, and may take longer. */
  readonly download?: boolean;
  /** Whether these are the bytes that are looked for: where one of several feeds has others, the next is asked. */
  readonly accepts?: (bytes: Uint8Array) => Promise<boolean>;
}

/** A feed to read from. Throws `unreachable` for everything but the file, "not modified" and "not found". */
export interface Feed {
  readonly url: string;
  get(path: string, limits: FetchLimits): Promise<Fetched>;
  /** What this run has cost so far. */
  readonly traffic: Traffic;
}

export interface Traffic {
  /** Over the network. */
  readonly requests: number;
  /** Of bodies, decoded. */
  readonly bytes: number;
}

export function unreachable(
  url: string,
  problem: string,
  cause?: unknown,
  details: RebootlessError["details"] = {},
): RebootlessError {
  return new RebootlessError("unreachable", `${url} ${problem}`, {
    cause,
    details,
    hint: "Nothing was changed; what is applied stays applied. Check the feed's address and the network.",
  });
}

/** There is an answer, and it is more than the file may have. */
export const tooLong = (url: string, problem: string): RebootlessError =>
  unreachable(url, problem, undefined, { too_long: true });

/** The fault of one file, where others may be had. */
export const isTooLong = (error: unknown): error is RebootlessError =>
  isCode(error, "unreachable") && error.details["too_long"] === true;
