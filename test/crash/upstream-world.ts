/**
 * Three brokers of a real Kafka and two gateways in front of them, all of which can be ended, held and started again; between
 * them, and before the gateways, relays that can cut what goes through them.
 */
import type { Test } from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { Connection } from '../engine/connection.ts'
import { startCluster, type Cluster } from '../interop/support/kafka-cluster.ts'
import { CuttingRelay } from './cutting-relay.ts'
import { Server } from './server.ts'

/** A broker is taken for dead sooner than by default, after 9 s: the test is to be about what comes then. */
const SESSION = ['broker.session.timeout.ms=5000', 'broker.heartbeat.interval.ms=1000']
const IN_SYNC_WITHIN_MS = 90_000

export interface World {
  readonly cluster: Cluster
  readonly gateways: readonly Server[]
  /** Between the gateways and each broker. */
  readonly behind: readonly CuttingRelay[]
  /** Between clients and each gateway. */
  readonly before: readonly CuttingRelay[]
  /** Waits until every partition has three replicas in sync: one broker can be missed again. */
  inSync (): Promise<void>
}

/** Everything is up when it resolves, and ends with the test. */
export async function startWorld (t: Test, random: () => number, ...properties: readonly string[]): Promise<World> {
  const relays = async (count: number): Promise<CuttingRelay[]> => await Promise.all(Array.from({ length: count }, () => CuttingRelay.open(t, random)))
  const [behind, before] = [await relays(3), await relays(2)]
  const cluster = await startCluster(t, { nodes: 3, advertised: behind.map(({ address }) => address), properties: [...SESSION, ...properties] })
  cluster.nodes.forEach(({ host, port }, i) => { behind[i]!.target = { host, port } })
  const upstream = behind.map(({ address }) => address).join()
  const gateways = await Promise.all(before.map((_, i) => Server.gateway(t, ['--upstream', upstream, '--node-id', String(i + 1)])))
  gateways.forEach(({ kafkaPort }, i) => { before[i]!.target = { host: '127.0.0.1', port: kafkaPort } })
  await Promise.all(gateways.map(gateway => gateway.start()))
  return { cluster, gateways, behind, before, inSync: () => inSync(cluster) }
}

async function inSync ({ nodes }: Cluster): Promise<void> {
  let missing: string[] = []
  for (const deadline = Date.now() + IN_SYNC_WITHIN_MS; Date.now() < deadline; await sleep(200)) {
    for (const { host, port } of nodes) {
      const connection = await Connection.open(port, host).catch(() => null)
      const answer = await connection?.send(Metadata, 8, complete(Metadata.request, { topics: null, allowAutoTopicCreation: false })).catch(() => null)
      connection?.destroy()
      if (answer === undefined || answer === null) {
        missing = [`${host}:${port} does not answer`]
        break
      }
      missing = answer.topics.filter(({ errorCode }) => errorCode === errors.NONE).flatMap(({ name, partitions }) => partitions
        .filter(({ isrNodes, replicaNodes, leaderId }) => leaderId < 0 || isrNodes.length < replicaNodes.length)
        .map(({ partitionIndex }) => `${name}-${partitionIndex}`))
      if (missing.length > 0) break
    }
    if (missing.length === 0) return
  }
  throw new Error(`Not in sync after ${IN_SYNC_WITHIN_MS} ms: ${missing.slice(0, 5).join(', ')}`)
}
