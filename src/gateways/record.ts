/**
 * What a gateway writes about itself, as JSON under its node id.
 */
import type { Entry } from '../state/topic.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface GatewayRecord {
  /** Of the process: another one with the same node id has another. */
  readonly instance: string
  /** The offset of its first record: who is there for longer has the lower one. Null in the first itself. */
  readonly started: number | null
  /** What clients are told to connect to, by the name of the listener, in the order of the configuration. */
  readonly listeners: ReadonlyMap<string, Address>
  /** It takes no new clients. */
  readonly draining: boolean
}

/** The key of a question that every gateway answers with its record. */
export const HELLO = 'hello'

const MAX_NODE_ID = 0x7fffffff
const MAX_PORT = 65_535

export const recordOf = (nodeId: number, { instance, started, listeners, draining }: GatewayRecord): Entry => ({
  key: String(nodeId),
  // The time is for people who look.
  value: JSON.stringify({
    instance, started, listeners: Object.fromEntries(Array.from(listeners, ([name, address]) => [name, formatAddress(address)])), draining, at: Date.now()
  })
})

export const helloOf = (instance: string): Entry => ({ key: HELLO, value: JSON.stringify({ instance }) })

/** Null for a key that is no node id: of a version to come, or somebody else's. */
export function nodeIdOf (key: string): number | null {
  if (!/^(0|[1-9]\d{0,9})$/.test(key)) return null
  const nodeId = Number(key)
  return nodeId > MAX_NODE_ID ? null : nodeId
}

/** Null if it is not understood. */
export function parseRecord (value: string): GatewayRecord | null {
  const { instance, started = null, listeners, draining = false } = objectOf(value)
  if (typeof instance !== 'string' || typeof draining !== 'boolean') return null
  if (started !== null && !Number.isSafeInteger(started)) return null
  if (typeof listeners !== 'object' || listeners === null) return null
  const addresses = new Map<string, Address>()
  for (const [name, text] of Object.entries(listeners)) {
    const address = typeof text === 'string' ? parseAddress(text) : null
    if (address === null) return null
    addresses.set(name, address)
  }
  return addresses.size === 0 ? null : { instance, started: started as number | null, listeners: addresses, draining }
}

/** Who asks; null if it is not understood. */
export function askerOf (value: string): string | null {
  const { instance } = objectOf(value)
  return typeof instance === 'string' ? instance : null
}

export const formatListeners = (listeners: ReadonlyMap<string, Address>): string =>
  Array.from(listeners, ([name, address]) => `${name} at ${formatAddress(address)}`).join(', ')

const formatAddress = ({ host, port }: Address): string => host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

function parseAddress (text: string): Address | null {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  return host === undefined || Number(port) > MAX_PORT ? null : { host, port: Number(port) }
}

function objectOf (text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : {}
  } catch {
    return {}
  }
}
