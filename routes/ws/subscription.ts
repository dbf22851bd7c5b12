/**
 * One subscription of a session: takes records from a consumer while there is credit and the peer reads, and sends them.
 * Between two takes, and for as long as nothing is granted, it is a few fields and no work.
 */
import { Consumer, type Gap, type Piece } from '../../src/client/consumer.ts'
import type { Block } from '../../src/client/block.ts'
import { LATEST, offsetsAt } from '../../src/client/start.ts'
import type { Context } from '../../protocol/rpc.ts'
import { Problem } from '../problem.ts'
import type { HttpDoor } from '../door.ts'
import { Credit, type Grant } from './credit.ts'
import { ending, payloadBytes } from './frame.ts'
import { limits, SUB_PROTOCOL } from './limits.ts'
import type { Subscribe } from './messages.ts'
import type { Wire } from './wire.ts'
import type { QuotaKind } from '../guards.ts'

export interface SubscriptionHost {
  readonly wire: Wire
  readonly door: HttpDoor
  readonly context: Context
  /** Null, or a pause because a quota has been used up, which the client is told of. */
  paused (kinds: readonly QuotaKind[], id: string, signal: AbortSignal): Promise<unknown> | null
  /** The subscription has ended: with an error, which the host tells the client of, or after `complete`. */
  ended (subscription: Subscription, error?: unknown): void
}

export class Subscription {
  readonly id: string
  readonly #host: SubscriptionHost
  readonly #onGap: Subscribe['onGap']
  readonly #stop = new AbortController()
  readonly #credit = new Credit()
  /** What the next record takes, where that is more than there is credit for. */
  #needsBytes = 0
  #consumer: Consumer | null = null
  /** Behind what has been sent. The consumer may be ahead: it has handed out what we have not come to send yet. */
  #cursor = ''
  /** Where partitions ended when the subscription began; null once all of that has been sent. */
  #ends: Map<string, number> | null = null
  #running = false
  #leaving = false

  constructor (host: SubscriptionHost, { id, onGap, credit }: Subscribe) {
    this.id = id
    this.#host = host
    this.#onGap = onGap
    if (credit !== null) this.#credit.grant(credit)
  }

