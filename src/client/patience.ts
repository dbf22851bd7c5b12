/**
 * How long one wait lasts: until a time, or until one of several signals. Not AbortSignal.any and AbortSignal.timeout, because
 * this one leaves nothing behind on signals that live long.
 */

/** One for all: an error made for each wait would cost more than the wait. */
const OVER = new Error('nobody waits any longer')

export class Patience {
  readonly #over = new AbortController()
  readonly #signals: readonly AbortSignal[]
  readonly #timer: NodeJS.Timeout | undefined
  readonly #end = (): void => {
    if (!this.#over.signal.aborted) this.#over.abort(OVER)
  }

  constructor (ms: number, ...signals: readonly AbortSignal[]) {
    this.#signals = signals
    if (ms <= 0 || signals.some(({ aborted }) => aborted)) {
      this.#end()
      return
    }
    this.#timer = setTimeout(this.#end, ms)
    for (const signal of signals) signal.addEventListener('abort', this.#end)
  }

  /** Aborted when the wait is over. */
  get signal (): AbortSignal {
    return this.#over.signal
  }

  /** Resolves when the wait is over, or after `ms`. */
  async pass (ms = Infinity): Promise<void> {
    const { signal } = this
    if (signal.aborted) return
    await new Promise<void>(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = ms === Infinity ? undefined : setTimeout(done, ms)
      signal.addEventListener('abort', done)
    })
  }

  /** To be called when nobody waits for it any more. */
  release (): void {
    clearTimeout(this.#timer)
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#end)
  }
}

/** One at a time, in the order in which they came. */
export class Turns {
  #isTaken = false
  readonly #waiting = new Set<() => void>()

  /** Resolves to what ends the turn, once those before have ended; to null if the patience is over first. */
  async next (patience: Patience): Promise<(() => void) | null> {
    if (this.#isTaken) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await Promise.race([promise, patience.pass()])
      // Whoever is still in the queue has not been called.
      if (this.#waiting.delete(resolve)) return null
    }
    this.#isTaken = true
    return () => this.#end()
  }

  /** The turn passes to the next one at once, so that nobody can come in between. */
  #end (): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#isTaken = false
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
