/**
 * What the clients talk to, as the environment has it. `INTEROP_AGAINST` is `kafka` for a broker of Apache Kafka itself,
 * `upstream` or `upstream3` for Barnabas in front of a Kafka of one or three brokers, and nothing for Barnabas over its own log.
 * `INTEROP_KAFKA` is the version of the brokers behind it.
 */
import root, { type Test } from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import type { Api } from '../../../protocol/schema.ts'
import { Connection } from '../../engine/connection.ts'
import { KAFKA_VERSION, type KafkaVersion } from './cache.ts'
import { startCluster, type Cluster } from './kafka-cluster.ts'

const SETTINGS = ['', 'kafka', 'upstream', 'upstream3'] as const
const VERSIONS: readonly KafkaVersion[] = [KAFKA_VERSION, '3.9.1', '2.8.2']
const CLEARED_WITHIN_MS = 30_000

function oneOf<T extends string> (name: string, fallback: T, values: readonly T[]): T {
  const given = process.env[name] ?? fallback
  const found = values.find(value => value === given)
  if (found === undefined) throw new Error(`${name}=${given}: expected one of ${values.filter(value => value !== '').join(', ')}`)
  return found
}

const against = oneOf('INTEROP_AGAINST', '', SETTINGS)
export const kafkaVersion = oneOf('INTEROP_KAFKA', KAFKA_VERSION, VERSIONS)

export const againstKafka = against === 'kafka'
export const againstUpstream = against === 'upstream' || against === 'upstream3'

/** Several brokers lead what clients see at one. */
export const behindMany = against === 'upstream3'

/** What `t.test` takes to pass over a test that needs what Kafka does not have. */
export const needsHttp = againstKafka ? { skip: 'a Kafka broker has no HTTP' } : {}
/** ... and one that opens the files of the log. */
export const needsFiles = against === '' ? {} : { skip: 'the files of the log are Kafka\'s' }

/** ... and one that asks for a version of an api that an older Kafka does not have. */
export async function needs (server: { readonly kafka: string }, api: Api, since = api.versions[0]): Promise<{ readonly skip?: string }> {
  const [host, port] = server.kafka.split(':')
  const connection = await Connection.open(Number(port), host)
  try {
    const { apiKeys } = await connection.send(ApiVersions, 3, { clientSoftwareName: 'interop', clientSoftwareVersion: '1' })
    const range = apiKeys.find(({ apiKey }) => apiKey === api.key)
    if (range !== undefined && range.maxVersion >= since) return {}
    return { skip: `needs ${api.name} v${since}; ${range === undefined ? 'it is' : `up to v${range.maxVersion} is`} what is there` }
  } finally {
    connection.destroy()
  }
}

let cluster: Promise<Cluster> | null = null
let isTaken = false
let isUsed = false

/** The cluster behind Barnabas, without topics; it stays for the next that asks when the test has ended. */
export async function upstreamOf (t: Test): Promise<Cluster> {
  if (isTaken) return await startCluster(t, { nodes: against === 'upstream3' ? 3 : 1, version: kafkaVersion })
  isTaken = true
  t.teardown(() => { isTaken = false })
  // Started once for the file: that takes longer than most tests.
  cluster ??= startCluster(root, { nodes: against === 'upstream3' ? 3 : 1, version: kafkaVersion })
  if (isUsed) await clear(await cluster)
  isUsed = true
  return await cluster
}

/** Where the log of a Barnabas is: in that folder, or in the cluster behind it. */
export async function logOptions (t: Test, dataFolder: string): Promise<readonly string[]> {
  return againstUpstream ? ['--upstream', (await upstreamOf(t)).bootstrap] : ['--data', dataFolder]
}

async function clear ({ nodes }: Cluster): Promise<void> {
  for (const deadline = Date.now() + CLEARED_WITHIN_MS; ; await sleep(100)) {
    const left = await Promise.all(nodes.map(async ({ host, port }) => {
      const connection = await Connection.open(port, host)
      try {
        const { topics } = await connection.send(Metadata, 8, { topics: null })
        const names = topics.filter(({ isInternal }) => !isInternal).map(({ name }) => name!)
        if (names.length > 0) await connection.send(DeleteTopics, 4, { topicNames: names, timeoutMs: CLEARED_WITHIN_MS })
        return names.length
      } finally {
        connection.destroy()
      }
    }))
    if (left.every(count => count === 0)) return
    if (Date.now() > deadline) throw new Error(`The cluster still has ${left.join(', ')} topics after ${CLEARED_WITHIN_MS} ms`)
  }
}
