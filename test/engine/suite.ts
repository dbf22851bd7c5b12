/**
 * What any engine must do, whatever is behind it: requests in, answers out, through Dispatch alone. Kafka's own broker
 * passes it too (`test/interop/engine-suite.test.ts`), which is how we know that it asks for the right things.
 */
import type { Test } from 'tap'
import type { Engine } from './suite/kit.ts'
import { configSuite } from './suite/configs.ts'
import { fetchSuite } from './suite/fetch.ts'
import { groupSuite } from './suite/groups.ts'
import { longPollSuite } from './suite/long-poll.ts'
import { offsetSuite } from './suite/offsets.ts'
import { orderSuite } from './suite/order.ts'
import { produceSuite } from './suite/produce.ts'
import { producerSuite } from './suite/producers.ts'
import { restartSuite } from './suite/restart.ts'
import { topicSuite } from './suite/topics.ts'

export interface EngineSuite {
  readonly name: string
  /** An engine that is ready, in a folder of its own, where it needs one. The suite closes it. */
  readonly open: (testdir: string) => Promise<Engine>
}

const parts = {
  produce: produceSuite,
  'idempotent producers': producerSuite,
  fetch: fetchSuite,
  'long polls': longPollSuite,
  order: orderSuite,
  offsets: offsetSuite,
  topics: topicSuite,
  configurations: configSuite,
  groups: groupSuite,
  restart: restartSuite
}

export function engineSuite (t: Test, { name, open }: EngineSuite): void {
  for (const [part, suite] of Object.entries(parts)) {
    t.test(`${name}: ${part}`, async t => {
      const engine = await open(t.testdir())
      suite(t, engine, open)
      t.test('and it can be closed', async () => { await engine.close() })
    })
  }
}
