import { counted } from "../../shared/counted.ts";
import type { Instant } from "../../shared/time.ts";
import { type FollowState, withItem } from "./follow_state.ts";
import { CHANNELS, type FollowItem } from "./item.ts";
import type { FollowTools } from "./tools.ts";

/**
 * Tells people what is new, by each channel. What a channel could not tell is told in the next run. A run that is killed
 * between telling and writing it down tells it twice.
 */
export async function tellPeople(before: FollowState, tools: FollowTools): Promise<FollowState> {
  let state = before;
  for (const channel of CHANNELS.filter((one) => tools.channels.includes(one))) {
    const news = state.items.filter(({ untold }) => untold.includes(channel));
    if (news.length === 0 || !(await tools.tell(channel, news, state))) continue;
    for (const item of news)
      state = withItem(state, { ...item, untold: item.untold.filter((one) => one !== channel) });
    await tools.save(state);
  }
  return state;
}

/** The most updates that a notice lists. */
const MAX_LISTED = 500;

/** Returns a notice for people as a mail, in the form that sendmail(8) reads. */
export function mailText(
  to: string,
  news: readonly FollowItem[],
  lines: readonly string[],
  now: Instant,
): string {
  const waiting = news.filter(({ state }) => state.kind === "waiting").length;
  const subject =
    waiting > 0 ? `${counted(waiting, "update")} to sign` : `news of ${counted(news.length, "update")}`;
  const listed = lines.slice(0, MAX_LISTED);
  const more = lines.length - listed.length;
  return [
    `To: ${to}`,
    `Subject: rebootless: ${subject}`,
    `Date: ${new Date(now).toUTCString().replace("GMT", "+0000")}`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "Auto-Submitted: auto-generated",
    "",
    ...listed,
    ...(more > 0 ? [`and ${more} more, which status.json has`] : []),
    "",
  ].join("\n");
}
