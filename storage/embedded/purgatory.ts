/**
 * Where long polls wait. A fetch that found too little waits on its partitions until enough has been committed to them,
 * its time is up, its peer has left or one of the partitions is gone.
 */

export type WakeReason = 'data' | 'timeout' | 'aborted' | 'gone'

/** The waiting fetches of one partition. */
export class WaitingRoom {
  readonly #waiting = new Set<Wait>()
  #isGone = false

  get size (): number {
    return this.#waiting.size
  }

  /** Whether there is nothing more to wait for. */
  get isGone (): boolean {
    return this.#isGone
  }

  enter (wait: Wait): void {
    this.#waiting.add(wait)
  }

  leave (wait: Wait): void {
    this.#waiting.delete(wait)
  }

  /** `bytes` more can be read. */
  committed (bytes: number): void {
    for (const wait of this.#waiting) wait.committed(bytes)
  }

  /** The partition will not be read any more. */
  gone (): void {
    this.#isGone = true
    for (const wait of this.#waiting) wait.end('gone')
  }
}

class Wait {
  readonly #rooms: readonly WaitingRoom[]
  readonly #resolve: (reason: WakeReason) => void
  readonly #signal: AbortSignal
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = (): void => this.end('aborted')
  #missingBytes: number

  constructor (rooms: readonly WaitingRoom[], bytes: number, ms: number, signal: AbortSignal, resolve: (reason: WakeReason) => void) {
    this.#rooms = rooms
    this.#missingBytes = bytes
    this.#resolve = resolve
    this.#signal = signal
    this.#timer = setTimeout(() => this.end('timeout'), ms)
    signal.addEventListener('abort', this.#onAbort, { once: true })
    for (const room of rooms) room.enter(this)
  }

  committed (bytes: number): void {
    this.#missingBytes -= bytes
    if (this.#missingBytes <= 0) this.end('data')
  }

  end (reason: WakeReason): void {
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#onAbort)
    for (const room of this.#rooms) room.leave(this)
    this.#resolve(reason)
  }
}

/** Waits for `bytes` more in all the rooms together, for at most `ms`. */
export function waitFor (rooms: readonly WaitingRoom[], bytes: number, ms: number, signal: AbortSignal): Promise<WakeReason> {
  if (signal.aborted) return Promise.resolve('aborted')
  if (rooms.some(room => room.isGone)) return Promise.resolve('gone')
  return new Promise(resolve => new Wait(rooms, bytes, ms, signal, resolve))
}
