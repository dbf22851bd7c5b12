/**
 * Short words for the suite: typed requests with their defaults, and the one partition of an answer that a test is about.
 */
import { randomBytes } from 'node:crypto'
import { RecordBatch, batchesIn } from '../../../protocol/batch.ts'
import { errorRow, errors, type ErrorName } from '../../../protocol/errors.ts'
import { readRequest, readRequestHeader, readResponse, writeRequest, writeResponse } from '../../../protocol/frame.ts'
import { Reader } from '../../../protocol/reader.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { buildBatch, recordsIn, type BatchOptions, type NewRecord } from '../../../protocol/records.ts'
import { anonymous, neverAborted, type Dispatch } from '../../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../../protocol/schema.ts'

export interface Engine {
  readonly dispatch: Dispatch
  readonly supports: ReadonlyMap<number, readonly [min: number, max: number]>
  /** How many replicas a topic has if nobody says, and can have at most. 1 if absent. */
  readonly replicas?: number
  close (): Promise<void>
  /** Stops, and starts again over the same data. Absent where that cannot be done. */
  reopen?(): Promise<Engine>
}

export interface CallOptions {
  readonly version?: number
  readonly signal?: AbortSignal
}

export interface TopicRef {
  readonly name: string
  readonly id: string
}

type Fetched = Response<typeof Fetch>['responses'][number]['partitions'][number]
type Produced = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

export type FetchOptions = CallOptions & Partial<Pick<RequestInput<typeof Fetch>, 'maxWaitMs' | 'minBytes' | 'maxBytes' | 'isolationLevel'>> & {
  readonly partition?: number
  readonly partitionMaxBytes?: number
  readonly currentLeaderEpoch?: number
}

const LENGTH_BYTES = 4
export const MIB = 1024 * 1024
/** The id of no topic. */
export const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
/** From Fetch and Produce v13 on topics are known by id only. */
export const TOPIC_IDS_SINCE = 13

export class Client {
  readonly engine: Engine

  constructor (engine: Engine) {
    this.engine = engine
  }

  supports (api: Api, version = 0): boolean {
    const range = this.engine.supports.get(api.key)
    return range !== undefined && version <= range[1]
  }

  /** Every version that engine and codec share. */
  versions (api: Api): number[] {
    const [min, max] = this.engine.supports.get(api.key)!
    const low = Math.max(min, api.versions[0])
    return Array.from({ length: Math.min(max, api.versions[1]) - low + 1 }, (_, i) => low + i)
  }

  /** Request and response go through the bytes of their version, as if they had come over a connection. */
  async call<A extends Api> (api: A, request: RequestInput<A>, options: CallOptions = {}): Promise<Response<A>> {
    const { version = this.versions(api).at(-1)!, signal = neverAborted } = options
    const reader = new Reader(Buffer.concat(writeRequest(api, version, 0, null, request)).subarray(LENGTH_BYTES))
    readRequestHeader(reader)
    const response = await this.engine.dispatch(api, readRequest(api, version, reader), {
      principal: anonymous, door: 'internal', clientId: 'suite', address: '127.0.0.1', version, signal, throttleMs: 0
    })
    return readResponse(api, version, Buffer.concat(writeResponse(api, version, 0, response as never)).subarray(LENGTH_BYTES)).body
  }

  // ---- topics

  /** A new topic, ready to be written. */
  async topic (partitions = 1, configs: Record<string, string> = {}, name = newName()): Promise<TopicRef> {
    const { topics: [made] } = await this.call(CreateTopics, {
      topics: [{
        name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: Object.entries(configs).map(([name, value]) => ({ name, value }))
      }]
    })
    if (made!.errorCode !== errors.NONE) throw new Error(`${name} was not made: ${nameOf(made!.errorCode)} ${made!.errorMessage}`)
    return await this.ready(name, partitions, made!.topicId)
  }

  /** Waits until a topic can be used: a cluster takes its time, and may still tell of one that had the name before. */
  async ready (name: string, partitions = 1, id = NO_ID): Promise<TopicRef> {
    return await eventually(async () => {
      const { topics: [topic] } = await this.call(Metadata, { topics: [{ name }], allowAutoTopicCreation: false })
      const led = topic!.partitions.filter(({ errorCode, leaderId }) => errorCode === errors.NONE && leaderId >= 0)
      if (led.length !== partitions || (id !== NO_ID && topic!.topicId !== id)) return null
      const { topics } = await this.call(ListOffsets, {
        replicaId: -1, topics: [{ name, partitions: led.map(({ partitionIndex }) => ({ partitionIndex, timestamp: LATEST })) }]
      })
      return topics[0]!.partitions.every(({ errorCode }) => errorCode === errors.NONE) ? { name, id: topic!.topicId } : null
    })
  }

  /** By name, or where there is none by id. Gives the error. */
  async deleteTopic ({ name, id = NO_ID }: Partial<TopicRef>): Promise<ErrorName> {
    const { responses } = await this.call(DeleteTopics, { topics: [{ name: name ?? null, topicId: name === undefined ? id : NO_ID }], timeoutMs: 30_000 })
    return nameOf(responses[0]!.errorCode)
  }

