import fc from "fast-check";
import {
  type BootId,
  bootId,
  type Event,
  type Intent,
  type IntentOutcome,
} from "../../../client/journal/record.ts";
import { objectName, updateId } from "../../../shared/brand.ts";
import { instant } from "../../../shared/time.ts";

export const boot = (n: number): BootId => bootId(`00000000-0000-4000-8000-${String(n).padStart(12, "0")}`);
export const NOW = instant(Date.UTC(2026, 10, 21));

export const intent = (act: Intent["act"], id: string, more: Partial<Intent> = {}): Intent => ({
  kind: "intent",
  act,
  id: updateId(id),
  module: objectName(`livepatch_${id}`),
  pending: [],
  replaces: [],
  ...more,
});

export const outcome = (act: Intent["act"], id: string, cause = ""): IntentOutcome => ({
  kind: "outcome",
  act,
  id: updateId(id),
  done: cause === "",
  cause,
  detail: cause && `because of ${cause}`,
  milliseconds: 12,
});

const name = fc.constantFrom("a", "b", "c", "d").map(updateId);
const modules = fc.uniqueArray(fc.constantFrom("kvm", "nfs", "ext4").map(objectName), { maxLength: 2 });

/** What a client writes for one change: the intent, and mostly how it ended. */
const anyChange: fc.Arbitrary<readonly Event[]> = fc
  .record({
    act: fc.constantFrom<Intent["act"]>("apply", "undo"),
    id: name,
    pending: modules,
    replaces: fc.uniqueArray(name, { maxLength: 2 }),
    end: fc.constantFrom("done", "code_busy", "down"),
  })
  .map(({ act, id, pending, replaces, end }) => {
    const begun = intent(act, id, { pending, replaces });
    return end === "down" ? [begun] : [begun, outcome(act, id, end === "done" ? "" : end)];
  });
const anyOther: fc.Arbitrary<readonly Event[]> = fc.oneof(
  fc.record({ kind: fc.constant("released" as const), id: name }).map((event) => [event]),
  fc.record({ kind: fc.constant("matched" as const), id: name, objects: modules }).map((event) => [event]),
);

/** Boots of a host, and what was written in each; only the last thing in a boot can lack its outcome. */
export const anyHistory = fc
  .array(
    fc.array(fc.oneof({ weight: 4, arbitrary: anyChange }, { weight: 1, arbitrary: anyOther }), {
      maxLength: 6,
    }),
    {
      maxLength: 4,
    },
  )
  .map((boots) =>
    boots.flatMap((changes, n) =>
      changes
        .filter(
          ([first], i) => i === changes.length - 1 || first?.kind !== "intent" || changes[i]?.length === 2,
        )
        .flatMap((events) => events.map((event) => ({ ...event, at: NOW, boot: boot(n) }))),
    ),
  );
