/**
 * The log under the doors in tests, by the environment: `ENGINE=upstream` is a real Kafka behind the engine for clusters, started
 * once for a file and emptied between houses; nothing is the embedded log. Needs what test/interop needs.
 */
import root from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { ListGroups } from '../../protocol/messages/16-list-groups.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { DeleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import { ClusterEngine } from '../../storage/cluster/engine.ts'
import { createUpstreamSecurity } from '../../storage/cluster/security/security.ts'
import { EmbeddedEngine } from '../../storage/embedded/engine.ts'
import type { LogEngine } from '../../storage/engine.ts'
import { Connection } from '../engine/connection.ts'
import type { Cluster } from '../interop/support/kafka-cluster.ts'

const chosen = process.env['ENGINE'] ?? 'embedded'
if (chosen !== 'embedded' && chosen !== 'upstream') throw new Error(`ENGINE=${chosen}: expected embedded or upstream`)

export const overUpstream = chosen === 'upstream'

const EMPTIED_WITHIN_MS = 30_000

let cluster: Promise<Cluster> | null = null
let filledBy: string | null = null

/** Without topics and groups, unless the folder is that of the house before: then it is the same log. */
async function kafka (folder: string): Promise<Cluster> {
  const isFirst = cluster === null
  cluster ??= import('../interop/support/kafka-cluster.ts').then(({ startCluster }) => startCluster(root))
  const found = await cluster
  if (!isFirst && filledBy !== folder) await empty(found)
  filledBy = folder
  return found
}

async function empty ({ nodes: [node] }: Cluster): Promise<void> {
  const connection = await Connection.open(node!.port, node!.host)
  try {
    for (const deadline = Date.now() + EMPTIED_WITHIN_MS; ; await sleep(50)) {
      const { topics } = await connection.send(Metadata, 8, { topics: null })
      const names = topics.filter(({ isInternal }) => !isInternal).map(({ name }) => name!)
      if (names.length > 0) await connection.send(DeleteTopics, 4, { topicNames: names, timeoutMs: EMPTIED_WITHIN_MS })
      const { groups } = await connection.send(ListGroups, 4, {})
      if (groups.length > 0) await connection.send(DeleteGroups, 2, { groupsNames: groups.map(({ groupId }) => groupId) })
      // A group whose members did not take their leave goes later; it has nothing but its name in common with the next.
      if (names.length === 0) return
      if (Date.now() > deadline) throw new Error(`Kafka still has ${names.join(', ')} after ${EMPTIED_WITHIN_MS} ms`)
    }
  } finally {
    connection.destroy()
  }
}

/** What a command line says of the log in that folder. */
export async function logOptions (folder: string): Promise<readonly string[]> {
  return overUpstream ? ['--upstream', (await kafka(folder)).bootstrap] : ['--data', folder, '--durability', 'os']
}

/** Serves a folder for as long as `use` takes. */
export async function withLog (folder: string, use: (engine: LogEngine) => Promise<void>): Promise<void> {
  const engine = overUpstream ? await upstream(folder) : embedded(folder)
  await engine.open()
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

async function upstream (folder: string): Promise<ClusterEngine> {
  const { nodes } = await kafka(folder)
  return new ClusterEngine({
    bootstrap: nodes.map(({ host, port }) => ({ host, port })), nodes: { own: 0, live: () => [0] }, passAdministration: false
  }, { security: createUpstreamSecurity({ tls: null, sasl: null, credentials: null, insecure: false }) })
}

export function embedded (dataDirectory: string): EmbeddedEngine {
  return new EmbeddedEngine({
    dataDirectory,
    durability: 'os',
    partitions: 1,
    autoCreate: true,
    retentionMs: -1,
    segmentBytes: 1024 * 1024,
    tailBytes: 1024 * 1024,
    groupInitialDelayMs: 0
  }, { observer: { appended () {}, synced () {}, truncated () {}, quarantined () {}, failed () {} } })
}
