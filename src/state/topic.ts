/**
 * A compacted topic of one partition that holds state of ours, as requests: made where it is missing, read batch by batch,
 * written one batch at a time. The last record of a key is what counts.
 */
import { batchesIn } from '../../protocol/batch.ts'
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors, KafkaError } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { buildBatch, recordsIn, type Header } from '../../protocol/records.ts'
import { internalPrincipal, newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../protocol/schema.ts'

/** Which topic. */
export interface TopicSpec {
  readonly name: string
  /** It is made with these; where it is there already, it is given those that it lacks. */
  readonly configs: readonly { readonly name: string, readonly value: string }[]
  /** As whom the requests are made. */
  readonly clientId: string
}

/** A null value means that the key is gone. */
export interface Entry {
  readonly key: string
  readonly value: string | null
  readonly headers?: readonly Header[]
}

export interface LoggedEntry extends Entry {
  readonly offset: number
  readonly headers: readonly Header[]
}

/** What one Fetch brought. */
export interface Page {
  /** Each is one change: to be taken as a whole. */
  readonly batches: readonly { readonly entries: readonly LoggedEntry[], readonly nextOffset: number }[]
  readonly highWatermark: number
}

/** Much may change in one batch: room for about 100,000 rules. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const SERVER_DEFAULT = -1
const EARLIEST = -2
const LATEST = -1
const TOPIC_RESOURCE = 2
const SET = 0

export class StateTopic {
  readonly #dispatch: Dispatch
  readonly #spec: TopicSpec
  #id = ''

  constructor (dispatch: Dispatch, spec: TopicSpec) {
    this.#dispatch = dispatch
    this.#spec = spec
  }

  get name (): string { return this.#spec.name }

  /** Finds the topic, or makes it. Rejects with KafkaError. */
  async ensure (signal: AbortSignal): Promise<void> {
    try {
      await this.find(signal)
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      await this.#create(signal)
      await this.find(signal)
      return
    }
    await this.#keepForever(signal)
  }

  /** Learns which topic has the name now; true if it is another than before. Rejects with KafkaError where there is none. */
  async find (signal: AbortSignal): Promise<boolean> {
    const { topics: [topic] } = await this.#ask(Metadata, { topics: [{ name: this.name }], allowAutoTopicCreation: false }, signal)
    if (topic === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no topic ${this.name}.`)
    this.#check(topic.errorCode, 'be found')
    if (topic.partitions.length !== 1) {
      throw new KafkaError('INVALID_PARTITIONS', `Topic ${this.name} has ${topic.partitions.length} partitions, but must have one: ` +
        'delete it if it holds nothing of worth, and start again.')
    }
    this.#check(topic.partitions[0]!.errorCode, 'be read')
    const isAnother = topic.topicId !== this.#id
    this.#id = topic.topicId
    return isAnother
  }

  async #create (signal: AbortSignal): Promise<void> {
    const { topics: [created] } = await this.#ask(CreateTopics, {
      topics: [{ name: this.name, numPartitions: 1, replicationFactor: SERVER_DEFAULT, assignments: [], configs: this.#spec.configs }],
      timeoutMs: REQUEST_TIMEOUT_MS,
      validateOnly: false
    }, signal)
    // Another gateway may be as quick.
    if (created?.errorCode !== errors.TOPIC_ALREADY_EXISTS) this.#check(created?.errorCode, 'be made', created?.errorMessage)
  }

  /** A topic of this name that someone made by hand would forget things after its retention. */
  async #keepForever (signal: AbortSignal): Promise<void> {
    const { configs } = this.#spec
    const resource = { resourceType: TOPIC_RESOURCE, resourceName: this.name }
    const { results: [found] } = await this.#ask(DescribeConfigs, {
      resources: [{ ...resource, configurationKeys: configs.map(({ name }) => name) }]
    }, signal)
    this.#check(found?.errorCode, 'be described', found?.errorMessage)
    const wrong = configs.filter(({ name, value }) => found!.configs.find(one => one.name === name)?.value !== value)
    if (wrong.length === 0) return
    const { responses: [altered] } = await this.#ask(IncrementalAlterConfigs, {
      resources: [{ ...resource, configs: wrong.map(one => ({ ...one, configOperation: SET })) }], validateOnly: false
    }, signal)
    this.#check(altered?.errorCode, 'be configured', altered?.errorMessage)
  }

  /** The offset of the first record. Rejects with KafkaError. */
  async startOffset (signal: AbortSignal): Promise<number> {
    return await this.#offset(EARLIEST, signal)
  }

  /** The offset of the next record. Rejects with KafkaError. */
  async endOffset (signal: AbortSignal): Promise<number> {
    return await this.#offset(LATEST, signal)
  }

  async #offset (timestamp: number, signal: AbortSignal): Promise<number> {
    const { topics: [topic] } = await this.#ask(ListOffsets, {
      replicaId: -1, topics: [{ name: this.name, partitions: [{ partitionIndex: 0, timestamp }] }]
    }, signal)
    const partition = topic?.partitions[0]
    this.#check(partition?.errorCode, 'be read')
    return partition!.offset
  }

  /** What lies from `offset` on; waits for it up to `maxWaitMs`. Rejects with KafkaError. */
  async read (offset: number, maxWaitMs: number, signal: AbortSignal): Promise<Page> {
    const response = await this.#ask(Fetch, {
      maxWaitMs,
      minBytes: 1,
      maxBytes: MAX_BATCH_BYTES,
      topics: [{
        topic: this.name, topicId: this.#id, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: MAX_BATCH_BYTES }]
      }]
    }, signal)
    this.#check(response.errorCode, 'be read')
    const partition = response.responses[0]?.partitions[0]
    this.#check(partition?.errorCode, 'be read')
    const { records, highWatermark } = partition!
    const batches: { entries: LoggedEntry[], nextOffset: number }[] = []
    for (const batch of batchesIn(Buffer.concat(records ?? []))) {
      if (batch.nextOffset <= offset) continue
      if (!batch.isSound) throw new KafkaError('CORRUPT_MESSAGE', `Topic ${this.name} holds a damaged batch at offset ${batch.baseOffset}.`)
      const entries: LoggedEntry[] = []
      if (!batch.isControl) {
        for (const { offset: at, key, value, headers } of recordsIn(batch)) {
          if (at >= offset && key !== null) entries.push({ key: key.toString(), value: value?.toString() ?? null, offset: at, headers: copied(headers) })
        }
      }
      batches.push({ entries, nextOffset: batch.nextOffset })
    }
    return { batches, highWatermark }
  }

  /** Writes one batch, and gives the offset of its first entry once it is durable; the others follow it. Rejects with KafkaError. */
  async append (entries: readonly Entry[], signal: AbortSignal): Promise<number> {
    const batch = buildBatch(entries.map(({ key, value, headers = [] }) =>
      ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), headers })))
    if (batch.sizeBytes > MAX_BATCH_BYTES) {
      throw new KafkaError('MESSAGE_TOO_LARGE',
        `${entries.length} changes at once are too many: they have ${batch.sizeBytes} bytes, of ${MAX_BATCH_BYTES}. Send them in parts.`)
    }
    const { responses: [topic] } = await this.#ask(Produce, {
      acks: -1,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topicData: [{ name: this.name, topicId: this.#id, partitionData: [{ index: 0, records: [batch.bytes] }] }]
    }, signal)
    const partition = topic?.partitionResponses[0]
    this.#check(partition?.errorCode, 'be written', partition?.errorMessage)
    return partition!.baseOffset
  }

  async #ask<A extends Api> (api: A, request: RequestInput<A>, signal: AbortSignal): Promise<Response<A>> {
    signal.throwIfAborted()
    const context: Context = {
      principal: internalPrincipal, door: 'internal', clientId: this.#spec.clientId, address: '', version: newest(api), signal, throttleMs: 0
    }
    return await this.#dispatch(api, complete(api.request, request as never) as never, context)
  }

  /** Throws KafkaError for any code but NONE; undefined is an answer that left out what was asked for. */
  #check (errorCode: number | undefined, what: string, message?: string | null): void {
    if (errorCode === errors.NONE) return
    const { name, sentence } = errorRow(errorCode ?? errors.UNKNOWN_SERVER_ERROR)
    throw new KafkaError(name, `Topic ${this.name} cannot ${what}: ${message ?? sentence}`)
  }
}

/** Out of the batch, which is not kept. */
function copied (headers: readonly Header[]): readonly Header[] {
  return headers.length === 0 ? headers : headers.map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value) }))
}
