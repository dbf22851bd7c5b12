/**
 * The rules about records over a real log, with a registry in memory and everything that a test wants to hear of.
 */
import type { Test } from 'tap'
import { RecordBatch, batchesIn } from '../../../protocol/batch.ts'
import { complete } from '../../../protocol/defaults.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { buildBatch, recordsIn, type BatchOptions, type LogRecord, type NewRecord } from '../../../protocol/records.ts'
import { anonymous, compose, neverAborted, newest, type Context, type Dispatch } from '../../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../../protocol/schema.ts'
import { AccessStore } from '../../../src/access/store.ts'
import { validate, type ValidateOptions } from '../../../src/policies/validate.ts'
import { ValidationStats } from '../../../src/policies/validate-stats.ts'
import { validationSettings, type SettingsOptions } from '../../../src/policies/validation-settings.ts'
import { ValidationTable } from '../../../src/policies/validation-table.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { FakeCatalog } from '../schemas/fake-catalog.ts'

export const context: Context = {
  principal: anonymous, door: 'kafka', clientId: 'test', address: '10.0.0.9', version: 0, signal: neverAborted, throttleMs: 0
}

export interface House {
  readonly engine: Dispatch
  readonly supports: ReadonlyMap<number, readonly [number, number]>
  readonly dispatch: Dispatch
  readonly catalog: FakeCatalog
  readonly table: ValidationTable
  readonly store: AccessStore
  readonly stats: ValidationStats
  /** What was let in, in shadow. */
  readonly letIn: string[]
  readonly changes: string[]
  ask<A extends Api> (api: A, request: RequestInput<A>, version?: number, door?: Context['door']): Promise<Response<A>>
  /** With these configurations, in one partition unless said otherwise. */
  create (topic: string, configs?: Readonly<Record<string, string>>, partitions?: number): Promise<void>
  configure (topic: string, configs: Readonly<Record<string, string | null>>): Promise<Response<typeof IncrementalAlterConfigs>['responses'][number]>
  /** One batch to one partition. */
  send (topic: string, records: readonly NewRecord[], options?: BatchOptions, partition?: number): Promise<PartitionResponse>
  stored (topic: string, partition?: number): Promise<LogRecord[]>
  values (topic: string, partition?: number): Promise<Array<string | null>>
}

export type PartitionResponse = Response<typeof Produce>['responses'][number]['partitionResponses'][number]

export async function openHouse (t: Test, options: Partial<ValidateOptions & SettingsOptions> = {}): Promise<House> {
  const { engine } = await openEngine(t, t.testdir())
  const store = new AccessStore(engine.dispatch)
  await store.open()
  t.teardown(() => store.close())
  const catalog = new FakeCatalog()
  const table = new ValidationTable(store)
  table.opened()
  const stats = new ValidationStats()
  const letIn: string[] = []
  const changes: string[] = []
  const dispatch = compose(engine.dispatch,
    validationSettings({
      table, mayWrite: () => true, onChange: (_context, topic, configs) => changes.push(`${topic} ${JSON.stringify(configs)}`), ...options
    }),
    validate({ table, catalog, stats, onLetIn: (topic, partition, { message }, count) => letIn.push(`${topic}-${partition} ${count} ${message}`), ...options }))

  const house: House = {
    engine: engine.dispatch,
    supports: engine.supports,
    dispatch,
    catalog,
    table,
    store,
    stats,
    letIn,
    changes,
    ask: async (api, request, version = newest(api), door = 'kafka') =>
      await dispatch(api, complete(api.request, request as never) as never, { ...context, door, version }),
    async create (topic, configs = {}, numPartitions = 1) {
      const { topics: [created] } = await house.ask(CreateTopics, {
        topics: [{
          name: topic, numPartitions, replicationFactor: 1, assignments: [], configs: Object.entries(configs).map(([name, value]) => ({ name, value }))
        }]
      })
      if (created!.errorCode !== 0) throw new Error(created!.errorMessage ?? String(created!.errorCode))
    },
    async configure (topic, configs) {
      const { responses } = await house.ask(IncrementalAlterConfigs, {
        resources: [{
          resourceType: 2,
          resourceName: topic,
          configs: Object.entries(configs).map(([name, value]) => ({ name, configOperation: value === null ? 1 : 0, value }))
        }],
        validateOnly: false
      })
      return responses[0]!
    },
    async send (topic, records, batchOptions = {}, partition = 0) {
      const { responses } = await house.ask(Produce, produceOf({ [topic]: { [partition]: buildBatch(records, batchOptions) } }), 12)
      return responses[0]!.partitionResponses[0]!
    },
    async stored (topic, partition = 0) {
      const { topics: [found] } = await house.ask(Metadata, { topics: [{ name: topic }], allowAutoTopicCreation: false })
      const { responses } = await house.ask(Fetch, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 50_000_000,
        topics: [{ topic, topicId: found!.topicId, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 50_000_000 }] }]
      })
      return [...batchesIn(Buffer.concat(responses[0]?.partitions[0]?.records ?? []))].flatMap(batch => [...recordsIn(batch)])
    },
    values: async (topic, partition = 0) => (await house.stored(topic, partition)).map(({ value }) => value === null ? null : value.toString('latin1'))
  }
  return house
}

/** By topic and partition. */
export function produceOf (batches: Readonly<Record<string, Readonly<Record<number, RecordBatch>>>>, acks = -1): RequestInput<typeof Produce> {
  return {
    acks,
    timeoutMs: 1000,
    topicData: Object.entries(batches).map(([name, partitions]) => ({
      name, partitionData: Object.entries(partitions).map(([index, batch]) => ({ index: Number(index), records: [batch.bytes] }))
    }))
  }
}

export function framed (id: number, value: unknown): Buffer {
  const bytes = Buffer.from(`\0\0\0\0\0${JSON.stringify(value)}`, 'latin1')
  bytes.writeInt32BE(id, 1)
  return bytes
}

export const valued = (value: Buffer | string | null, rest: Partial<NewRecord> = {}): NewRecord =>
  ({ key: null, value: typeof value === 'string' ? Buffer.from(value) : value, ...rest })
