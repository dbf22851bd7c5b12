/**
 * The same with the producer of others: Kafka's own, in its default settings but for its patience, writes while the server
 * is killed. What it says was acknowledged is there, once and in order.
 */
import t from 'tap'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKafkaTool } from '../interop/support/java.ts'
import { seeded } from '../support/batches.ts'
import { readAll } from './load.ts'
import { Server } from './server.ts'

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 5)
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)
const TOPIC = 'verifiable'
/** The tool would give up at the first error. */
const PATIENCE = 'retries=2147483647\ndelivery.timeout.ms=600000\nenable.idempotence=true\nreconnect.backoff.ms=20\nreconnect.backoff.max.ms=100\n'

t.test(`Kafka's idempotent producer loses nothing and repeats nothing, though the server is killed ${rounds} times`, {
  timeout: 180_000 + rounds * 20_000
}, async t => {
  t.comment(`CRASH_SEED=${seed}`)
  const random = seeded(seed)
  const folder = t.testdir({ data: {}, 'producer.properties': PATIENCE })
  const server = await Server.create(t, [], { dataFolder: join(folder, 'data') })
  const bootstrap = `127.0.0.1:${server.kafkaPort}`
  await server.start()
  const producer = await startKafkaTool(t, 'VerifiableProducer', [
    '--bootstrap-server', bootstrap, '--topic', TOPIC, '--throughput', '3000', '--acks', '-1', '--command-config', join(folder, 'producer.properties')
  ])
  const acknowledged = (): { value: string, partition: number, offset: number }[] => producer.stdout.split('\n').slice(0, -1)
    .filter(line => line.includes('producer_send_success')).map(line => JSON.parse(line) as { value: string, partition: number, offset: number })
  for (let round = 0; round < rounds; round++) {
    const before = producer.stdout.length
    while (producer.stdout.length < before + 1000) await sleep(20)
    await sleep(random() * 1500)
    await server.end('SIGKILL')
    await server.start()
  }
  const before = producer.stdout.length
  while (producer.stdout.length < before + 1000) await sleep(20)
  await producer.end('SIGTERM') // it waits for what is under way
  const acks = acknowledged()
  t.notMatch(producer.stdout, 'producer_send_error', 'nothing failed')
  t.comment(`${acks.length} records acknowledged`)
  const found = await readAll(server.kafkaPort, TOPIC, 1)
  const records = found.get(`${TOPIC}-0`)!
  const there = new Map(records)
  t.strictSame(acks.filter(({ value, offset }) => there.get(offset) !== value).slice(0, 5), [], 'all are there at their offsets')
  const numbers = records.map(([, value]) => Number(value))
  t.equal(new Set(numbers).size, numbers.length, 'none is there twice')
  t.strictSame(numbers, numbers.toSorted((a, b) => a - b), 'and all are in order')
  t.ok(acks.length > rounds * 500)
  t.equal(await server.end('SIGTERM'), 0)
})
