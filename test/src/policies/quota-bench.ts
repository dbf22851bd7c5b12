/**
 * Quotas with a clock that is set by hand, over an engine that answers as told.
 */
import { complete } from '../../../protocol/defaults.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { neverAborted, type Context, type Dispatch, type Door } from '../../../protocol/rpc.ts'
import type { Api, Request } from '../../../protocol/schema.ts'
import type { QuotaValues } from '../../../src/access/model.ts'
import { QuotaTable } from '../../../src/access/quota-table.ts'
import { quota, Quotas, type QuotaOptions } from '../../../src/policies/quota.ts'

export const context = (door: Door = 'kafka', user = 'alice', clientId = 'app'): Context =>
  ({ principal: { type: 'User', name: user }, door, clientId, address: '127.0.0.1', version: 9, signal: neverAborted, throttleMs: 0 })

/** Where time is set by hand nobody waits for his turn. */
export const noTurns: QuotaOptions = { turns: { has: () => false, take: () => Promise.resolve() } }

export class Bench {
  nowMs = 1000
  readonly table = new QuotaTable()
  readonly quotas: Quotas
  readonly dispatch: Dispatch
  /** Requests as the engine saw them. */
  readonly seen: unknown[] = []
  answer: (request: never) => unknown = () => complete(Produce.response, { responses: [] })

  constructor (values: QuotaValues | null = null, options?: QuotaOptions) {
    this.quotas = new Quotas(this.table, () => this.nowMs, { ...noTurns, ...options })
    if (values !== null) this.table.set({ user: 'alice' }, values)
    this.dispatch = quota(this.quotas)((async (_api: Api, request: unknown) => {
      this.seen.push(request)
      return this.answer(request as never)
    }) as unknown as Dispatch)
  }

  /** Returns the throttle time. */
  async produce (bytes: number, { asker = context(), acks = -1 }: { asker?: Context, acks?: number } = {}): Promise<number> {
    await this.dispatch(Produce, produceOf(bytes, acks), asker)
    return asker.throttleMs
  }

  async heartbeat (asker = context()): Promise<number> {
    await this.dispatch(Heartbeat, complete(Heartbeat.request, { groupId: 'g', generationId: 1, memberId: 'm' }), asker)
    return asker.throttleMs
  }

  /** What has been counted, as `quota door: times`. */
  get counted (): string[] {
    return Array.from(this.quotas.stats.throttled(), ([key, door, { counts }]) => `${key} ${door}: ${counts.reduce((sum, one) => sum + one)}`)
  }
}

/** Over two topics and three partitions, one of them in two chunks. */
export const produceOf = (bytes: number, acks = -1): Request<typeof Produce> => {
  const half = Math.floor(bytes / 2)
  return complete(Produce.request, {
    acks,
    timeoutMs: 1,
    topicData: [
      { name: 'a', partitionData: [{ index: 0, records: [Buffer.alloc(half)] }, { index: 1, records: null }] },
      { name: 'b', partitionData: [{ index: 0, records: [Buffer.alloc(bytes - half - 1), Buffer.alloc(1)] }] }
    ]
  })
}
