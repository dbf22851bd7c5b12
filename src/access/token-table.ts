/**
 * The delegation tokens that there are, expired ones among them until they are swept.
 */
import type { DelegationToken } from './model.ts'

export class TokenTable {
  readonly #tokens = new Map<string, DelegationToken>()
  #revision = 0

  get size (): number { return this.#tokens.size }
  /** Grows with every change. */
  get revision (): number { return this.#revision }

  get (id: string): DelegationToken | undefined {
    return this.#tokens.get(id)
  }

  has (id: string): boolean {
    return this.#tokens.has(id)
  }

  /** Null removes it. */
  set (id: string, token: DelegationToken | null): void {
    if (token === null) this.#tokens.delete(id)
    else this.#tokens.set(id, token)
    this.#revision++
  }

  [Symbol.iterator] (): IterableIterator<DelegationToken> {
    return this.#tokens.values()
  }
}
