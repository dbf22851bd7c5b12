/**
 * Several gateways in front of one cluster: each says through a compacted topic that it is there and where clients find it,
 * and knows the others by the same. Clients see that many brokers.
 *
 * While there are others a record is written every second; alone, one in half a minute, as whoever comes asks first. It is
 * answered at once: so a start knows the others before it opens its doors, and that nobody else has its node id.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dispatch } from '../../protocol/rpc.ts'
import { StateLog } from '../state/log.ts'
import type { LoggedEntry } from '../state/topic.ts'
import { askerOf, formatListeners, HELLO, helloOf, recordOf, type Address, type GatewayRecord } from './record.ts'
import { GatewayTable, type Known } from './table.ts'
import { gatewaysTopic } from './topic.ts'

export interface GatewaysOptions {
  readonly nodeId: number
  /** Told which gateways take clients, when that changes. */
  readonly onChange?: (live: readonly number[]) => void
  /** Another process has our node id: a sentence for the operator, once for each process. */
  readonly onDuplicate?: (sentence: string) => void
  /** The other one was there first: this process has to stop. */
  readonly onSuperseded?: (error: Error) => void
  /** What cannot be read or written is tried again: for the log. */
  readonly onTrouble?: (error: Error) => void
  /** In ms; does not go back. */
  readonly clock?: () => number
}

const BEAT_MS = 1000
const ALONE_BEATS = 30
/** How long who starts waits for those that it has read of: they answer within milliseconds, or are dead. */
const ANSWER_MS = 1000
/** How long a stop tries to tell the others: if they cannot be told, they will notice. */
const FAREWELL_MS = 2000

export class Gateways {
  readonly #log: StateLog
  readonly #table: GatewayTable
  readonly #options: GatewaysOptions
  readonly #clock: () => number
  readonly #instance = randomBytes(9).toString('base64url')
  readonly #met = new Set<string>()
  #listeners: ReadonlyMap<string, Address> | null = null
  #started: number | null = null
  #draining = false
  /** Whether the record under our node id is for us to write. */
  #holdsKey = true
  #failure: Error | null = null
  #isFirst = true
  #beats = 0
  #beating: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  /** Told that something was read. */
  #onRead: () => void = () => {}

