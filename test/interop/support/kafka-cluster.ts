/**
 * A real Kafka cluster of one or three brokers, of the newest version or an older one. Its node ids, hosts and racks are found
 * nowhere else, so that whoever stands in front of it can be seen to hide them.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { Connection } from '../../engine/connection.ts'
import { KAFKA_VERSION, type KafkaVersion } from './cache.ts'
import { formattedBroker, newClusterId, ServerProcess, testProperties, writeProperties } from './kafka-broker.ts'
import { freePort, temporaryFolder } from './ports.ts'

const FIRST_NODE_ID = 71
const START_TIMEOUT_MS = 90_000
/** ZooKeeper takes a broker that was killed for living so long, and no other may have its id. */
const SESSION_MS = 4000
const TICK_MS = 1000

export interface ClusterOptions {
  readonly nodes?: 1 | 3
  readonly version?: KafkaVersion
  /** Lines of its configuration; they replace what is there for tests. */
  readonly properties?: readonly string[]
  /** Where brokers listen, in the order of their ids; each has an address of its own if not given, which Linux allows. */
  readonly hosts?: readonly string[]
  /** `HOST:PORT` of each broker that clients are told, if it is not where it listens; brokers go straight to each other then. */
  readonly advertised?: readonly string[]
}

export interface ClusterNode {
  readonly id: number
  /** `HOST:PORT`, the same after a restart. */
  readonly address: string
  readonly host: string
  readonly port: number
  readonly rack: string
  readonly dataFolder: string
  /** All that it has written. */
  readonly output: string
  /** SIGKILL. */
  kill (): Promise<void>
  /** SIGTERM; it hands over what it leads. Gives the exit code. */
  stop (): Promise<number | null>
  /** Starts it again. Resolves when it listens, and perhaps before it leads anything. */
  start (): Promise<void>
  /** SIGSTOP: its connections stay, and nothing is answered. */
  pause (): void
  /** SIGCONT. */
  resume (): void
}

export interface Cluster {
  readonly version: KafkaVersion
  /** Every broker, as clients are told. */
  readonly bootstrap: string
  readonly nodes: readonly ClusterNode[]
  /** Every `HOST:PORT` of it, controllers and ZooKeeper too: nobody in front of a gateway may ever see one. */
  readonly hosts: readonly string[]
  /** Waits until every broker knows that all of them are there. */
  complete (): Promise<void>
}

/** Starts one and waits until its brokers know each other; it ends with the test. */
export async function startCluster (t: Test, options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes: count = 1, version = KAFKA_VERSION, properties = [], hosts: given = [], advertised = [] } = options
  const folder = temporaryFolder(t)
  const clusterId = newClusterId()
  const ids = Array.from({ length: count }, (_, i) => FIRST_NODE_ID + i)
  const places = await Promise.all(ids.map(async (id, i) => {
    const host = given[i] ?? `127.0.0.${id}`
    return { id, host, port: await freePort(host), controller: `${host}:${await freePort(host)}`, rack: `leaky-rack-${i + 1}` }
  }))
  const common = [...testProperties(count), ...properties]
  const hidden: string[] = []
  const keeper = version === '2.8.2' ? await startZooKeeper(t, join(folder, 'zookeeper')) : null
  if (keeper === null) hidden.push(...places.map(({ controller }) => controller))
  else hidden.push(keeper)
  const voters = new Map(places.map(({ id, controller }) => [id, controller]))

  const nodes = await Promise.all(places.map(async ({ id, host, port, rack }, i) => {
    const own = join(folder, `broker-${'abc'[id - FIRST_NODE_ID]}`)
    mkdirSync(own)
    const listeners = [`PLAINTEXT://${host}:${port}`]
    const lines = [...common, `broker.rack=${rack}`]
    if (advertised[i] !== undefined) {
      const internal = `INTERNAL://${host}:${await freePort(host)}`
      listeners.push(internal)
      lines.push(`advertised.listeners=PLAINTEXT://${advertised[i]},${internal}`, 'inter.broker.listener.name=INTERNAL',
        'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT')
    }
    const process = keeper === null
      ? await formattedBroker(t, own, {
        version, nodeId: id, listeners, voters, format: [`--cluster-id=${clusterId}`], properties: lines, listens: [[host, port]]
      })
      : new ServerProcess(t, 'kafka.Kafka', [writeProperties(own, [
        `broker.id=${id}`, `listeners=${listeners.join()}`, `zookeeper.connect=${keeper}`, `zookeeper.session.timeout.ms=${SESSION_MS}`,
        `log.dirs=${join(own, 'log')}`, ...lines
      ])], { version, listens: [[host, port]] })
    return nodeOf(process, keeper === null ? 0 : SESSION_MS + 2 * TICK_MS, { id, host, port, rack, address: `${host}:${port}`, dataFolder: join(own, 'log') })
  }))
  await Promise.all(nodes.map(node => node.start()))
  const cluster = {
    version,
    bootstrap: nodes.map(({ address }) => address).join(','),
    nodes,
    hosts: [...nodes.map(({ address }) => address), ...hidden],
    complete: async () => { await Promise.all(nodes.map(node => knowsAll(node, count))) }
  }
  await cluster.complete()
  return cluster
}

type Place = Pick<ClusterNode, 'id' | 'host' | 'port' | 'rack' | 'address' | 'dataFolder'>

function nodeOf (process: ServerProcess, mournedForMs: number, place: Place): ClusterNode {
  let killedAt = -Infinity
  return {
    ...place,
    get output () { return process.output },
    async kill () {
      await process.kill()
      killedAt = Date.now()
    },
    stop: () => process.stop(),
    async start () {
      await sleep(Math.max(0, killedAt + mournedForMs - Date.now()))
      await process.start()
    },
    pause: () => process.pause(),
    resume: () => process.resume()
  }
}

/** Kafka 2.8 has a quorum of its own for trials only. Gives where it listens. */
async function startZooKeeper (t: Test, folder: string): Promise<string> {
  mkdirSync(folder)
  const port = await freePort()
  const file = writeProperties(folder, [
    `dataDir=${folder}/data`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1', 'admin.enableServer=false',
    `tickTime=${TICK_MS}`, 'maxClientCnxns=0'
  ])
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  await new ServerProcess(t, main, [file], { version: '2.8.2', listens: [['127.0.0.1', port]] }).start()
  return `127.0.0.1:${port}`
}

async function knowsAll ({ host, port, address }: Place, count: number): Promise<void> {
  let known = -1
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(100)) {
    let connection: Connection | null = null
    try {
      connection = await Connection.open(port, host)
      const { brokers } = await connection.send(Metadata, 8, { topics: [] })
      known = brokers.length
      if (known === count) return
    } catch (error) {
      // One that is starting takes connections and drops them.
      if (Date.now() > deadline - 100) throw error
    } finally {
      connection?.destroy()
    }
  }
  throw new Error(`${address} knows ${known} of ${count} brokers after ${START_TIMEOUT_MS} ms`)
}