  /** Never rejects: what goes wrong ends the subscription. */
  async open ({ topics, from }: Subscribe): Promise<void> {
    const { door, context, wire } = this.#host
    let consumer: Consumer | null = null
    try {
      consumer = await Consumer.open(door.dispatch, door.feeds, context, topics, from)
      this.#ends = await this.#endsOf(consumer, topics)
      this.#cursor = consumer.cursor
      if (this.#leaving) {
        consumer.close()
        return this.#complete()
      }
      this.#consumer = consumer
      wire.send({ type: 'subscribed', id: this.id, cursor: this.#cursor })
      this.#checkCaughtUp(consumer)
      this.pump()
    } catch (error) {
      consumer?.close()
      this.#end(error)
    }
  }

  /** Throws Problem above the limits. */
  grant (grant: Grant): void {
    this.#credit.grant(grant)
    this.pump()
  }

  /** The client wants no more of it. While it is still being opened, that is finished first. */
  leave (): void {
    this.#leaving = true
    if (this.#consumer !== null) this.#complete()
  }

  /** The session is over: no more messages. */
  drop (): void {
    this.#leaving = true
    this.#stop.abort()
    this.#consumer?.close()
  }

  /** Takes records for as long as it may. */
  pump (): void {
    if (!this.#running && this.#consumer !== null) this.#run(this.#consumer)
  }

  async #run (consumer: Consumer): Promise<void> {
    this.#running = true
    try {
      while (this.#mayTake()) {
        const pause = this.#host.paused(['consumer', 'request'], this.id, this.#stop.signal)
        if (pause !== null) {
          await pause
          continue
        }
        const delivery = await consumer.next(this.#credit, this.#stop.signal, () => this.#isCaughtUp(consumer))
        if (this.#stop.signal.aborted) return
        if (delivery?.kind === 'records') this.#deliver(consumer, delivery)
        else if (delivery?.kind === 'gap') this.#tellGap(consumer, delivery)
        this.#checkCaughtUp(consumer)
      }
    } catch (error) {
      this.#end(error)
    } finally {
      this.#running = false
    }
  }

  #mayTake (): boolean {
    return !this.#stop.signal.aborted && !this.#credit.isUsedUp && this.#credit.bytesLeft >= this.#needsBytes && !this.#host.wire.congested
  }

  #deliver (consumer: Consumer, { topic, partition, block, count: taken }: Piece): void {
    const { wire, door, context } = this.#host
    if (wire.congested) return consumer.seek(topic, partition, block.offsets[0]!)
    let count = taken
    let rest = count === block.lines.length ? sharedRest(block) : restOf(block.lines.slice(0, count))
    if (recordBytes(rest) > this.#credit.bytes) {
      // The consumer counts characters; some take more than one byte.
      count = fitting(block.lines, this.#credit.bytes, this.#credit.bytesLeft)
      consumer.seek(topic, partition, count === block.lines.length ? block.next : block.offsets[count]!)
      if (count === 0) return this.#block(block.lines[0]!)
      rest = restOf(block.lines.slice(0, count))
    }
    const bytes = recordBytes(rest)
    this.#needsBytes = 0
    this.#credit.take(count, bytes)
    this.#cursor = consumer.cursor
    wire.sendInTwo(`{"type":"records","id":${JSON.stringify(this.id)},"cursor":"${this.#cursor}","bytes":${bytes},"records":`, rest)
    door.stats.webSocket.recordsOut += count
    door.quotas.charge(context, 'consumer', bytes)
    if (this.#credit.isUsedUp) door.stats.webSocket.creditStalls++
  }

  /** The next record needs more than there is: the client has to know, or it would wait for us and we for it. */
  #block (line: string): void {
    this.#needsBytes = Buffer.byteLength(line) + 2
    if (this.#needsBytes > limits.creditBytes) {
      throw new Problem('record-too-large', `The next record takes ${this.#needsBytes} bytes of JSON; the most that can be granted is ${limits.creditBytes}.`)
    }
    this.#host.wire.send({ type: 'blocked', id: this.id, bytes: this.#needsBytes })
    this.#host.door.stats.webSocket.creditStalls++
  }

  #tellGap (consumer: Consumer, { topic, partition, requested, actual, reason }: Gap): void {
    this.#host.door.stats.webSocket.gaps++
    this.#cursor = consumer.cursor
    this.#host.wire.send({ type: 'gap', id: this.id, topic, partition, requested, actual, reason, cursor: this.#cursor })
    if (this.#onGap === 'stop') this.#complete()
  }

  async #endsOf (consumer: Consumer, topics: readonly string[]): Promise<Map<string, number>> {
    const { door, context } = this.#host
    const ends = new Map<string, number>()
    for (const topic of topics) {
      const partitions = consumer.partitions.filter(position => position.topic === topic).map(({ partition }) => partition)
      for (const [partition, end] of await offsetsAt(door.dispatch, context, topic, partitions, LATEST)) ends.set(`${partition} ${topic}`, end)
    }
    return ends
  }

  #isCaughtUp (consumer: Consumer): boolean {
    const ends = this.#ends
    return ends !== null && consumer.partitions.every(({ topic, partition, next }) => next >= (ends.get(`${partition} ${topic}`) ?? 0))
  }

  #checkCaughtUp (consumer: Consumer): void {
    if (this.#stop.signal.aborted || !this.#isCaughtUp(consumer)) return
    this.#ends = null
    this.#cursor = consumer.cursor
    this.#host.wire.send({ type: 'caught_up', id: this.id, cursor: this.#cursor })
  }

  #complete (): void {
    this.#host.wire.send({ type: 'complete', id: this.id, cursor: this.#cursor })
    this.#end()
  }

  #end (error?: unknown): void {
    if (this.#stop.signal.aborted) return
    this.drop()
    this.#host.ended(this, error)
  }
}

/** Encoded once for all who take the whole block. */
function sharedRest (block: Block): Buffer {
  let rest = block.frames.get(SUB_PROTOCOL)
  if (rest === undefined) block.frames.set(SUB_PROTOCOL, rest = restOf(block.lines))
  return rest
}

/** The second fragment of a message of records: from the bracket that opens the list to the end. */
const restOf = (lines: readonly string[]): Buffer => ending(`[${lines.join(',')}]}`)

/** The length of the list, brackets included. */
const recordBytes = (rest: Buffer): number => payloadBytes(rest) - 1

/** How many of the first lines make a list of at most `bytes`; one, if it is larger but not than `mostBytes`. */
function fitting (lines: readonly string[], bytes: number, mostBytes: number): number {
  let size = 1
  let count = 0
  for (const line of lines) {
    size += Buffer.byteLength(line) + 1
    if (size > (count === 0 ? mostBytes : bytes)) break
    count++
  }
  return count
}
