/**
 * Puts an address into every response that names nodes. The engine leaves the host of its own node empty, and of other
 * gateways, because only the door knows how the client came in: clients connect to whatever these fields say.
 */
import type { Socket } from 'node:net'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import type { Api, Response } from '../../protocol/schema.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

interface Node extends Address {
  readonly nodeId?: number
  readonly brokerId?: number
}

interface Coordinator extends Address {
  readonly nodeId: number
  readonly errorCode: number
}

/** The address that the client of an open socket reached: never a wildcard, because the local end of a connection is concrete. */
export function reachedAddress (socket: Socket): Address {
  return { host: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 }
}

/** An IPv4 address that came in over an IPv6 socket is written as IPv4 (RFC 4291, 2.5.5.2). */
export function plainAddress (address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

export function formatAddress ({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Where a node is found by a client that came in under `own`: for the nodes whose host the engine leaves empty. */
export type AddressOf = (nodeId: number, own: Address) => Address

/** There is no other node. */
export const onlyOwn: AddressOf = (_nodeId, own) => own

/**
 * The response with every empty host filled in; what has an address already is left alone. The engine's own objects are
 * never written to: it may keep them, and the next client may have come in by another address.
 */
export function advertise (api: Api, version: number, response: Response<Api>, own: Address, addressOf: AddressOf = onlyOwn): Response<Api> {
  const fill = <N extends Node>(nodes: readonly N[]): N[] => nodes.map(node => node.host === '' ? { ...node, ...addressOf(idOf(node), own) } : node)
  switch (api.key) {
    case Metadata.key: {
      const { brokers } = response as Response<typeof Metadata>
      return { ...response, brokers: fill(brokers) }
    }
    case DescribeCluster.key: {
      const { brokers } = response as Response<typeof DescribeCluster>
      return { ...response, brokers: fill(brokers) }
    }
    case FindCoordinator.key: {
      const found = response as Response<typeof FindCoordinator>
      // The coordinator itself, or from v4 a list of them (KIP-699); neither has a place in the other's versions.
      const one = <C extends Coordinator>(it: C): C =>
        it.errorCode === errors.NONE && it.host === '' ? { ...it, ...addressOf(it.nodeId, own) } : it
      return version <= FindCoordinator.response.host.spec.until ? one(found) : { ...found, coordinators: found.coordinators.map(one) }
    }
    default: {
      // KIP-951: the new leaders, if there are some. To produce, to fetch, and to share.
      const { nodeEndpoints } = response as { readonly nodeEndpoints?: readonly Node[] }
      return nodeEndpoints === undefined || nodeEndpoints.length === 0 ? response : { ...response, nodeEndpoints: fill(nodeEndpoints) }
    }
  }
}

const idOf = ({ nodeId, brokerId }: Node): number => nodeId ?? brokerId ?? -1
