/**
 * A map that forgets what was set longest ago rather than grow for ever.
 */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #limit: number

  constructor (limit: number) {
    this.#limit = limit
  }

  get size (): number { return this.#entries.size }
  get (key: K): V | undefined { return this.#entries.get(key) }
  delete (key: K): boolean { return this.#entries.delete(key) }
  clear (): void { this.#entries.clear() }

  set (key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!)
  }
}
