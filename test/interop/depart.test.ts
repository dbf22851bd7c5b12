/**
 * Real clients before two gateways, of which one stops: they go on with the other, and lose nothing. What is behind the
 * gateways is one log, shown as two brokers.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { compose, on, type Policy } from '../../protocol/rpc.ts'
import { Gateways } from '../../src/gateways/gateways.ts'
import { untilQuiet } from '../../src/kafka/quiet.ts'
import { depart } from '../../src/policies/depart.ts'
import { FetchSessionCache } from '../../src/policies/fetch-session-cache.ts'
import { fetchSessions } from '../../src/policies/fetch-sessions.ts'
import { openDoor, type Door } from '../src/kafka/wire.ts'
import { openEngine } from '../storage/embedded/support.ts'
import { startKafkaTool } from './support/java.ts'
import { startKcat } from './support/kcat.ts'
import { linesOf, topicName } from './support/lines.ts'
import { temporaryFolder } from './support/ports.ts'

const COUNT = 6000
const GRACE_MS = 20_000
const LISTENER = 'PLAINTEXT'

/** Partitions and groups are spread over the gateways that take clients. */
function virtual (gateways: Gateways): Policy {
  const nodeOf = (index: number): number => gateways.live()[index % gateways.live().length]!
  const metadata = on(Metadata, async (request, _context, next) => {
    const response = await next(request)
    return {
      ...response,
      brokers: gateways.live().map(nodeId => ({ nodeId, host: '', port: 0, rack: null })),
      controllerId: nodeOf(0),
      topics: response.topics.map(topic => ({
        ...topic,
        partitions: topic.partitions.map(partition => {
          const leaderId = nodeOf(partition.partitionIndex)
          return { ...partition, leaderId, replicaNodes: [leaderId], isrNodes: [leaderId] }
        })
      }))
    }
  })
  const coordinator = on(FindCoordinator, async (request, { version }, next) => {
    const response = await next(request)
    const node = { nodeId: nodeOf(0), host: '', port: 0 }
    return version < 4 ? { ...response, ...node } : { ...response, coordinators: response.coordinators.map(one => ({ ...one, ...node })) }
  })
  return next => metadata(coordinator(next))
}

t.test('one of two gateways stops under load', { timeout: 120_000 }, async t => {
  const { engine, client } = await openEngine(t, temporaryFolder(t))
  const topic = topicName('depart')
  await client.topic(4, {}, topic)
  const sides: { gateways: Gateways, door: Door }[] = []
  for (const nodeId of [0, 1]) {
    const gateways = new Gateways(engine.dispatch, { nodeId })
    t.teardown(() => gateways.close())
    const door = await openDoor(t, {
      name: LISTENER,
      supports: engine.supports,
      addressOf: (id, listener, own) => gateways.addressOf(id, listener, own),
      dispatch: compose(engine.dispatch, fetchSessions(new FetchSessionCache()), depart(() => gateways.isLeaving), virtual(gateways))
    })
    await gateways.open()
    await gateways.announce(new Map([[LISTENER, { host: '127.0.0.1', port: door.port }]]))
    sides.push({ gateways, door })
  }
  const [first, second] = sides as [typeof sides[0], typeof sides[0]]
  const brokers = sides.map(({ door }) => `127.0.0.1:${door.port}`).join()

  const java = await startKafkaTool(t, 'consumer.ConsoleConsumer', ['--bootstrap-server', brokers, '--topic', topic, '--group', 'java', '--from-beginning'])
  const kcat = startKcat(t, brokers, ['-u', '-G', 'kcat', '-X', 'auto.offset.reset=earliest', topic])
  // The tool does not send again, unless it is told to as every other producer does.
  const config = join(temporaryFolder(t), 'producer.properties')
  writeFileSync(config, 'enable.idempotence=true\nretries=2147483647\n')
  const producer = await startKafkaTool(t, 'VerifiableProducer',
    ['--bootstrap-server', brokers, '--topic', topic, '--throughput', '300', '--max-messages', `${COUNT}`, '--command-config', config])
  await producer.until(/producer_send_success/)
  await java.until(/^\d+$/m)
  await kcat.until(/^\d+$/m)
  t.ok(first.door.stats.connections >= 3, 'both have clients')
  t.ok(second.door.stats.connections >= 3)

  const startedMs = performance.now()
  await first.gateways.drain()
  t.same(second.gateways.live(), [1])
  await untilQuiet(first.door.stats, GRACE_MS)
  const tookMs = performance.now() - startedMs
  t.ok(tookMs < 10_000, `its clients were gone after ${tookMs.toFixed(0)} ms`)
  t.match(producer.stdout.split('\n').filter(line => line.includes('producer_send_error')), [], 'before it closed')
  t.ok(linesOf(producer.stdout).length < COUNT, 'and under load')
  await first.door.listener.close(0)
  await first.gateways.close()

  t.equal(await producer.exit, 0)
  const events = linesOf(producer.stdout).map(line => JSON.parse(line) as { name: string, value?: string })
  t.equal(events.filter(({ name }) => name === 'producer_send_success').length, COUNT, 'everything was acknowledged')
  const all = Array.from({ length: COUNT }, (_one, i) => `${i}`).sort()
  for (const [name, consumer] of [['Java', java], ['librdkafka', kcat]] as const) {
    await consumer.untilIt('read everything', ({ stdout }) => new Set(linesOf(stdout)).size >= COUNT ? true : null)
    t.same(linesOf(consumer.stdout).filter(line => /^\d+$/.test(line)).sort(), all, `${name}: each once`)
  }
})
