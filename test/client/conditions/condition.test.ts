import { describe, expect, it } from "vitest";
import {
  type Condition,
  type ConditionName,
  endLine,
  MAX_CONDITIONS,
  type Observation,
  toSay,
  updateConditions,
} from "../../../client/conditions/condition.ts";
import { DAY, HOUR, instant, MINUTE } from "../../../shared/time.ts";

const T = instant(Date.UTC(2036, 5, 1));
const at = (milliseconds: number) => instant(T + milliseconds);
const observed = (name: ConditionName, subject = ""): Observation => ({ name, subject, detail: "why" });
const lasting = (name: ConditionName, more: Partial<Condition> = {}): Condition => ({
  ...observed(name),
  since: T,
  said: T,
  ended: null,
  ...more,
});
const run = (
  before: readonly Condition[],
  all: readonly Observation[],
  complete: readonly ConditionName[],
  now = at(HOUR),
) => updateConditions(before, { observed: all, complete: new Set(complete) }, now);

describe("what lasts", () => {
  it("goes on as long as it is observed, and while nobody looked", () => {
    const before = [lasting("failed")];
    expect(run(before, [observed("failed")], [])).toEqual(before);
    expect(run(before, [], [])).toEqual(before);
    expect(run(before, [], ["failed"])).toEqual([{ ...before[0], ended: at(HOUR) }]);
  });

  it("is told apart by what it is about", () => {
    const [one, other] = run(
      [lasting("recalled", { subject: "a" })],
      [observed("recalled", "b")],
      ["recalled"],
    );
    expect(one).toMatchObject({ subject: "a", ended: at(HOUR) });
    expect(other).toMatchObject({ subject: "b", since: at(HOUR), said: null, ended: null });
  });

  it("that comes back before anybody was told of its end is not told of again", () => {
    const [back] = run([lasting("unreachable", { ended: at(MINUTE) })], [observed("unreachable")], []);
    expect(back).toMatchObject({ since: at(HOUR), said: T, ended: null });
  });

  it("is bounded", () => {
    const many = Array.from({ length: 2 * MAX_CONDITIONS }, (_, i) => observed("warning", String(i)));
    expect(run([], many, [])).toHaveLength(MAX_CONDITIONS);
  });
});

describe("what a run by the clock says", () => {
  it("is what began, and what is over that it said before", () => {
    const unsaid = lasting("failed", { said: null });
    const over = lasting("unreachable", { ended: at(HOUR) });
    const silent = lasting("not_covered", { said: null, ended: at(HOUR) });
    const ends = lasting("warning", { ended: at(HOUR) });
    const { rest, ...say } = toSay([unsaid, over, silent, ends], at(HOUR));
    expect(say).toEqual({ begun: [unsaid], over: [over] });
    expect(rest).toEqual([{ ...unsaid, said: at(HOUR) }]);
  });

  it.each<[string, ConditionName, number, number]>([
    ["urgent within a day", "failed", DAY - 1, 0],
    ["urgent after a day", "failed", DAY, 1],
    ["urgent, where the clock went back", "failed", -HOUR, 1],
    ["suffered for weeks", "unreachable", 30 * DAY, 0],
  ])("of what was said and is %s", (_, name, passed, count) => {
    expect(toSay([lasting(name)], at(passed)).begun).toHaveLength(count);
  });

  it("tells how long it took, and nothing below nothing where the clock went back", () => {
    expect(endLine(lasting("unreachable", { ended: at(26 * HOUR + MINUTE) }))).toMatch(/, after 26h$/);
    expect(endLine(lasting("unreachable", { ended: at(-HOUR) }))).toMatch(/, after 0s$/);
  });
});
