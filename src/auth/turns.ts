/**
 * Work that waits its turn: so much at a time, so much waiting, and those who bring much do not hold up those who bring
 * little.
 */
export interface TurnLimits {
  /** How much is done at a time. */
  readonly atOnce: number
  /** How much may wait. */
  readonly waiting: number
  /** How much of that may be of one origin. */
  readonly waitingEach: number
}

export class Turns {
  readonly #limits: TurnLimits
  /** By origin, in the order in which they are next: an origin that was served goes to the end. */
  readonly #queues = new Map<string, (() => void)[]>()
  #running = 0
  #waiting = 0

  constructor (limits: TurnLimits) {
    this.#limits = limits
  }

  get running (): number { return this.#running }
  get waiting (): number { return this.#waiting }

  /** Null if there is no room to wait in: nothing was done, and nothing will be. */
  run<T> (origin: string, work: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.#limits.atOnce) return this.#work(work)
    const queue = this.#queues.get(origin) ?? []
    if (this.#waiting >= this.#limits.waiting || queue.length >= this.#limits.waitingEach) return null
    const { promise, resolve } = Promise.withResolvers<void>()
    queue.push(resolve)
    this.#queues.set(origin, queue)
    this.#waiting++
    return promise.then(() => this.#work(work, true))
  }

  /** `handedOver`: its place was kept by whoever had it before. */
  async #work<T> (work: () => Promise<T>, handedOver = false): Promise<T> {
    if (!handedOver) this.#running++
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  #next (): void {
    const [first] = this.#queues
    if (first === undefined) {
      this.#running--
      return
    }
    const [origin, queue] = first
    this.#queues.delete(origin)
    const start = queue.shift()!
    if (queue.length > 0) this.#queues.set(origin, queue)
    this.#waiting--
    start()
  }
}
