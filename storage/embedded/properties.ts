/**
 * Who this data folder is: Kafka's `meta.properties`, written once.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { FileSystem } from '../log/fs.ts'

const FILE = 'meta.properties'

export interface Properties {
  readonly clusterId: string
  readonly nodeId: number
}

/** The one broker there is. */
const NODE_ID = 1

/** Reads the properties, or makes them up for a new folder. Rejects if they are there but make no sense. */
export async function openProperties (fs: FileSystem, directory: string): Promise<Properties> {
  const path = join(directory, FILE)
  if (await fs.size(path) < 0) {
    const clusterId = randomBytes(16).toString('base64url')
    await fs.replaceFile(path, `version=1\ncluster.id=${clusterId}\nnode.id=${NODE_ID}\n`)
    return { clusterId, nodeId: NODE_ID }
  }
  const lines = (await fs.readFile(path)).toString().split('\n')
  const values = new Map(lines.filter(line => line.includes('=')).map(line => {
    const equals = line.indexOf('=')
    return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()] as const
  }))
  const clusterId = values.get('cluster.id')
  const nodeId = Number(values.get('node.id') || NaN)
  if (!clusterId || !Number.isSafeInteger(nodeId) || nodeId < 0) {
    throw new Error(`${path} is damaged: it must hold cluster.id and node.id. Restore it, or name another data folder.`)
  }
  return { clusterId, nodeId }
}
