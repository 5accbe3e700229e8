import fetch from "node-fetch";
import { runProgram } from "../../node/processes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, jsonObject } from "../../shared/json.ts";
import { printable } from "../../shared/printable.ts";
import type { PublisherContext } from "../context.ts";
import type { Channel, FollowItem } from "../follow/item.ts";
import { followSummary, itemText, summarizedItem, totalsJson } from "../follow/summary.ts";
import { mailText } from "../follow/telling.ts";
import type { FollowTools } from "../follow/tools.ts";
import type { FollowOptions } from "./follow_options.ts";

/** The longest time that a notice may take, in milliseconds. */
const NOTICE_MS = 30_000;
/** The largest answer of a webhook that is read, in bytes. It is not used. */
const MAX_ANSWER = 64 << 10;

/** The most updates that are posted at once. status.json has all. */
const MAX_NEWS = 1000;

/** Returns the channels that the options name. */
export const channelsOf = ({ mail, webhook }: FollowOptions): readonly Channel[] => [
  ...(mail === undefined ? [] : (["mail"] as const)),
  ...(webhook === undefined ? [] : (["webhook"] as const)),
];

/** Returns what tells people. A notice that does not get through is a warning, and is sent again in the next run. */
export function noticeTools(
  { clock, warn }: PublisherContext,
  { mail, webhook }: FollowOptions,
): Pick<FollowTools, "tell"> {
  const send = async (
    channel: Channel,
    news: readonly FollowItem[],
    summary: () => Uint8Array,
  ): Promise<void> => {
    if (channel === "mail" && mail !== undefined) {
      const lines = news.map((item) => printable(itemText(item)));
      return sendMail(mailText(mail, news, lines, clock()));
    }
    if (channel === "webhook" && webhook !== undefined) await post(webhook, summary());
  };
  return {
    tell: async (channel, news, state) => {
      const summary = (): Uint8Array =>
        encodeJson(
          jsonObject({
            ...Object.fromEntries(totalsJson(followSummary(state, clock()))),
            news: news.slice(0, MAX_NEWS).map(summarizedItem),
            news_left_out: Math.max(0, news.length - MAX_NEWS),
          }),
        );
      try {
        await send(channel, news, summary);
        return true;
      } catch (error) {
        if (!(error instanceof RebootlessError)) throw error;
        warn(`the notice by ${channel} is sent again in the next run: ${error.message}`);
        return false;
      }
    },
  };
}

async function sendMail(text: string): Promise<void> {
  const { code } = await runProgram("sendmail", ["-t", "-i"], {
    env: { PATH: `${process.env["PATH"] ?? ""}:${SBIN}` },
    stdin: text,
    timeoutMs: NOTICE_MS,
    hint: "Install a mail transport agent.",
  });
  if (code !== 0) throw new RebootlessError("io", `sendmail ended with exit code ${code}`);
}

/** Where sendmail lies (FHS 3.0, 4.6), which is often not in the path of ordinary users. */
const SBIN = "/usr/sbin:/usr/lib";

async function post(url: string, body: Uint8Array): Promise<void> {
  try {
    const response = await fetch(url, {
      method: "POST",
      body: Buffer.from(body),
      headers: { "content-type": "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(NOTICE_MS),
      size: MAX_ANSWER,
    });
    await response.arrayBuffer();
    if (response.ok) return;
    throw new Error(`it answered ${response.status}`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RebootlessError("unreachable", `${new URL(url).origin} did not take it: ${why}`, { cause });
  }
}