  constructor (dispatch: Dispatch, options: GatewaysOptions) {
    const { nodeId, onTrouble = () => {}, clock = () => performance.now() } = options
    this.#options = options
    this.#clock = clock
    this.#table = new GatewayTable(nodeId)
    this.#log = new StateLog(dispatch, gatewaysTopic, {
      changed: entries => this.#take(entries),
      rebuild: () => {
        const last = new Map<string, LoggedEntry>()
        return {
          changed: entries => { for (const entry of entries) last.set(entry.key, entry) },
          done: () => this.#replace(last.values())
        }
      }
    }, { onTrouble })
  }

  get own (): number {
    return this.#table.own
  }

  /** The node ids of those that take clients, in ascending order; the same object until that changes. Never empty. */
  live (): readonly number[] {
    return this.#table.live
  }

  /** Whether clients are to go to others: this gateway stops, and there are some. */
  get isLeaving (): boolean {
    return this.#draining && this.#table.hasOthers
  }

  /** Where clients of a listener find a gateway. One that has just gone is stood in for: every gateway does everything. */
  addressOf (nodeId: number, listener: string, own: Address): Address {
    return nodeId === this.own ? own : this.#table.addressOf(nodeId, listener) ?? own
  }

  /** Learns who is there. Rejects with a sentence for the operator if another process has our node id, and with KafkaError. */
  async open (): Promise<void> {
    await this.#log.open()
    if (this.#table.unheard.length === 0) return
    await this.#log.append([helloOf(this.#instance)])
    await this.#answers()
    const known = this.#table.get(this.own)
    if (known === undefined || known.heardMs === null || known.record.draining) return
    await this.#log.close()
    throw new Error(this.#duplicate(known.record))
  }

  /** Our doors are open, here. Rejects as `open` does. */
  async announce (listeners: ReadonlyMap<string, Address>): Promise<void> {
    this.#listeners = listeners
    await this.#log.append([this.#record()])
    if (this.#failure !== null) throw this.#failure
    this.#timer = setInterval(() => this.#tick(), BEAT_MS).unref()
  }

  /** Sends clients to the others from now on, if there are some, and tells them. */
  async drain (): Promise<void> {
    this.#draining = true
    if (this.#table.leave(this.#clock())) this.#changed()
    await inTime(async () => {
      await this.#beating // it does not say so yet
      this.#beat()
      await this.#beating
    })
  }

  /** Tells the others that this one is gone. While the log can still be written to. */
  async close (): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    if (this.#listeners !== null && this.#holdsKey) {
      await inTime(async () => {
        await this.#beating
        await this.#append([{ key: String(this.own), value: null }])
      })
    }
    this.#holdsKey = false
    await this.#log.close()
  }

  // ---- speaking

  #tick (): void {
    if (this.#table.look(this.#clock())) this.#changed()
    if (this.#table.hasOthers || ++this.#beats % ALONE_BEATS === 0) this.#beat()
  }

  #beat (): void {
    if (this.#listeners === null || !this.#holdsKey) return
    this.#beating ??= this.#append([this.#record()]).finally(() => { this.#beating = null })
  }

  async #append (entries: Parameters<StateLog['append']>[0]): Promise<void> {
    try {
      await this.#log.append(entries)
    } catch (error) {
      if (this.#holdsKey) this.#options.onTrouble?.(error as Error)
    }
  }

  #record (): ReturnType<typeof recordOf> {
    return recordOf(this.own, { instance: this.#instance, started: this.#started, listeners: this.#listeners!, draining: this.#draining })
  }

  // ---- hearing

  #take (entries: readonly LoggedEntry[]): void {
    const nowMs = this.#clock()
    for (const entry of entries) {
      const known = this.#table.take(entry, nowMs)
      if (known !== null && entry.key === String(this.own)) this.#hearOfOwn(known)
      else if (entry.key === HELLO && entry.value !== null && askerOf(entry.value) !== this.#instance) this.#beat()
    }
    if (this.#table.look(nowMs)) {
      this.#changed()
      this.#beat() // who has come is told that we are here
    }
    this.#onRead()
  }

  #replace (entries: Iterable<LoggedEntry>): void {
    const before = this.#table.live
    this.#table.replace(entries, this.#clock(), this.#isFirst)
    this.#isFirst = false
    if (this.#table.live !== before) this.#changed()
  }

  #changed (): void {
    this.#options.onChange?.(this.#table.live)
  }

  #hearOfOwn ({ record, offset }: Known): void {
    if (record.instance === this.#instance) {
      this.#started ??= offset
      return
    }
    if (this.#listeners === null || record.draining || !this.#holdsKey) return
    // While we stop, it is the one that comes in our place.
    if (this.#draining) {
      this.#holdsKey = false
      return
    }
    const isEarlier = (record.started ?? offset) < (this.#started ?? Infinity)
    const sentence = this.#duplicate(record)
    if (!this.#met.has(record.instance)) this.#options.onDuplicate?.(sentence)
    this.#met.add(record.instance)
    if (!isEarlier) return this.#beat()
    this.#holdsKey = false
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#failure = new Error(sentence)
    this.#options.onSuperseded?.(this.#failure)
  }

  #duplicate ({ listeners }: GatewayRecord): string {
    return `Another Barnabas in front of this cluster is node ${this.own} already: ${formatListeners(listeners)}. ` +
      'Give each of them a number of its own with --node-id, and start this one again.'
  }

  /** Until all that we have read of have been heard of, or are dead. */
  async #answers (): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ANSWER_MS)
    this.#onRead = () => { if (this.#table.unheard.length === 0) resolve() }
    this.#onRead()
    await promise
    clearTimeout(timer)
    this.#onRead = () => {}
  }
}

async function inTime (farewell: () => Promise<void>): Promise<void> {
  const late = new AbortController()
  await Promise.race([farewell(), sleep(FAREWELL_MS, undefined, { signal: late.signal }).catch(() => {})])
  late.abort()
}
