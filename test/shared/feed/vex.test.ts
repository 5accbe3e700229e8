import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type UpdateId, updateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { kernelPurl, vexDocument, vexStatements } from "../../../shared/feed/vex.ts";
import { encodeJson } from "../../../shared/json.ts";
import { instant } from "../../../shared/time.ts";
import { ID, type Relations, sampleUpdate } from "./sample.ts";

const kernel = { buildId: ID, release: "6.1.0-37-cloud-amd64", architecture: "x86_64" };
const A = "CVE-2026-1000";
const B = "CVE-2026-2000";

const update = (id: string, cves: readonly string[], relations: Relations = {}): Update => ({
  ...sampleUpdate(id, relations),
  cves,
});
const applied = (...ids: readonly string[]) =>
  new Map<UpdateId, readonly string[]>(ids.map((id) => [updateId(id), []]));

interface Statement {
  readonly vulnerability: { readonly name: string };
  readonly products: readonly { readonly "@id": string; readonly identifiers: { readonly purl: string } }[];
  readonly status: string;
  readonly status_notes?: string;
  readonly action_statement?: string;
}

function stated(
  updates: readonly Update[],
  standing: ReadonlyMap<UpdateId, readonly string[]>,
  products: string[] = [],
) {
  const statements = vexStatements({ kernel, updates, applied: standing, products });
  return JSON.parse(Buffer.from(encodeJson(statements)).toString()) as Statement[];
}
const statuses = (...args: Parameters<typeof stated>) =>
  Object.fromEntries(stated(...args).map((one) => [one.vulnerability.name, one.status]));

describe("what is stated of a CVE", () => {
  it("affected, and what to do, while its update is not applied", () => {
    expect(stated([update("fix-1", [B, A])], applied())).toEqual(
      [A, B].map((name) =>
        expect.objectContaining({
          vulnerability: { name },
          status: "affected",
          action_statement: "Apply fix-1: run `rebootless upgrade`.",
        }),
      ),
    );
  });

  it("fixed, and by what, when it is", () => {
    expect(stated([update("fix-1", [A])], applied("fix-1"))).toMatchObject([
      { status: "fixed", status_notes: "Fixed in memory by fix-1." },
    ]);
  });

  it("fixed, with the objects that are not there to be affected", () => {
    const standing = new Map([[updateId("fix-1"), ["nf_tables", "btrfs"]]]);
    expect(stated([update("fix-1", [A])], standing)[0]?.status_notes).toBe(
      "Fixed in memory by fix-1; not loaded, and so not running: btrfs, nf_tables.",
    );
  });

  it("affected until every update that names it stands", () => {
    const both = [update("fix-1", [A]), update("fix-2", [A, B])];
    expect(statuses(both, applied("fix-1"))).toEqual({ [A]: "affected", [B]: "affected" });
    expect(stated(both, applied("fix-1"))[0]?.action_statement).toContain("Apply fix-2:");
    expect(statuses(both, applied("fix-1", "fix-2"))).toEqual({ [A]: "fixed", [B]: "fixed" });
  });

  it("fixed by what supersedes its update, named or not", () => {
    const updates = [update("fix-1", [A]), update("all-2", [B], { supersedes: ["fix-1"] })];
    expect(stated(updates, applied("all-2"))).toMatchObject([
      { vulnerability: { name: A }, status: "fixed", status_notes: "Fixed in memory by all-2." },
      { vulnerability: { name: B }, status: "fixed" },
    ]);
  });

  it("fixed still, when a newer update would only take the place of the one that fixed it", () => {
    const updates = [update("all-1", [A]), update("all-2", [A, B], { supersedes: ["all-1"] })];
    expect(statuses(updates, applied("all-1"))).toEqual({ [A]: "fixed", [B]: "affected" });
  });

  it("nobody knows, when the update that is applied was recalled", () => {
    const updates = [update("fix-1", [A], { recalled: "it leaks" })];
    expect(stated(updates, applied("fix-1"))).toMatchObject([
      { status: "under_investigation", status_notes: expect.stringContaining("it leaks") },
    ]);
    expect(stated(updates, applied())).toMatchObject([
      { status: "affected", action_statement: expect.stringContaining("Boot a kernel") },
    ]);
  });

  it("fixed, when a good update stands beside a recalled one", () => {
    const updates = [update("fix-1", [A], { recalled: "it leaks" }), update("fix-2", [A])];
    expect(statuses(updates, applied("fix-2"))).toEqual({ [A]: "fixed" });
    expect(statuses(updates, applied("fix-1", "fix-2"))).toEqual({ [A]: "fixed" });
    expect(statuses(updates, applied("fix-1"))).toEqual({ [A]: "under_investigation" });
  });

  it("nothing, where no update names a CVE", () => {
    expect(stated([update("fix-1", [])], applied())).toEqual([]);
  });
});

