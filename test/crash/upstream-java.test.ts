/**
 * What others have built on Kafka, through two gateways in front of three real brokers while these are killed and started
 * again in turn, for `UPSTREAM_MINUTES`: Kafka Streams with exactly_once_v2, Kafka Connect distributed, and the console tools.
 */
import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../support/batches.ts'
import { Connector } from './java/connect.ts'
import { Console } from './java/console.ts'
import { Streams } from './java/streams.ts'
import { startWorld } from './upstream-world.ts'

const minutes = Number(process.env['UPSTREAM_MINUTES'] ?? 2)
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)
const MINUTE_MS = 60_000
/** What is dead is so for this long at least: long enough for others to take over. */
const DEAD_MS = 6000
/** Whoever looks for a gateway has found another one by then, and comes back after it. */
const PAUSE_MS = 4000

t.test(`Streams, Connect and console tools go on for ${minutes} minutes while brokers and gateways are killed in turn`, {
  timeout: (minutes + 10) * MINUTE_MS
}, async t => {
  t.comment(`CRASH_SEED=${seed} UPSTREAM_MINUTES=${minutes}`)
  const { cluster, gateways, inSync } = await startWorld(t, seeded(seed))
  const bootstrap = gateways.map(({ kafkaPort }) => `127.0.0.1:${kafkaPort}`).join()
  const all = await Promise.all([Streams, Connector, Console].map(kind => kind.start(t, bootstrap)))

  const deadline = Date.now() + minutes * MINUTE_MS
  let kills = 0
  for (let round = 0; Date.now() < deadline; round++) {
    const node = cluster.nodes[round % cluster.nodes.length]!
    await node.kill()
    await sleep(DEAD_MS)
    await node.start()
    await inSync()
    const gateway = gateways[round % gateways.length]!
    await gateway.end('SIGKILL')
    await sleep(DEAD_MS)
    await gateway.start()
    await sleep(PAUSE_MS)
    kills += 2
  }
  t.comment(`${kills} kills`)

  // One after the other: each says what is wrong by itself.
  for (const one of all) await one.finish(t, cluster.bootstrap)
  for (const gateway of gateways) t.equal(await gateway.end('SIGTERM'), 0)
})
