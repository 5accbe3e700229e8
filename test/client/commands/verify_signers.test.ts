import { afterEach, beforeEach, expect, it } from "vitest";
import { firstRoot } from "../../../publisher/keys/root.ts";
import { instant } from "../../../shared/time.ts";
import { type Ceremony, ceremony } from "../../support/edge/repository.ts";
import { SmallHost } from "./small_host.ts";

/* Run in this process, as the kernel it would find is the machine's. */

const NOW = instant(Date.UTC(2036, 5, 1));
const groups = (id: string): string => (id.match(/.{4}/g) ?? []).join(" ");

let made: Ceremony;
let host: SmallHost;

beforeEach(async () => {
  const plain = await ceremony(NOW);
  const owned = plain.keys.targets.map((key, i) => ({
    ...key,
    key: { ...key.key, ...(i === 0 && { owner: "Alice Example" }) },
  }));
  const keys = { ...plain.keys, targets: owned };
  made = { ...plain, keys, root: firstRoot({ ...plain, keys }, () => NOW) };
  host = await SmallHost.make(made);
});
afterEach(() => host.remove());

it("whoever verifies something sees who signed it, by name and with ids to be compared", async () => {
  const folder = await host.folder("feed", await host.feedJson());
  await host.configure(`feed = "${folder}"\n`);
  const said = await host.run("verify", folder);
  const lines = said.stdout.split("\n");
  const [alice, other] = made.keys.targets.map(({ id }) => id);
  expect(lines).toContain(`    signed   ${groups(alice ?? "")}  Alice Example`);
  expect(lines).toContain(`    signed   ${groups(other ?? "")}`);
  const program = await host.run("--json", "verify", folder);
  const { verified } = JSON.parse(program.stdout);
  const targets = verified[0].roles.find(({ role }: { role: string }) => role === "targets");
  expect(targets.signers).toEqual([alice, other]);
  expect(targets.owners).toEqual({ [alice ?? ""]: "Alice Example" });
});
