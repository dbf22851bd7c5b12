/**
 * Callers who wait until the log has come as far as a certain offset, in the order of their offsets.
 */
interface Waiter {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class Waiters {
  #reached: number
  #waiting: Waiter[] = []

  constructor (reached: number) {
    this.#reached = reached
  }

  get reached (): number {
    return this.#reached
  }

  /** Resolves when everything before `offset` has been reached. */
  until (offset: number): Promise<void> {
    if (offset <= this.#reached) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiting.push({ offset, resolve, reject }))
  }

  reach (offset: number): void {
    this.#reached = offset
    let count = 0
    while (count < this.#waiting.length && this.#waiting[count]!.offset <= offset) this.#waiting[count++]!.resolve()
    if (count > 0) this.#waiting.splice(0, count)
  }

  /** What the others wait for will not come. */
  refuse (error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