describe("the kernel's names", () => {
  it("are a package URL with its build, and those that the caller knows", () => {
    const debian = "pkg:deb/debian/linux-image-6.1.0-37-cloud-amd64@6.1.140-1?arch=amd64";
    const own = `pkg:generic/linux@6.1.0-37-cloud-amd64?arch=x86_64&build_id=${ID}`;
    expect(stated([update("fix-1", [A])], applied(), [debian])[0]?.products).toEqual([
      { "@id": own, identifiers: { purl: own } },
      { "@id": debian, identifiers: { purl: debian } },
    ]);
  });

  it("are escaped", () => {
    expect(kernelPurl({ ...kernel, release: "6.1+deb?x&y@z" })).toContain(
      "/linux@6.1%2Bdeb%3Fx%26y%40z?arch=",
    );
  });
});

describe("the document", () => {
  const MEMBERS = ["@context", "@id", "author", "timestamp", "version", "tooling", "statements"];
  const heading = {
    id: "urn:x",
    author: "rebootless",
    tooling: "rebootless 1",
    timestamp: instant(0),
    version: 3,
  };

  it("has what OpenVEX 0.2.0 requires of every document and statement, and nothing else", () => {
    const ids = fc.constantFrom("a-1", "b-2", "c-3", "d-4");
    const related = fc.record({
      cves: fc.uniqueArray(fc.constantFrom(A, B, "CVE-2026-3000"), { minLength: 1 }),
      supersedes: fc.uniqueArray(ids),
      recalled: fc.option(fc.constant("bad")),
    });
    fc.assert(
      fc.property(
        fc.dictionary(ids, related, { minKeys: 1, noNullPrototype: true }),
        fc.uniqueArray(ids),
        (all, standing) => {
          const updates = Object.entries(all).map(([id, { cves, ...relations }]) =>
            update(id, cves, relations),
          );
          const statements = vexStatements({ kernel, updates, applied: applied(...standing), products: [] });
          const document = JSON.parse(Buffer.from(encodeJson(vexDocument(heading, statements))).toString());
          expect(Object.keys(document)).toEqual(MEMBERS);
          expect(document).toMatchObject({
            "@context": "https://openvex.dev/ns/v0.2.0",
            timestamp: "1970-01-01T00:00:00Z",
            version: 3,
          });
          expect(document.statements.length).toBeGreaterThan(0);
          for (const one of document.statements as Statement[]) {
            const { vulnerability, products, status, status_notes, action_statement, ...others } = one;
            expect(others).toEqual({});
            expect(vulnerability.name).toMatch(/^CVE-/);
            expect(products.length).toBe(1);
            expect(["affected", "fixed", "under_investigation"]).toContain(status);
            if (status === "affected") expect(action_statement).toMatch(/\.$/);
            else expect(status_notes).toBeTruthy();
            if (standing.length === 0) expect(status).toBe("affected");
          }
          const names = (document.statements as Statement[]).map((one) => one.vulnerability.name);
          expect(names).toEqual([...new Set(names)].sort());
        },
      ),
    );
  });
});
