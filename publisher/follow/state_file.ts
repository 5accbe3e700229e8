import { type BuildId, buildId, sha256Hex, updateId } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { MAX_RELATED } from "../../shared/feed/update.ts";
import { parseJson } from "../../shared/json.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";
import type { CloneNote, FollowedFix, FollowState } from "./follow_state.ts";
import { CHANNELS, type FollowItem, type ItemState } from "./item.ts";

/** The largest file of a state, in bytes. An item has some 300. */
export const MAX_FOLLOW_BYTES = 128 << 20;
/** The most values and names in it. */
const MAX_VALUES = 8 << 20;
const MAX_CLONES = 256;
/** The most fixes that are followed. A year of a stable branch has some 10,000 commits. */
export const MAX_FOLLOWED = 32_768;
const MAX_FOLLOW_ITEMS = 400_000;
const MAX_REASON = 4096;
const MAX_PATH = 4096;
const MAX_ATTEMPTS_NOTED = 1_000_000;

/** Writes a state, with a line for each fix and each item, so that a person can read it. */
export function encodeFollowState({ clones, fixes, items }: FollowState): string {
  const lines = (all: readonly object[]): string =>
    all.length === 0 ? "[]" : `[\n${all.map((one) => `    ${JSON.stringify(one)}`).join(",\n")}\n  ]`;
  const members = [
    `"format": 1`,
    `"clones": ${lines(clones)}`,
    `"fixes": ${lines(fixes.map((fix) => ({ ...fix, seen: formatInstant(fix.seen) })))}`,
    `"items": ${lines(items.map(itemJson))}`,
  ];
  return `{\n${members.map((member) => `  ${member}`).join(",\n")}\n}\n`;
}

const itemJson = ({ seen, ready, pushed, ...item }: FollowItem): object => ({
  ...item,
  seen: formatInstant(seen),
  ...(ready !== undefined && { ready: formatInstant(ready) }),
  ...(pushed !== undefined && { pushed: formatInstant(pushed) }),
});

/** Shortens a reason to what the file may have. */
export const shortReason = (reason: string): string => {
  const plain = reason.replaceAll(/\p{Cc}+/gu, " ").trim();
  return plain.length <= MAX_REASON ? plain : `${plain.slice(0, MAX_REASON - 1)}…`;
};

/** Reads a state. Nothing in it is believed before it is checked. @throws ParseError */
export function decodeFollowState(bytes: Uint8Array, file: string): FollowState {
  const state = new Decoder(parseJson(bytes, file, MAX_VALUES), file);
  state.get("format").literal(1);
  const fixes = state.get("fixes").array(MAX_FOLLOWED).map(fixIn);
  const ids = new Set<string>(fixes.map(({ id }) => id));
  if (ids.size < fixes.length) state.get("fixes").fail("two fixes have the same ID");
  const seen = new Set<string>();
  const items = state
    .get("items")
    .array(MAX_FOLLOW_ITEMS)
    .map((entry) => {
      const item = itemIn(entry);
      if (!ids.has(item.fix)) entry.fail("an item of a fix that is not there");
      const pair = `${item.fix} ${item.kernel}`;
      if (seen.has(pair)) entry.fail("a second item of the same fix and kernel");
      seen.add(pair);
      return item;
    });
  return { clones: state.get("clones").array(MAX_CLONES).map(cloneIn), fixes, items };
}

const cloneIn = (clone: Decoder): CloneNote => ({
  repository: clone.get("repository").line(MAX_PATH),
  branch: clone.get("branch").line(),
  commit: clone.get("commit").matching(/^[0-9a-f]{40}$/, "a commit"),
});

function fixIn(fix: Decoder): FollowedFix {
  const step = fix.get("step").optional((both) => ({
    from: both.get("from").as(sha256Hex),
    to: both.get("to").as(sha256Hex),
  }));
  return {
    id: fix.get("id").as(updateId),
    origin: fix.get("origin").line(MAX_PATH),
    kind: fix.get("kind").matching(/^(?:patch|series|step)$/, "a kind of fix") as FollowedFix["kind"],
    subject: fix.get("subject").line(),
    cves: fix
      .get("cves")
      .array(MAX_RELATED)
      .map((cve) => cve.matching(/^CVE-\d{4}-\d{4,12}$/, "a CVE")),
    digest: fix.get("digest").as(sha256Hex),
    seen: timeIn(fix.get("seen")),
    supersedes: fix
      .get("supersedes")
      .array(MAX_RELATED)
      .map((id) => id.as(updateId)),
    retired: fix.get("retired").boolean(),
    ...(step !== undefined && { step }),
  };
}

const timeIn = (text: Decoder): Instant => text.as(parseInstant);
const kernelIn = (text: Decoder): BuildId => text.as(buildId);

function itemIn(item: Decoder): FollowItem {
  const ready = item.get("ready").optional(timeIn);
  const pushed = item.get("pushed").optional(timeIn);
  return {
    fix: item.get("fix").as(updateId),
    kernel: kernelIn(item.get("kernel")),
    release: item.get("release").line(),
    state: stateIn(item.get("state")),
    seen: timeIn(item.get("seen")),
    ...(ready !== undefined && { ready }),
    ...(pushed !== undefined && { pushed }),
    untold: item
      .get("untold")
      .array(CHANNELS.length)
      .map((channel) => CHANNELS.find((one) => one === channel.string()) ?? channel.fail("unknown channel")),
  };
}

function stateIn(state: Decoder): ItemState {
  const kind = state.get("kind").string();
  const reason = (): string => state.get("reason").line(MAX_REASON);
  const draft = (): string => placeIn(state.get("draft"));
  switch (kind) {
    case "seen":
    case "unchanged":
    case "already in":
    case "superseded":
      return { kind };
    case "does not apply":
    case "not built":
    case "refused":
      return { kind, reason: reason() };
    case "made":
    case "tried ok":
    case "pushed":
      return { kind, draft: draft() };
    case "tried bad":
      return { kind, draft: draft(), reason: reason() };
    case "waiting":
      return { kind, draft: draft(), request: placeIn(state.get("request")) };
    case "failed": {
      const made = state.get("draft").optional(placeIn);
      return {
        kind,
        step: state.get("step").matching(/^(?:create|try|push)$/, "a step") as "create" | "try" | "push",
        reason: reason(),
        attempts: state.get("attempts").integer(1, MAX_ATTEMPTS_NOTED),
        ...(made !== undefined && { draft: made }),
      };
    }
    default:
      return state.get("kind").fail("unknown state");
  }
}

/** Reads a path below the folder of the state. */
const placeIn = (text: Decoder): string =>
  text.matching(/^(?!.*(?:^|\/)\.\.?(?:\/|$))[\w+~-][\w.+~/-]*$/, "a path below the folder");
