/**
 * Fetch sessions before an engine that answers what it is told to, and words to ask with.
 */
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { anonymous, compose, neverAborted, type Context, type Dispatch, type Door, type Principal } from '../../../protocol/rpc.ts'
import type { Request, Response } from '../../../protocol/schema.ts'
import { FetchSessionCache, type FetchSessionBounds } from '../../../src/policies/fetch-session-cache.ts'
import { fetchSessions } from '../../../src/policies/fetch-sessions.ts'

type FetchResponse = Response<typeof Fetch>
export type Answer = Partial<FetchResponse['responses'][number]['partitions'][number]>

export const BY_NAME = 12
export const BY_ID = 17
/** An id is what a topic's name is for the versions that have ids. */
const idOf = (name: string): string => name.padEnd(22, 'A')

export interface Asked {
  readonly id?: number
  readonly epoch?: number
  /** `a-0`: from the offset. */
  readonly want?: Readonly<Record<string, number>>
  readonly forget?: readonly string[]
  readonly version?: number
  readonly principal?: Principal
  readonly door?: Door
}

/** What a client heard: session, error, and of each partition what is not usual. */
export interface Heard {
  readonly id: number
  readonly error: number
  readonly partitions: readonly string[]
}

export class Bench {
  nowMs = 0
  readonly cache: FetchSessionCache
  readonly dispatch: Dispatch
  /** What has come through, `a-0@5`. */
  seen: string[] = []
  requests: Request<typeof Fetch>[] = []
  /** What a partition answers now. */
  readonly answers = new Map<string, Answer>()
  error: number = errors.NONE
  /** Before an answer. */
  pause: Promise<void> = Promise.resolve()

  constructor (bounds: FetchSessionBounds = {}) {
    this.cache = new FetchSessionCache(bounds, () => this.nowMs)
    const engine = (async (_api: unknown, request: Request<typeof Fetch>) => await this.#answer(request)) as unknown as Dispatch
    this.dispatch = compose(engine, fetchSessions(this.cache))
  }

  async #answer (request: Request<typeof Fetch>): Promise<FetchResponse> {
    this.requests.push(request)
    this.seen = request.topics.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(({ partition, fetchOffset }) => `${topic || topicId.replace(/A+$/, '')}-${partition}@${fetchOffset}`))
    await this.pause
    return complete(Fetch.response, {
      errorCode: this.error,
      sessionId: 0,
      responses: request.topics.map(({ topic, topicId, partitions }) => ({
        topic,
        topicId,
        partitions: partitions.map(({ partition }) => ({
          partitionIndex: partition,
          errorCode: 0,
          highWatermark: 0,
          logStartOffset: 0,
          abortedTransactions: null,
          records: [],
          ...this.answers.get(`${topic || topicId.replace(/A+$/, '')}-${partition}`)
        }))
      }))
    })
  }

  context ({ version = BY_NAME, principal = anonymous, door = 'kafka' }: Asked): Context {
    return { principal, door, clientId: 'test', address: '127.0.0.1', version, signal: neverAborted, throttleMs: 0 }
  }

  request ({ id = 0, epoch = 0, want = {}, forget = [], version = BY_NAME }: Asked): Request<typeof Fetch> {
    const topicOf = (name: string): { topic: string } | { topicId: string } => version >= 13 ? { topicId: idOf(name) } : { topic: name }
    return complete(Fetch.request, {
      maxWaitMs: 500,
      minBytes: 1,
      sessionId: id,
      sessionEpoch: epoch,
      topics: Object.entries(want).map(([one, fetchOffset]) => {
        const [name, partition] = one.split('-') as [string, string]
        return { ...topicOf(name), partitions: [{ partition: Number(partition), fetchOffset, partitionMaxBytes: 1000 }] }
      }),
      forgottenTopicsData: forget.map(one => {
        const [name, partition] = one.split('-') as [string, string]
        return { ...topicOf(name), partitions: [Number(partition)] }
      })
    })
  }

  async ask (asked: Asked): Promise<Heard> {
    const { sessionId, errorCode, responses } = await this.dispatch(Fetch, this.request(asked), this.context(asked))
    return {
      id: sessionId,
      error: errorCode,
      partitions: responses.flatMap(({ topic, topicId, partitions }) =>
        partitions.map(({ partitionIndex }) => `${topic || topicId.replace(/A+$/, '')}-${partitionIndex}`))
    }
  }

  /** The id of a new session. */
  async begin (want: Readonly<Record<string, number>> = { 'a-0': 0, 'a-1': 0, 'b-0': 0 }, more: Asked = {}): Promise<number> {
    return (await this.ask({ ...more, want })).id
  }
}
