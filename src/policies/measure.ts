/**
 * Counts what passes the waist: requests, errors, times, records and bytes, by door and api. The same for every door,
 * because every door comes through here.
 *
 * Nothing is decoded: record counts and sizes are read from the headers of the batches.
 */
import { BATCH_HEADER_BYTES, batchSizeAt } from '../../protocol/batch.ts'
import { errorRow, errors, KafkaError } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { ShareFetch } from '../../protocol/messages/78-share-fetch.ts'
import type { Context, Door, Policy } from '../../protocol/rpc.ts'
import type { Api, Chunks, Request, Response } from '../../protocol/schema.ts'
import { Histogram, WAIT_SECONDS, WORK_SECONDS } from '../histogram.ts'
import { errorVisitor, type VisitErrors } from './error-visitor.ts'

/** Requests of these are held until there is something to say: their time is no measure of work. */
const waiting: ReadonlySet<number> = new Set([Fetch.key, JoinGroup.key, SyncGroup.key, ShareFetch.key])

/** More than any api has versions. */
const MAX_VERSIONS = 64

/** One api at one door. */
export class ApiStats {
  readonly api: Api
  readonly isWaiting: boolean
  /** Requests by version. */
  readonly requests = new Float64Array(MAX_VERSIONS)
  /** Errors in answers, by code: one for each topic, partition, group ... that failed. Unknown codes count as -1. */
  readonly errors = new Map<number, number>()
  /** Requests whose caller left before the answer. */
  abandoned = 0
  readonly seconds: Histogram
  readonly #visit: VisitErrors
  readonly #addError = (code: number): void => {
    const known = errorRow(code).code
    this.errors.set(known, (this.errors.get(known) ?? 0) + 1)
  }

  constructor (api: Api) {
    this.api = api
    this.isWaiting = waiting.has(api.key)
    this.seconds = new Histogram(this.isWaiting ? WAIT_SECONDS : WORK_SECONDS)
    this.#visit = errorVisitor(api.response)
  }

  asked (version: number): void {
    this.requests[version >= 0 && version < MAX_VERSIONS ? version : 0]!++
  }

  /** Returns how many errors the answer carries. */
  answered (response: unknown, elapsedMs: number): number {
    this.seconds.observe(elapsedMs / 1000)
    return this.#visit(response, this.#addError)
  }

  failed (error: unknown, context: Context, elapsedMs: number): void {
    this.seconds.observe(elapsedMs / 1000)
    if (context.signal.aborted) this.abandoned++
    else this.#addError(error instanceof KafkaError ? error.errorCode : errors.UNKNOWN_SERVER_ERROR)
  }
}

/** Records and bytes of record batches at one door, as they travel: compressed, headers included. */
export interface Traffic {
  recordsIn: number
  bytesIn: number
  recordsOut: number
  bytesOut: number
}

interface DoorStats {
  readonly apis: Map<number, ApiStats>
  readonly traffic: Traffic
}

/** What has passed since the process started. */
export class RequestStats {
  readonly #doors = new Map<Door, DoorStats>()

  door (door: Door): DoorStats {
    let stats = this.#doors.get(door)
    if (stats === undefined) {
      stats = { apis: new Map(), traffic: { recordsIn: 0, bytesIn: 0, recordsOut: 0, bytesOut: 0 } }
      this.#doors.set(door, stats)
    }
    return stats
  }

  of ({ apis }: DoorStats, api: Api): ApiStats {
    let stats = apis.get(api.key)
    if (stats === undefined) {
      stats = new ApiStats(api)
      apis.set(api.key, stats)
    }
    return stats
  }

  * apis (): Generator<readonly [Door, ApiStats]> {
    for (const [door, { apis }] of this.#doors) for (const stats of apis.values()) yield [door, stats]
  }

  * traffic (): Generator<readonly [Door, Readonly<Traffic>]> {
    for (const [door, { traffic }] of this.#doors) yield [door, traffic]
  }
}

export function measure (stats: RequestStats): Policy {
  return next => async <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
    const door = stats.door(context.door)
    const one = stats.of(door, api)
    one.asked(context.version)
    const startedMs = performance.now()
    try {
      const response = await next(api, request, context)
      const failures = one.answered(response, performance.now() - startedMs)
      if (api.key === Produce.key) addProduced(request as Request<typeof Produce>, response as Response<typeof Produce>, failures, door.traffic)
      else if (api.key === Fetch.key || api.key === ShareFetch.key) addFetched(response as Response<typeof Fetch> | Response<typeof ShareFetch>, door.traffic)
      return response
    } catch (error) {
      one.failed(error, context, performance.now() - startedMs)
      throw error
    }
  }
}

/** Only what was accepted counts, and only after it was: until then the header of a batch is a stranger's claim. */
function addProduced (request: Request<typeof Produce>, response: Response<typeof Produce>, failures: number, traffic: Traffic): void {
  const failed = failures === 0 ? null : failedPartitions(response)
  for (const { name, topicId, partitionData } of request.topicData) {
    for (const { index, records } of partitionData) {
      if (records === null || failed?.has(`${name}/${index}`) === true || failed?.has(`${topicId}/${index}`) === true) continue
      traffic.recordsIn += recordCount(records)
      traffic.bytesIn += byteCount(records)
    }
  }
}

/** By name and by id: the request may use the one and the answer know both. */
function failedPartitions (response: Response<typeof Produce>): ReadonlySet<string> {
  const failed = new Set<string>()
  for (const { name, topicId, partitionResponses } of response.responses) {
    for (const { index, errorCode } of partitionResponses) {
      if (errorCode === errors.NONE) continue
      if (name !== '') failed.add(`${name}/${index}`)
      if (topicId !== NO_TOPIC_ID) failed.add(`${topicId}/${index}`)
    }
  }
  return failed
}

/** The uuid of a field that is absent. */
const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

function addFetched (response: Response<typeof Fetch> | Response<typeof ShareFetch>, traffic: Traffic): void {
  for (const { partitions } of response.responses) {
    for (const { records } of partitions) {
      if (records === null) continue
      traffic.recordsOut += recordCount(records)
      traffic.bytesOut += byteCount(records)
    }
  }
}

function recordCount (chunks: Chunks): number {
  let count = 0
  for (const chunk of chunks) {
    let position = 0
    while (position + BATCH_HEADER_BYTES <= chunk.length) {
      const size = batchSizeAt(chunk, position)
      if (size < BATCH_HEADER_BYTES) break
      // The number of records is the last field of the header.
      count += chunk.readInt32BE(position + BATCH_HEADER_BYTES - 4)
      position += size
    }
  }
  return count
}

function byteCount (chunks: Chunks): number {
  let size = 0
  for (const chunk of chunks) size += chunk.length
  return size
}
