import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Entry } from "./entry.ts";
import type { Query } from "./query.ts";
import { type Row, sqlCatalogue } from "./sql.ts";

/** The one object that knows every kernel. Methods, not fields: only those can be called from outside. */
export class CatalogueObject extends DurableObject implements Catalogue {
  readonly #catalogue: Catalogue;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    const { sql } = this.ctx.storage;
    this.#catalogue = sqlCatalogue((statement, ...values) =>
      sql.exec<Record<string, Row[string]>>(statement, ...values).toArray(),
    );
  }

  record(entries: readonly Entry[]) {
    return this.#catalogue.record(entries);
  }
  versions(ids: readonly BuildId[]) {
    return this.#catalogue.versions(ids);
  }
  kernels(query: Query, after: BuildId | null) {
    return this.#catalogue.kernels(query, after);
  }
  update(id: UpdateId) {
    return this.#catalogue.update(id);
  }
  updatesFor(cve: string) {
    return this.#catalogue.updatesFor(cve);
  }
  kernelsWith(update: UpdateId, after: BuildId | null) {
    return this.#catalogue.kernelsWith(update, after);
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

/** A stub serves the request in which it was made and no other: each call makes its own. */
export function catalogueOf(namespace: DurableObjectNamespace<CatalogueObject>): Catalogue {
  // Plain data has the same shape on both sides; the types of RPC say so less simply.
  const object = () => namespace.get(namespace.idFromName("catalogue")) as unknown as Catalogue;
  return {
    record: (entries) => object().record(entries),
    versions: (ids) => object().versions(ids),
    kernels: (query, after) => object().kernels(query, after),
    update: (id) => object().update(id),
    updatesFor: (cve) => object().updatesFor(cve),
    kernelsWith: (update, after) => object().kernelsWith(update, after),
    changes: () => object().changes(),
    changedSince: (cursor) => object().changedSince(cursor),
    totals: () => object().totals(),
  };
}
