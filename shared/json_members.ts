/**
 * The most members that an object keeps in a list. Larger objects use a Map, which finds each member at once.
 */
export const FEW_MEMBERS = 16;

/**
 * The few members of a parsed object, in their order. They take a third of the memory of a Map. All objects
 * with the same names may share `names`.
 */
export class JsonMembers<V> implements ReadonlyMap<string, V> {
  readonly #names: readonly string[];
  readonly #values: readonly V[];

  /** @param names each name once, as many as there are values. */
  constructor(names: readonly string[], values: readonly V[]) {
    this.#names = names;
    this.#values = values;
  }

  get size(): number {
    return this.#names.length;
  }

  get(name: string): V | undefined {
    const at = this.#names.indexOf(name);
    return at < 0 ? undefined : this.#values[at];
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  keys(): MapIterator<string> {
    return this.#names.values();
  }

  values(): MapIterator<V> {
    return this.#values.values();
  }

  entries(): MapIterator<[string, V]> {
    return this.#names.map((name, i): [string, V] => [name, this.#values[i] as V]).values();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, name: string, all: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this.entries()) visit(value, name, this);
  }
}
