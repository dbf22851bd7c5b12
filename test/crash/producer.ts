/**
 * An idempotent producer as Kafka's own is one: five requests in flight on its connection, one sequence of batches for
 * each partition, and whatever was not acknowledged is sent again, in order and with its sequence numbers, for as long as
 * it takes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { buildBatch } from '../../protocol/records.ts'
import type { Connection } from '../engine/connection.ts'
import type { Event } from './checker.ts'
import type { Doors } from './doors.ts'

const MAX_IN_FLIGHT = 5
const MAX_RECORDS = 12
const MAX_VALUE_BYTES = 500
/** Named, not by id: a producer that was made for one run of the topic. */
const VERSION = 9
const RETRY_MS = 20
/** What is not acknowledged by then never will be. */
const FINISH_MS = 120_000

interface Batch {
  readonly partition: number
  readonly bytes: Buffer
  readonly values: readonly string[]
  /** Of its partition: a broker takes whatever comes first from a producer that it does not know (KIP-360), so nothing may overtake it. */
  readonly isFirst: boolean
}

export interface ProducerOptions {
  readonly name: string
  readonly topic: string
  readonly partitions: number
  readonly doors: Doors
  readonly random: () => number
  readonly record: (event: Event) => void
  /** How long to wait between batches; 0 is as fast as it goes. */
  readonly pauseMs?: number
}

export class IdempotentProducer {
  /** Acknowledged records. */
  acknowledged = 0
  /** Answers that were neither an acknowledgement nor the end of a connection, by error. */
  readonly errors = new Map<string, number>()
  readonly #options: ProducerOptions
  readonly #sequences: number[]
  /** In the order of their sequence numbers, without answer or to be sent again. */
  #unacknowledged: Batch[] = []
  #producerId = -1
  #isGenerating = true
  #giveUpAtMs = Infinity
  #connection: Connection | null = null

  constructor (options: ProducerOptions) {
    this.#options = options
    this.#sequences = new Array<number>(options.partitions).fill(0)
  }

  /** Begins nothing new. `run` resolves when all that was begun is acknowledged, or nothing can be hoped for. */
  finish (): void {
    this.#isGenerating = false
    this.#giveUpAtMs = performance.now() + FINISH_MS
  }

  async run (): Promise<void> {
    while (this.#isGenerating || (this.#unacknowledged.length > 0 && performance.now() < this.#giveUpAtMs)) {
      try {
        if (this.#connection?.isOpen !== true) this.#connection = await this.#options.doors.open()
        if (this.#producerId < 0) await this.#introduce(this.#connection)
        await this.#sendAll(this.#connection)
      } catch {
        // The server is gone: what became of the requests that were under way nobody knows, so they are sent again.
      }
      if (this.#unacknowledged.length > 0 && this.#options.doors.refused()) this.#connection?.destroy()
      if (this.#unacknowledged.length > 0 || this.#connection?.isOpen !== true) await sleep(RETRY_MS)
    }
    this.#connection?.destroy()
  }

  async #introduce (connection: Connection): Promise<void> {
    const { errorCode, producerId } = await this.#options.doors.send(connection, InitProducerId, 2, { transactionalId: null, transactionTimeoutMs: 0 })
    if (errorCode === errors.NONE) this.#producerId = producerId
  }

  /** First again what is not acknowledged, then new batches, until something fails. */
  async #sendAll (connection: Connection): Promise<void> {
    if (this.#producerId < 0) return
    const again = this.#unacknowledged
    const inFlight = new Set<Promise<void>>()
    const refused = new Set<number>()
    let isSound = true
    for (let i = 0; isSound && connection.isOpen && (i < again.length || this.#isGenerating); i++) {
      const batch = again[i] ?? this.#nextBatch()
      const answer = this.#send(connection, batch, refused).then(isAcknowledged => { isSound &&= isAcknowledged }, () => { isSound = false })
      inFlight.add(answer)
      answer.finally(() => inFlight.delete(answer))
      if (batch.isFirst) await Promise.all(inFlight)
      else if (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight)
      if (i >= again.length && this.#options.pauseMs !== undefined) await sleep(this.#options.pauseMs)
    }
    await Promise.all(inFlight)
  }

  #nextBatch (): Batch {
    const { name, topic, partitions, random, record } = this.#options
    const partition = Math.floor(random() * partitions)
    const baseSequence = this.#sequences[partition]!
    const values = Array.from({ length: 1 + Math.floor(random() * MAX_RECORDS) }, (_, i) => `${name}/${partition}/${baseSequence + i}`)
    const padding = ' '.repeat(Math.floor(random() * MAX_VALUE_BYTES))
    const { bytes } = buildBatch(values.map(value => ({ key: null, value: Buffer.from(value + padding) })), {
      producerId: this.#producerId, producerEpoch: 0, baseSequence, compression: random() < 0.2 ? 'zstd' : 'none'
    })
    values.forEach((value, i) => record({ type: 'send', producer: name, partition: `${topic}-${partition}`, sequence: baseSequence + i, value }))
    this.#sequences[partition] = baseSequence + values.length
    const batch = { partition, bytes, values, isFirst: baseSequence === 0 }
    this.#unacknowledged = [...this.#unacknowledged, batch]
    return batch
  }

  /** Whether it was acknowledged. `refused` are the partitions of which a batch before it was not. */
  async #send (connection: Connection, batch: Batch, refused: Set<number>): Promise<boolean> {
    const { topic, record, doors } = this.#options
    const { responses } = await doors.send(connection, Produce, VERSION, complete(Produce.request, {
      acks: -1, timeoutMs: 30_000, topicData: [{ name: topic, topicId: NO_ID, partitionData: [{ index: batch.partition, records: [batch.bytes] }] }]
    }))
    const { errorCode, errorMessage, baseOffset } = responses[0]!.partitionResponses[0]!
    if (errorCode === errors.NONE) {
      this.#unacknowledged = this.#unacknowledged.filter(one => one !== batch)
      batch.values.forEach((value, i) => record({ type: 'acknowledged', value, offset: baseOffset + i }))
      this.acknowledged += batch.values.length
      doors.worked()
      return true
    }
    const { name, retriable } = errorRow(errorCode)
    this.errors.set(name, (this.errors.get(name) ?? 0) + 1)
    // What follows on a batch that was refused is out of order; what follows on one that was acknowledged is not.
    const mayBeOutOfOrder = name === 'OUT_OF_ORDER_SEQUENCE_NUMBER' && refused.has(batch.partition)
    const isHarmless = (retriable && name !== 'UNKNOWN_TOPIC_OR_PARTITION') || mayBeOutOfOrder
    if (!isHarmless) record({ type: 'violation', what: `${batch.values[0]} was refused with ${name}: ${errorMessage}` })
    refused.add(batch.partition)
    return false
  }
}

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** The value that a producer has sent, without what it was filled up with. */
export function valueOf (bytes: Buffer | null): string {
  return String(bytes).trimEnd()
}
