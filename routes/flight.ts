/**
 * Gathers what arrives while the batch before it is on its way. One batch is under way at a time, so order is kept; what
 * comes slowly goes out at once, what comes fast goes out in large batches, and no clock is involved.
 */

/** What one batch holds at most, unless a single item is larger. Many small records would hold up the event loop. */
const MAX_ITEMS = 2_000
const MAX_BYTES = 512 * 1024

export class Flight<T> {
  readonly #send: (batch: readonly T[]) => Promise<void>
  #batch: T[] = []
  #bytes = 0
  #underWay: Promise<void> | null = null
  #failure: { readonly error: unknown } | null = null
  readonly #failed = new AbortController()

  /** Once `send` has rejected, nothing more is sent and everything here rejects with its error. */
  constructor (send: (batch: readonly T[]) => Promise<void>) {
    this.#send = send
  }

  /** Aborted when `send` has rejected: whoever waits for more to arrive need not. */
  get failed (): AbortSignal {
    return this.#failed.signal
  }

  /** Whether `room` has to be awaited before more is added, and before this item. */
  isFull (bytes: number): boolean {
    return this.#batch.length >= MAX_ITEMS || (this.#batch.length > 0 && this.#bytes + bytes > MAX_BYTES)
  }

  add (item: T, bytes: number): void {
    this.#batch.push(item)
    this.#bytes += bytes
  }

  /** Sends what is there, unless something is under way: then it goes when that has arrived. */
  go (): void {
    if (this.#underWay !== null || this.#batch.length === 0 || this.#failure !== null) return
    const batch = this.#batch
    this.#batch = []
    this.#bytes = 0
    this.#underWay = this.#send(batch).then(() => {
      this.#underWay = null
      this.go()
    }, (error: unknown) => {
      this.#underWay = null
      this.#failure = { error }
      this.#failed.abort()
    })
  }

  /** Sends the full batch; resolves when the next one may be filled. */
  async room (): Promise<void> {
    await this.#underWay
    this.#throwIfFailed()
    this.go()
  }

  /** Resolves when everything has arrived. */
  async done (): Promise<void> {
    this.go()
    while (this.#underWay !== null) await this.#underWay
    this.#throwIfFailed()
  }

  #throwIfFailed (): void {
    if (this.#failure !== null) throw this.#failure.error
  }
}
