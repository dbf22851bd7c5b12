/**
 * One thing at a time at the end of a log: rounds of writes for as long as there is something to write, and between them
 * whatever must have the last segment to itself.
 */
export class Turns {
  readonly #hasMore: () => boolean
  readonly #round: () => Promise<void>
  readonly #exclusive: (() => Promise<void>)[] = []
  #isRunning = false

  /** `round` writes what there is, and does not reject. */
  constructor (hasMore: () => boolean, round: () => Promise<void>) {
    this.#hasMore = hasMore
    this.#round = round
  }

  /** Begins after this turn of the event loop, unless it is under way: requests that came together go out together. */
  wake (): void {
    if (this.#isRunning) return
    this.#isRunning = true
    setImmediate(this.#run)
  }

  /** Runs `work` when nothing is being written, and keeps writes waiting until it is done. */
  alone<T> (work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#exclusive.push(() => work().then(resolve, reject))
      this.wake()
    })
  }

  readonly #run = async (): Promise<void> => {
    while (this.#exclusive.length > 0 || this.#hasMore()) {
      const work = this.#exclusive.shift()
      await (work === undefined ? this.#round() : work())
    }
    this.#isRunning = false
  }
}
