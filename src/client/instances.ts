/**
 * Consumers that are called by name, from one request to the next. Each belongs to whoever made it: for others it is not
 * there. What nobody calls for a while is closed, so that it does not keep partitions from those who read.
 */
import { formatPrincipal, type Principal } from '../../protocol/rpc.ts'

/** Whose it is, and its name within the group. */
export interface InstanceName {
  readonly principal: Principal
  readonly group: string
  readonly name: string
}

export interface InstanceLimits {
  readonly idleMs: number
  readonly sweepMs: number
  readonly max: number
  readonly maxPerPrincipal: number
}

/** Kafka's REST clients are used to five minutes. An instance costs a timer, a few kilobytes and a member of its group. */
export const instanceLimits: InstanceLimits = { idleMs: 300_000, sweepMs: 1_000, max: 2_000, maxPerPrincipal: 500 }

export class InstanceRefused extends Error {
  override readonly name = 'InstanceRefused'
  readonly reason: 'exists' | 'too-many' | 'unknown'

  constructor (reason: InstanceRefused['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

interface Entry<T> {
  readonly instance: T
  readonly principal: string
  /** Calls that go on now. */
  calls: number
  lastCallMs: number
}

const keyOf = (principal: string, { group, name }: InstanceName): string => JSON.stringify([principal, group, name])

export class Instances<T extends { close (): Promise<void> }> {
  readonly #limits: InstanceLimits
  readonly #now: () => number
  readonly #onTrouble: (error: unknown) => void
  readonly #entries = new Map<string, Entry<T>>()
  readonly #counts = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  readonly #closing = new Set<Promise<void>>()
  #isClosed = false

  /** `onTrouble` is told when an instance that nobody waits for could not be closed in order. */
  constructor (onTrouble: (error: unknown) => void, limits: InstanceLimits = instanceLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
    this.#onTrouble = onTrouble
    this.#timer = setInterval(() => this.sweep(), limits.sweepMs).unref()
  }

  get size (): number {
    return this.#entries.size
  }

  /** Throws InstanceRefused: `exists` or `too-many`. */
  add (at: InstanceName, make: () => T): T {
    const principal = formatPrincipal(at.principal)
    const key = keyOf(principal, at)
    const count = this.#counts.get(principal) ?? 0
    if (this.#isClosed) throw new InstanceRefused('too-many', 'The server is stopping: ask another one, or again in a moment.')
    if (this.#entries.has(key)) {
      throw new InstanceRefused('exists', `Consumer with specified consumer ID already exists in the specified consumer group: ${at.name} in ${at.group}.`)
    }
    const { max, maxPerPrincipal } = this.#limits
    if (count >= maxPerPrincipal) throw new InstanceRefused('too-many', `You have ${count} consumer instances, and may not have more: delete some.`)
    if (this.#entries.size >= max) throw new InstanceRefused('too-many', `The server has ${max} consumer instances, and takes no more: try again later.`)
    const instance = make()
    this.#entries.set(key, { instance, principal, calls: 0, lastCallMs: this.#now() })
    this.#counts.set(principal, count + 1)
    return instance
  }

  /** Calls an instance, which does not expire meanwhile. Rejects with InstanceRefused `unknown`. */
  async call<R> (at: InstanceName, act: (instance: T) => R | Promise<R>): Promise<R> {
    const entry = this.#entries.get(keyOf(formatPrincipal(at.principal), at))
    if (entry === undefined) throw unknown()
    entry.calls++
    try {
      return await act(entry.instance)
    } finally {
      entry.calls--
      entry.lastCallMs = this.#now()
    }
  }

  /** Closes an instance. Rejects with InstanceRefused `unknown`. */
  async remove (at: InstanceName): Promise<void> {
    const key = keyOf(formatPrincipal(at.principal), at)
    const entry = this.#entries.get(key)
    if (entry === undefined) throw unknown()
    this.#forget(key, entry)
    await entry.instance.close()
  }

  /** Closes what has not been called for so long. */
  sweep (): void {
    const idleSince = this.#now() - this.#limits.idleMs
    for (const [key, entry] of this.#entries) {
      if (entry.calls > 0 || entry.lastCallMs > idleSince) continue
      this.#forget(key, entry)
      this.#closeInTime(entry)
    }
  }

  /** Closes all of them, and takes no more. Resolves when that is done. */
  async close (): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const [key, entry] of this.#entries) {
      this.#forget(key, entry)
      this.#closeInTime(entry)
    }
    await Promise.all(this.#closing)
  }

  #forget (key: string, { principal }: Entry<T>): void {
    this.#entries.delete(key)
    const left = this.#counts.get(principal)! - 1
    if (left === 0) this.#counts.delete(principal)
    else this.#counts.set(principal, left)
  }

  #closeInTime ({ instance }: Entry<T>): void {
    const closing = instance.close().catch(this.#onTrouble).finally(() => { this.#closing.delete(closing) })
    this.#closing.add(closing)
  }
}

const unknown = (): InstanceRefused => new InstanceRefused('unknown', 'Consumer instance not found.')
