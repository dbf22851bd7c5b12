/**
 * Puts an address into every response that names nodes. The engine leaves the host of its own node empty, because only the
 * door knows how the client came in: clients connect to whatever these fields say.
 */
import type { Socket } from 'node:net'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.ts'
import type { Api, Response } from '../../protocol/schema.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

interface Node { readonly host: string, readonly port: number }

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

/**
 * The response with every empty host filled in; what names another node already is left alone. The engine's own objects are
 * never written to: it may keep them, and the next client may have come in by another address.
 */
export function advertise (api: Api, version: number, response: Response<Api>, address: Address): Response<Api> {
  switch (api.key) {
    case Metadata.key:
      return { ...response, brokers: fill((response as Response<typeof Metadata>).brokers, address) }
    case DescribeCluster.key:
      return { ...response, brokers: fill((response as Response<typeof DescribeCluster>).brokers, address) }
    case Produce.key: // KIP-951: the new leaders, if there are some
    case Fetch.key: {
      const { nodeEndpoints } = response as Response<typeof Produce> | Response<typeof Fetch>
      return nodeEndpoints.length === 0 ? response : { ...response, nodeEndpoints: fill(nodeEndpoints, address) }
    }
    case FindCoordinator.key: {
      const found = response as Response<typeof FindCoordinator>
      // The coordinator itself, or from v4 a list of them (KIP-699); neither has a place in the other's versions.
      return version <= FindCoordinator.response.host.spec.until
        ? fillFound(found, address)
        : { ...found, coordinators: found.coordinators.map(one => fillFound(one, address)) }
    }
    default:
      return response
  }
}

function fill<N extends Node> (nodes: readonly N[], { host, port }: Address): N[] {
  return nodes.map(node => node.host === '' ? { ...node, host, port } : node)
}

function fillFound<N extends Node & { readonly errorCode: number }> (found: N, { host, port }: Address): N {
  return found.errorCode === errors.NONE && found.host === '' ? { ...found, host, port } : found
}
