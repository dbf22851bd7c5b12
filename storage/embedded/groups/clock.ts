/**
 * Time as groups see it: what o'clock it is, and a call later. Tests put a clock in its place that they turn themselves.
 */
export interface Timer {
  /** The call is not made any more. Harmless after it was. */
  clear (): void
}

export interface GroupClock {
  /** Ms since the epoch. */
  now (): number
  setTimer (ms: number, run: () => void): Timer
}

export const realClock: GroupClock = {
  now: () => Date.now(),
  setTimer (ms, run) {
    const timer = setTimeout(run, ms)
    return { clear: () => clearTimeout(timer) }
  }
}
