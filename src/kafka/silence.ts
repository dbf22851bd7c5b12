/**
 * How long a connection has been silent, counted in sweeps of the listener rather than by a clock: a process that was
 * suspended for an hour wakes up without taking every one of its clients for dead, and nothing is read or set per request.
 */

/** Limits, in sweeps. */
export interface SilenceLimits {
  readonly idleTicks: number
  readonly partialFrameTicks: number
  /** What must arrive of an unfinished frame within `partialFrameTicks`: a trickle is no progress. */
  readonly partialFrameBytes: number
  /** How long a peer that was told to go may take. */
  readonly lingerTicks: number
}

/** A frame that memory is reserved for has so many times `partialFrameTicks` to arrive in. */
const RESERVED_PERIODS = 20

export class Silence {
  readonly #limits: SilenceLimits
  #ticks = 0
  #partialTicks = 0
  #partialBytes = 0

  constructor (limits: SilenceLimits) {
    this.#limits = limits
  }

  /** Something came in, or went out. */
  broken (receivedBytes = 0): void {
    this.#ticks = 0
    this.#partialBytes += receivedBytes
  }

  /** A frame is complete: the next one has the whole time for itself. */
  frameComplete (): void {
    this.#partialTicks = 0
    this.#partialBytes = 0
  }

  /** One sweep. `inFrame`: the peer owes us the rest of a frame, for which `reservedBytes` are kept from others. */
  tick (inFrame: boolean, reservedBytes = 0): 'idle' | 'partial_frame' | null {
    const { idleTicks, partialFrameTicks, partialFrameBytes } = this.#limits
    if (++this.#ticks >= idleTicks) return 'idle'
    if (!inFrame || ++this.#partialTicks < partialFrameTicks) return null
    const stalled = this.#partialBytes < Math.max(partialFrameBytes, reservedBytes / RESERVED_PERIODS)
    this.frameComplete()
    return stalled ? 'partial_frame' : null
  }

  /** One sweep after our last word: whether the peer has had long enough to hang up. */
  tickAfterEnd (): boolean {
    return ++this.#ticks >= this.#limits.lingerTicks
  }
}
