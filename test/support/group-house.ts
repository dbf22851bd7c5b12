/**
 * Consumers of a group over the embedded engine.
 */
import t, { type Test } from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { anonymous, neverAborted, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { consumerTiming, GroupConsumer, type ConsumerTiming, type GroupConsumerOptions } from '../../src/client/group-consumer.ts'
import type { Sink } from '../../src/client/group-fetch.ts'
import { fetchOffsets } from '../../src/client/group-offsets.ts'
import { produce } from '../../src/client/producer.ts'
import type { EmbeddedEngine } from '../../storage/embedded/engine.ts'
import { withEngine } from './embedded-door.ts'

export const context: Context = { principal: anonymous, door: 'http', clientId: 'test', address: '127.0.0.1', version: 0, signal: neverAborted, throttleMs: 0 }
const quick: ConsumerTiming = { ...consumerTiming, heartbeatMs: 20, refreshMs: 50, autoCommitMs: 0, sessionTimeoutMs: 6000, rebalanceTimeoutMs: 5000 }

export interface House {
  readonly engine: EmbeddedEngine
  readonly dispatch: Dispatch
  readonly consumer: (options?: Partial<GroupConsumerOptions>, timing?: Partial<ConsumerTiming>, through?: Dispatch) => GroupConsumer
  readonly write: (topic: string, partition: number, ...values: readonly string[]) => Promise<void>
}

export function houseTest (name: string, run: (t: Test, house: House) => Promise<void>): void {
  t.test(name, async t => withEngine(t.testdir(), async engine => {
    const consumers: GroupConsumer[] = []
    const dispatch = engine.dispatch
    try {
      await run(t, {
        engine,
        dispatch,
        consumer (options = {}, timing = {}, through = dispatch) {
          const settings = { groupId: 'g', reset: 'earliest', autoCommit: false, minBytes: 1, ...options } as const
          const one = new GroupConsumer(through, context, settings, { ...quick, ...timing })
          consumers.push(one)
          return one
        },
        async write (topic, partition, ...values) {
          await produce(dispatch, context, topic, values.map(value => ({ key: null, value: Buffer.from(value), partition })))
        }
      })
    } finally {
      for (const one of consumers) await one.close()
    }
  }))
}

/** Polls until nothing comes any more, or there is as much as is waited for. */
export async function read (consumer: GroupConsumer, count = Infinity, waitMs = count === Infinity ? 300 : 5000, limit = Infinity): Promise<string[]> {
  const values: string[] = []
  for (;;) {
    const before = values.length
    const sink: Sink = {
      record: (_, { value }) => values.length < limit && values.push(value!.toString()) > 0,
      unreadable: () => { throw new Error('unreadable') }
    }
    await consumer.poll(context, sink, { waitMs, maxBytes: 1_000_000 })
    if (values.length === before || values.length >= count || values.length >= limit) return values
  }
}

export async function eventually (condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 8000; !await condition(); await sleep(10)) if (Date.now() > deadline) throw new Error(`never: ${what}`)
}

export const committed = async (dispatch: Dispatch, topic: string, partition = 0): Promise<number | undefined> =>
  (await fetchOffsets(dispatch, context, 'g', [{ topic, partition }]))[0]?.offset
