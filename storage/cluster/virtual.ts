/**
 * The cluster as clients see it: as many brokers as there are gateways, each of which does everything. Partitions and groups
 * are spread over them, in the same way at each gateway, so that clients spread too; but any of them may be asked about any.
 * Hosts stay empty: the door knows under which address a client reaches which gateway.
 */
import type { VirtualNodes } from './upstream.ts'

export interface VirtualBroker {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: null
}

export class VirtualCluster {
  readonly #nodes: VirtualNodes

  constructor (nodes: VirtualNodes) {
    this.#nodes = nodes
  }

  get brokers (): VirtualBroker[] {
    return this.#nodes.live().map(virtualBroker)
  }

  get own (): number {
    return this.#nodes.own
  }

  get controller (): number {
    return this.#nodes.live()[0]!
  }

  has (nodeId: number): boolean {
    return this.#nodes.live().includes(nodeId)
  }

  /** Who is said to lead a partition, and to hold its only replica. */
  leader (topic: string, partition: number): number {
    const live = this.#nodes.live()
    return live.length === 1 ? live[0]! : live[(hash(topic) + partition) % live.length]!
  }

  /** Who is said to coordinate a group or a transactional id. */
  coordinator (key: string): VirtualBroker {
    const live = this.#nodes.live()
    return virtualBroker(live[hash(key) % live.length]!)
  }
}

function virtualBroker (nodeId: number): VirtualBroker {
  return { nodeId, host: '', port: 0, rack: null }
}

/** FNV-1a over the text's code units: the same at every gateway. */
function hash (text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
