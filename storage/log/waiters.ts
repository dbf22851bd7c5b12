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
  #end: Error | null = null

  constructor (reached: number) {
    this.#reached = reached
  }

  get reached (): number {
    return this.#reached
  }

  /** Resolves when everything before `offset` has been reached. */
  until (offset: number): Promise<void> {
    if (offset <= this.#reached) return Promise.resolve()
    if (this.#end !== null) return Promise.reject(this.#end)
    return new Promise((resolve, reject) => {
      // Nearly always the last one; but a batch that is sent twice is waited for by its old offset.
      let at = this.#waiting.length
      while (at > 0 && this.#waiting[at - 1]!.offset > offset) at--
      this.#waiting.splice(at, 0, { offset, resolve, reject })
    })
  }

  reach (offset: number): void {
    this.#reached = offset
    let count = 0
    while (count < this.#waiting.length && this.#waiting[count]!.offset <= offset) this.#waiting[count++]!.resolve()
    if (count > 0) this.#waiting.splice(0, count)
  }

  /** Rejects those who wait for more than `offset`: it will not come. */
  refuse (error: Error, offset = this.#reached): void {
    let first = this.#waiting.length
    while (first > 0 && this.#waiting[first - 1]!.offset > offset) first--
    for (const { reject } of this.#waiting.splice(first)) reject(error)
  }

  /** Nothing more will be reached, neither for those who wait nor for those who come later. */
  end (error: Error): void {
    this.#end = error
    this.refuse(error)
  }
}
