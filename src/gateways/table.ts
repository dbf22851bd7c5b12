/**
 * Which gateways there are, and which of them take clients: those that were heard of lately. Clocks of other machines are
 * not asked: what counts is when a record was read here.
 */
import type { LoggedEntry } from '../state/topic.ts'
import { nodeIdOf, parseRecord, type Address, type GatewayRecord } from './record.ts'

/** Who was silent for so long is gone. */
export const LIVE_MS = 4000
/** While nothing can be read, nobody's silence means anything: clients are sent where they were sent before, for so long. */
const HOLD_MS = 30_000

export interface Known {
  readonly record: GatewayRecord
  readonly offset: number
  /** When it was read here; null for what was written before we came. */
  readonly heardMs: number | null
}

export class GatewayTable {
  readonly own: number
  /** The last record under each node id, our own among them, whoever wrote it. */
  readonly #known = new Map<number, Known>()
  /** When we last read anything that was new. */
  #readMs = -Infinity
  #isLeaving = false
  #live: readonly number[]

  constructor (own: number) {
    this.own = own
    this.#live = [own]
  }

  /** Those that take clients, in ascending order. The same object until that changes. Never empty: who leaves alone stays to the last. */
  get live (): readonly number[] {
    return this.#live
  }

  /** Whether there are others that take clients. */
  get hasOthers (): boolean {
    return this.#live.some(nodeId => nodeId !== this.own)
  }

  get (nodeId: number): Known | undefined {
    return this.#known.get(nodeId)
  }

  /** Those that were there when we came, and were not heard of since. */
  get unheard (): number[] {
    return [...this.#known].filter(([, { heardMs, record }]) => heardMs === null && !record.draining).map(([nodeId]) => nodeId)
  }

  /** From now on clients are sent to the others. True if `live` is another one. */
  leave (nowMs: number): boolean {
    this.#isLeaving = true
    return this.look(nowMs)
  }

  /**
   * What stands in the log, from its beginning: what is not in it is gone. What was known already was not said again, and what
   * stood there before we came may be long dead.
   */
  replace (entries: Iterable<LoggedEntry>, nowMs: number, isFirst: boolean): void {
    const known = new Map(this.#known)
    this.#known.clear()
    for (const entry of entries) {
      const nodeId = nodeIdOf(entry.key)
      const before = nodeId === null ? undefined : known.get(nodeId)
      if (before?.offset === entry.offset) this.#known.set(nodeId!, before)
      else this.take(entry, isFirst ? null : nowMs)
    }
    this.look(nowMs)
  }

  /** One record that is new, or of the time before. Gives what it says, if it is a gateway's. */
  take ({ key, value, offset }: LoggedEntry, heardMs: number | null): Known | null {
    const nodeId = nodeIdOf(key)
    if (heardMs !== null) this.#readMs = heardMs
    if (nodeId === null) return null
    const record = value === null ? null : parseRecord(value)
    if (record === null) {
      this.#known.delete(nodeId)
      return null
    }
    const known = { record, offset, heardMs }
    this.#known.set(nodeId, known)
    return known
  }

  /** Who is live now. True if that is not as it was. */
  look (nowMs: number): boolean {
    const others = [...this.#known].filter(([nodeId, known]) => nodeId !== this.own && this.#isLive(known, nowMs)).map(([nodeId]) => nodeId)
    const live = (this.#isLeaving && others.length > 0 ? others : [...others, this.own]).sort((a, b) => a - b)
    if (live.length === this.#live.length && live.every((nodeId, i) => nodeId === this.#live[i])) return false
    this.#live = live
    return true
  }

  /** Where clients of a listener find a gateway: at the listener of that name or, if it has none, at its first. */
  addressOf (nodeId: number, listener: string): Address | null {
    const listeners = this.#known.get(nodeId)?.record.listeners
    if (listeners === undefined) return null
    const [first] = listeners.values()
    return listeners.get(listener) ?? first ?? null
  }

  /** Silence counts for as long as we hear anything, ourselves among it. */
  #isLive ({ record, heardMs }: Known, nowMs: number): boolean {
    if (record.draining || heardMs === null) return false
    return this.#readMs - heardMs <= LIVE_MS && nowMs - heardMs <= HOLD_MS
  }
}
