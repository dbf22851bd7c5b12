/**
 * How many of something each principal has: to know when it is enough.
 */
import { anonymous, formatPrincipal, type Principal } from '../../protocol/rpc.ts'

export class Tally {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  constructor (max: number) {
    this.#max = max
  }

  /** False, and nothing is counted, if that principal has enough. The anonymous are not counted: they are many. */
  add (principal: Principal): boolean {
    if (principal === anonymous) return true
    const name = formatPrincipal(principal)
    const count = this.#counts.get(name) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(name, count + 1)
    return true
  }

  remove (principal: Principal): void {
    const name = formatPrincipal(principal)
    const count = this.#counts.get(name) ?? 0
    if (count > 1) this.#counts.set(name, count - 1)
    else this.#counts.delete(name)
  }
}
