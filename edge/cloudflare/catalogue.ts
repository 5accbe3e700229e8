import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import type { HoldingPosition } from "../catalogue/cursors.ts";
import type { KernelEntry } from "../catalogue/entry.ts";
import type { Query } from "../catalogue/query.ts";
import { sqlCatalogue } from "../catalogue/sql_catalogue.ts";
import type { Row } from "../catalogue/sql_tables.ts";

/** The one object that knows every kernel. It has methods, not fields, because only methods can be called from outside. */
export class CatalogueObject extends DurableObject implements Catalogue {
  readonly #catalogue: Catalogue;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { sql } = this.ctx.storage;
    this.#catalogue = sqlCatalogue((statement, ...values) =>
      sql.exec<Record<string, Row[string]>>(statement, ...values).toArray(),
    );
  }

  record(entries: readonly KernelEntry[]) {
    return this.#catalogue.record(entries);
  }
  versions(ids: readonly BuildId[]) {
    return this.#catalogue.versions(ids);
  }
  entry(id: BuildId, max: number) {
    return this.#catalogue.entry(id, max);
  }
  kernels(query: Query, after: BuildId | null) {
    return this.#catalogue.kernels(query, after);
  }
  updates(query: Query) {
    return this.#catalogue.updates(query);
  }
  holdersOf(id: UpdateId, after: HoldingPosition | null) {
    return this.#catalogue.holdersOf(id, after);
  }
  fixesOf(cve: string, after: HoldingPosition | null) {
    return this.#catalogue.fixesOf(cve, after);
  }
  cves(after: string | null) {
    return this.#catalogue.cves(after);
  }
  changes() {
    return this.#catalogue.changes();
  }
  changedSince(cursor: string | null) {
    return this.#catalogue.changedSince(cursor);
  }
  totals() {
    return this.#catalogue.totals();
  }
}

/** Returns a catalogue that makes a stub for each call: a stub only works in the request that made it. */
export function catalogueOf(namespace: DurableObjectNamespace<CatalogueObject>): Catalogue {
  // Plain data has the same shape on both sides, which the types of RPC do not express.
  const object = () => namespace.get(namespace.idFromName("catalogue")) as unknown as Catalogue;
  return {
    record: (entries) => object().record(entries),
    versions: (ids) => object().versions(ids),
    entry: (id, max) => object().entry(id, max),
    kernels: (query, after) => object().kernels(query, after),
    updates: (query) => object().updates(query),
    holdersOf: (id, after) => object().holdersOf(id, after),
    fixesOf: (cve, after) => object().fixesOf(cve, after),
    cves: (after) => object().cves(after),
    changes: () => object().changes(),
    changedSince: (cursor) => object().changedSince(cursor),
    totals: () => object().totals(),
  };
}
