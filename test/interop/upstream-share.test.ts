/**
 * Share groups (KIP-932) in front of three brokers, through two gateways: two of Kafka's own share consumers divide the records
 * of a topic between them, and every one is dealt with.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { Connection } from '../engine/connection.ts'
import { kafkaTool, startKafkaTool, tryKafkaTool } from './support/java.ts'
import { startCluster } from './support/kafka-cluster.ts'
import { startGateway } from './support/server.ts'

const COUNT = 2000
const PARTITIONS = 6

const cluster = await startCluster(t, { nodes: 3 })
const gateways = [await startGateway(t, cluster, '--node-id', '1'), await startGateway(t, cluster, '--node-id', '2')] as const
const [{ kafka: first }, { kafka: second }] = gateways

/** The lines of a group that match; none while it is not there. */
async function described (pattern: RegExp): Promise<number> {
  const { stdout } = await tryKafkaTool('consumer.group.ShareGroupCommand', ['--bootstrap-server', second, '--describe', '--group', 'sharers'])
  return stdout.split('\n').filter(line => pattern.test(line.trim())).length
}

async function eventually (what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 90_000
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`)
    await sleep(100)
  }
}

const GROUP = 32
const SET = 0

/** Where nobody says so, a share group begins at the end. */
async function fromTheBeginning (group: string): Promise<void> {
  const [host, port] = first.split(':')
  const connection = await Connection.open(Number(port), host)
  const { responses } = await connection.send(IncrementalAlterConfigs, 1, {
    resources: [{ resourceType: GROUP, resourceName: group, configs: [{ name: 'share.auto.offset.reset', configOperation: SET, value: 'earliest' }] }],
    validateOnly: false
  })
  connection.destroy()
  if (responses[0]!.errorCode !== 0) throw new Error(`refused: ${responses[0]!.errorCode} ${responses[0]!.errorMessage}`)
}

t.test('two consumers of a share group deal with every record, and the group knows', async t => {
  await kafkaTool('TopicCommand', ['--bootstrap-server', first, '--create', '--topic', 'shared', '--partitions', String(PARTITIONS)])
  await fromTheBeginning('sharers')
  const input = Array.from({ length: COUNT }, (_, i) => `${i}\n`).join('')
  await kafkaTool('ConsoleProducer', ['--bootstrap-server', second, '--topic', 'shared', '--command-property', 'batch.size=64'], { input })
  const consumers = await Promise.all(gateways.map(({ kafka }) => startKafkaTool(t, 'consumer.ConsoleShareConsumer', [
    '--bootstrap-server', kafka, '--topic', 'shared', '--group', 'sharers'
  ])))
  const seen = (): string[] => consumers.flatMap(({ stdout }) => stdout.split('\n')).filter(line => /^\d+$/.test(line))
  await eventually('every record is seen', () => new Set(seen()).size === COUNT)
  t.equal(seen().length, COUNT, 'once each, as no lock has run out')
  await eventually('nothing is left', async () => await described(/^sharers\s+shared\s+\d+\s+\d+\s+0$/) === PARTITIONS)
})
