/**
 * Nothing of the cluster shows: every request that two gateways advertise is spoken to them in every version, and every byte of
 * every answer searched for hosts, ports, node ids and racks of the three brokers behind them. The same search finds all four
 * kinds in what the brokers themselves answer.
 */
import t, { type Test } from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { apis } from '../../protocol/apis.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { kafkaVersion } from './support/against.ts'
import { KAFKA_VERSION } from './support/cache.ts'
import { startCluster } from './support/kafka-cluster.ts'
import { bodies } from './support/leak-bodies.ts'
import { buildWorld, longSessions, recordsOf, type World } from './support/leak-world.ts'
import { kinds, leaksIn, type Secrets } from './support/leaks.ts'
import { startGateway } from './support/server.ts'
import { Speaker } from './support/speaker.ts'

/** A broker closes the connection on a login that its listener does not have. */
const MAY_CLOSE = new Set(['SaslHandshake', 'SaslAuthenticate'])
const DISCOVERY_MS = 60_000
const GATEWAYS = new Set([1, 2])

let drawn = 0
const letters = 'abcdefghij'
/** Without a digit, so that it holds no port. */
const fresh = (): string => `fresh-${String(++drawn).replace(/\d/g, digit => letters[Number(digit)]!)}`

interface Spoken {
  readonly leaks: readonly string[]
  readonly kinds: ReadonlySet<string>
  /** How many pairs of request and version there were. */
  readonly pairs: number
}

/** Says all there is to say in every version that is advertised and that we know. */
async function speakAll (t: Test, address: string, world: World, secrets: Secrets): Promise<Spoken> {
  const speaker = new Speaker(address)
  t.teardown(() => speaker.close())
  const { apiKeys } = (await speaker.ask(ApiVersions, 3, { clientSoftwareName: 'speaker', clientSoftwareVersion: '1' }))!
  const brokers = (await speaker.ask(Metadata, 8, { topics: [] }))!.brokers.map(({ nodeId }) => nodeId)
  const leaks = new Set<string>()
  const found = new Set<string>()
  let pairs = 0
  for (const api of apis) {
    const range = apiKeys.find(({ apiKey }) => apiKey === api.key)
    if (range === undefined) continue
    const bodiesOf = bodies[api.name]
    if (bodiesOf === undefined) {
      t.fail(`${api.name} is advertised: leak-bodies.ts needs something to ask`)
      continue
    }
    for (let version = Math.max(range.minVersion, api.versions[0]); version <= Math.min(range.maxVersion, api.versions[1]); version++) {
      pairs++
      for (const body of bodiesOf({ world, version, brokers, fresh })) {
        try {
          const answer = await speaker.ask(api, version, body)
          if (answer === null && !MAY_CLOSE.has(api.name)) t.fail(`${api.name} v${version} at ${address}: the connection was closed on ${text(body)}`)
        } catch (error) {
          t.fail(`${api.name} v${version} at ${address}: ${(error as Error).message}: ${text(body)}`)
          speaker.close()
        }
      }
      // A broker closes the connection on what it does not lead; a gateway leads everything.
      if (api.key === Produce.key && secrets.visible !== null) {
        const { topic, topicId } = world
        const partitionData = [{ index: 0, records: recordsOf('silently') }]
        await speaker.tell(Produce, version, { acks: 0, timeoutMs: 5000, topicData: [{ name: topic, topicId, partitionData }] })
        t.ok(await speaker.ask(ApiVersions, 0, {}), `after Produce v${version} with acks=0 the next is answered`)
      }
      for (const heard of speaker.heard.splice(0)) {
        for (const { kind, where } of leaksIn(heard, secrets)) {
          leaks.add(where)
          found.add(kind)
        }
      }
    }
  }
  return { leaks: [...leaks], kinds: found, pairs }
}

const text = (body: object): string => JSON.stringify(body).slice(0, 300)

t.test('through two gateways', { timeout: 900_000 }, async t => {
  // What 3.9 has of the newer groups it keeps to itself until it is told.
  const newer = kafkaVersion === '3.9.1' ? ['group.coordinator.rebalance.protocols=classic,consumer'] : []
  const cluster = await startCluster(t, { nodes: 3, version: kafkaVersion, properties: [...longSessions, ...newer] })
  const world = await buildWorld(cluster)
  const secrets: Secrets = { nodes: cluster.nodes, hosts: cluster.hosts, visible: null }

  await t.test('the search finds what the brokers tell of themselves', async t => {
    const { kinds: found, pairs, leaks } = await speakAll(t, cluster.nodes[0]!.address, world, secrets)
    t.strictSame([...found].sort(), [...kinds].sort())
    t.comment(`${pairs} (api, version) at Kafka ${kafkaVersion} itself: ${leaks.length} different leaks`)
    // One that finds them everywhere would not tell much.
    const tell = ['Metadata', 'FindCoordinator', 'DescribeCluster', 'DescribeConfigs', ...kafkaVersion === KAFKA_VERSION ? ['DescribeTopicPartitions'] : []]
    for (const name of tell) {
      t.ok(leaks.some(leak => leak.startsWith(`${name} `)), `in ${name}`)
    }
    t.notOk(leaks.some(leak => /^(Heartbeat|InitProducerId|ListOffsets) /.test(leak)), 'and nowhere else')
  })

  const gateways: string[] = []
  for (const id of GATEWAYS) gateways.push((await startGateway(t, cluster, '--node-id', String(id))).kafka)
  for (const address of gateways) {
    const speaker = new Speaker(address)
    for (const deadline = Date.now() + DISCOVERY_MS; ; await sleep(200)) {
      const { brokers } = (await speaker.ask(Metadata, 8, { topics: [] }))!
      if (brokers.length === GATEWAYS.size) break
      if (Date.now() > deadline) {
        t.fail(`${address} knows ${brokers.map(({ nodeId }) => nodeId).join(', ')} after ${DISCOVERY_MS} ms`)
        break
      }
    }
    speaker.close()
  }

  let triples = 0
  for (const address of gateways) {
    await t.test(`the gateway at ${address} keeps it to itself`, async t => {
      const { leaks, pairs } = await speakAll(t, address, world, { ...secrets, visible: GATEWAYS })
      t.strictSame(leaks, [])
      t.ok(pairs > 50, `${pairs} (api, version) are advertised`)
      triples += pairs
    })
  }
  t.comment(`${triples} (api, version, gateway) were spoken in front of Kafka ${kafkaVersion}`)
})
