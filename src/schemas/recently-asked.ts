/**
 * What nobody knew when it was asked for a moment ago: so that a stranger who makes up ids does not have the log read on for each.
 */
const FOR_MS = 1500
const MAX = 1000

export class RecentlyAsked {
  /** Until when each is not asked for again. */
  readonly #until = new Map<number | string, number>()

  has (id: number | string): boolean {
    return performance.now() < (this.#until.get(id) ?? 0)
  }

  /** From now on for a while. */
  add (id: number | string): void {
    this.#until.delete(id)
    if (this.#until.size >= MAX) this.#until.delete(this.#until.keys().next().value!)
    this.#until.set(id, performance.now() + FOR_MS)
  }
}
