/**
 * Whatever of the cluster behind shows in an answer: in its bytes as text, and in its fields as the number that they hold.
 */
import type { ClusterNode } from './kafka-cluster.ts'
import { fit, type Heard } from './speaker.ts'

export const kinds = ['host', 'port', 'node id', 'rack'] as const

export interface Leak {
  readonly kind: typeof kinds[number]
  /** `Metadata v12 brokers[0].nodeId is 71`. */
  readonly where: string
}

/** What must not be seen, and which brokers may be. */
export interface Secrets {
  readonly nodes: readonly Pick<ClusterNode, 'id' | 'rack'>[]
  /** `HOST:PORT`. */
  readonly hosts: readonly string[]
  /** The nodes that clients are to see; null where any but those above will do. */
  readonly visible: ReadonlySet<number> | null
}

/** Fields that name brokers, as numbers or lists of them. */
const NODE_FIELDS = new Set([
  'nodeId', 'leaderId', 'brokerId', 'brokerIds', 'controllerId', 'replicaId', 'replicaIds', 'replicas', 'replicaNodes', 'isr', 'isrNodes',
  'offlineReplicas', 'preferredReadReplica', 'preferredLeader', 'eligibleLeaderReplicas', 'lastKnownElr', 'voterId', 'addingReplicas',
  'removingReplicas'
])
/** Nobody, or whoever it is. */
const NOBODY = new Set([-1, -2, -3])

const quoted = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

export function leaksIn ({ api, version, frame, body }: Heard, { nodes, hosts, visible }: Secrets): Leak[] {
  const leaks: Leak[] = []
  const at = (kind: Leak['kind'], where: string): void => { leaks.push({ kind, where: `${api.name} v${version} ${where}` }) }
  if (frame === null) return leaks
  const ids = new Set(nodes.map(({ id }) => id))
  const names = new Set(hosts.map(one => one.split(':')[0]!).filter(host => host !== '127.0.0.1'))
  const ports = new Set(hosts.map(one => Number(one.split(':')[1])))

  const text = frame.toString('latin1')
  for (const name of names) if (text.includes(name)) at('host', `holds the text ${name}`)
  // Not within the hexadecimal digits of an id that somebody drew.
  for (const port of ports) if (new RegExp(`(?<![0-9A-Za-z_-])${port}(?![0-9A-Za-z_-])`).test(text)) at('port', `holds the text ${port}`)
  for (const { rack } of nodes) if (text.includes(rack)) at('rack', `holds the text ${rack}`)
  const named = new RegExp(`(?:broker|node|replica|leader|controller|voter)s?(?:[ .]?id)?[ =:[(]*(?:${[...ids].join('|')})(?!\\d)`, 'i').exec(text)
  if (named !== null) at('node id', `holds the text ${named[0]}`)
  const quorum = new RegExp(`(?<!\\d)(?:${[...ids].join('|')})@${quoted('127.0.0.')}`).exec(text)
  if (quorum !== null) at('node id', `holds the text ${quorum[0]}`)

  const walk = (value: unknown, path: string, field: string): void => {
    if (Buffer.isBuffer(value) || value === null || value === undefined) return
    if (Array.isArray(value)) {
      for (const [i, element] of value.entries()) walk(element, `${path}[${i}]`, field)
    } else if (typeof value === 'object') {
      for (const [name, inner] of Object.entries(value)) walk(inner, path === '' ? name : `${path}.${name}`, name)
    } else if (typeof value === 'number') {
      if (field === 'port' && ports.has(value)) at('port', `${path} is ${value}`)
      if (!NODE_FIELDS.has(field) || NOBODY.has(value)) return
      // In the answers of share groups a leader that is not told of is 0, not -1.
      if (value === 0 && !ids.has(0) && /^Share/.test(api.name) && path.endsWith('currentLeader.leaderId')) return
      if (ids.has(value) || visible?.has(value) === false) at('node id', `${path} is ${value}`)
    } else if (typeof value === 'string' && ids.has(Number(value))) {
      // The name of a resource, or the value of a configuration.
      at('node id', `${path} is '${value}'`)
    }
  }
  // Without what this version has no place for, which is at its default and was not in the answer.
  walk(fit(api.response, version, body!), '', '')
  return leaks
}