  // ---- records

  async produce (topic: TopicRef, batch: RecordBatch | Buffer | readonly NewRecord[] | null, options: ProduceOptions = {}): Promise<Produced> {
    const { responses } = await this.send(topic, batch, options)
    return responses[0]!.partitionResponses[0]!
  }

  /** With acks=0 there need not be an answer to it. */
  async send (topic: TopicRef, batch: RecordBatch | Buffer | readonly NewRecord[] | null, options: ProduceOptions = {}): Promise<Response<typeof Produce>> {
    const { partition = 0, acks = -1, version = this.versions(Produce).at(-1)! } = options
    return await this.call(Produce, {
      acks,
      timeoutMs: 30_000,
      topicData: [{ ...byNameOrId(topic, version), partitionData: [{ index: partition, records: chunksOf(batch) }] }]
    }, options)
  }

  /** Appends and insists on it; gives the base offset. */
  async append (topic: TopicRef, records: readonly (NewRecord | string)[], partition = 0, options: BatchOptions = {}): Promise<number> {
    const { errorCode, errorMessage, baseOffset } = await this.produce(topic, batchOf(records, options), { partition })
    if (errorCode !== errors.NONE) throw new Error(`not appended: ${nameOf(errorCode)} ${errorMessage}`)
    return baseOffset
  }

  async fetch (topic: TopicRef, fetchOffset: number, options: FetchOptions = {}): Promise<Fetched> {
    const { maxWaitMs = 0, minBytes = 1, maxBytes = 50 * MIB, isolationLevel = 0, partition = 0, partitionMaxBytes = 50 * MIB } = options
    const { currentLeaderEpoch = -1, version = this.versions(Fetch).at(-1)! } = options
    const response = await this.call(Fetch, {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolationLevel,
      topics: [{ ...byNameOrId(topic, version), partitions: [{ partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch }] }]
    }, options)
    return response.responses[0]!.partitions[0]!
  }

  /** The values of everything in a partition, in order. */
  async values (topic: TopicRef, partition = 0): Promise<string[]> {
    const values: string[] = []
    for (let offset = await this.offset(topic, EARLIEST, partition), end = await this.offset(topic, LATEST, partition); offset < end;) {
      const batches = batchesOf(await this.fetch(topic, offset, { partition }))
      values.push(...batches.flatMap(batch => [...recordsIn(batch)]).filter(record => record.offset >= offset).map(({ value }) => String(value)))
      offset = batches.at(-1)!.nextOffset
    }
    return values
  }

  async offset (topic: TopicRef, timestamp: number, partition = 0): Promise<number> {
    const { topics } = await this.call(ListOffsets, { replicaId: -1, topics: [{ name: topic.name, partitions: [{ partitionIndex: partition, timestamp }] }] })
    return topics[0]!.partitions[0]!.offset
  }

  async producerId (): Promise<number> {
    return await eventually(async () => {
      const { errorCode, producerId } = await this.call(InitProducerId, { transactionalId: null, transactionTimeoutMs: 0 })
      return errorCode === errors.NONE ? producerId : null
    })
  }
}

export interface ProduceOptions extends CallOptions {
  readonly partition?: number
  readonly acks?: number
}

export const EARLIEST = -2
export const LATEST = -1

export const newName = (): string => `t-${randomBytes(6).toString('hex')}`

export const nameOf = (errorCode: number): ErrorName => errorRow(errorCode).name

export function byNameOrId ({ name, id }: TopicRef, version: number): { name: string, topic: string, topicId: string } {
  const known = version < TOPIC_IDS_SINCE ? name : ''
  return { name: known, topic: known, topicId: id }
}

export function batchOf (records: readonly (NewRecord | string)[], options: BatchOptions = {}): RecordBatch {
  return buildBatch(records.map(one => typeof one === 'string' ? { key: null, value: Buffer.from(one) } : one), options)
}

/** A copy: what is given to an engine is the engine's. */
function chunksOf (batch: RecordBatch | Buffer | readonly NewRecord[] | null): Buffer[] | null {
  if (batch === null) return null
  if (batch instanceof RecordBatch) return [Buffer.from(batch.bytes)]
  return [Buffer.isBuffer(batch) ? Buffer.from(batch) : buildBatch(batch as readonly NewRecord[]).bytes]
}

export function batchesOf ({ records }: { readonly records: readonly Buffer[] | null }): RecordBatch[] {
  return [...batchesIn(Buffer.concat(records ?? []))]
}

export function valuesOf (fetched: { readonly records: readonly Buffer[] | null }): string[] {
  return batchesOf(fetched).flatMap(batch => Array.from(recordsIn(batch), ({ value }) => String(value)))
}

/** What `look` finds, once it does; the test's own timeout bounds it. */
export async function eventually<T> (look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== null) return found
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
