/**
 * Which quota is set for whom, and which of them holds for a caller: Kafka's eight levels, the first that is configured
 * wins, for each quota by itself. The level also says who shares: a quota of users is used up by all the connections of a
 * user together, one of users and client ids by each client id of each user for itself.
 *
 * Users are the names of principals, whatever door they came through. An empty client id is one like any other: who could
 * leave it out to be free of a quota would.
 */
import { createHash } from 'node:crypto'
import { isIPv6, SocketAddress } from 'node:net'
import type { QuotaEntity, QuotaKey, QuotaValues } from './model.ts'

/** The quotas of users and client ids. */
export const clientQuotas = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate'] as const

/** What holds for a caller. */
export interface QuotaLimit {
  /** Per second; or percent. */
  readonly limit: number
  /** The same for all those who share it. */
  readonly sensor: string
  /** The level that gave it. */
  readonly entity: QuotaEntity
  /**
   * Those who share it, for people to read: `{ user: 'alice' }`. The user by his name, if cut; a client id by its name
   * only where the quota was set for it, as strangers make theirs up.
   */
  readonly subject: QuotaEntity
}

interface Entry {
  readonly entity: QuotaEntity
  readonly values: QuotaValues
}

/** What was looked up for one user and one client id. */
type Resolved = { [K in QuotaKey]?: QuotaLimit | null }

/** Pairs of user and client id whose limits are remembered; strangers can make up as many as they like. */
const MAX_CACHED = 10_000
/** Names that are longer are not remembered, and stand in a sensor's name as their digest. */
const MAX_NAME = 256

export class QuotaTable {
  readonly #entries = new Map<string, Entry>()
  /** How many entries of users and client ids set a quota. */
  readonly #counts = new Map<QuotaKey, number>()
  readonly #ips = new Map<string, number>()
  readonly #cache = new Map<string, Map<string, Resolved>>()
  #cached = 0
  #revision = 0
  #isEmpty = true

  /** Grows with every change. */
  get revision (): number {
    return this.#revision
  }

  /** Whether no user and no client id has a quota. Addresses may. */
  get isEmpty (): boolean {
    return this.#isEmpty
  }

  /** Whether some user or client id has this quota. */
  sets (key: QuotaKey): boolean {
    return this.#counts.has(key)
  }

  /** All that is set for an entity; null or no values remove it. */
  set (entity: QuotaEntity, values: QuotaValues | null): void {
    const id = idOf(entity)
    const before = this.#entries.get(id)
    if (before !== undefined) this.#count(before, -1)
    this.#entries.delete(id)
    if (values !== null && Object.values(values).some(value => value !== undefined)) {
      const entry = { entity: { ...entity }, values: { ...values } }
      this.#entries.set(id, entry)
      this.#count(entry, 1)
    }
    this.#isEmpty = this.#counts.size === 0
    this.#cache.clear()
    this.#cached = 0
    this.#revision++
  }

  get (entity: QuotaEntity): QuotaValues | undefined {
    return this.#entries.get(idOf(entity))?.values
  }

  * [Symbol.iterator] (): Generator<[QuotaEntity, QuotaValues]> {
    for (const { entity, values } of this.#entries.values()) yield [entity, values]
  }

  /** What holds for a user and a client id, or null if nothing does. */
  limit (key: QuotaKey, user: string, clientId: string): QuotaLimit | null {
    if (!this.#counts.has(key)) return null
    const isLong = user.length > MAX_NAME || clientId.length > MAX_NAME
    if (isLong) return this.#resolve(key, user, clientId)
    const resolved = this.#resolvedFor(user, clientId)
    let limit = resolved[key]
    if (limit === undefined) {
      limit = this.#resolve(key, user, clientId)
      resolved[key] = limit
    }
    return limit
  }

  /** Connections per second from an address: its own limit, or that of all addresses, for each of them. */
  ipLimit (address: string): number | null {
    if (this.#ips.size === 0) return null
    return this.#ips.get(canonical(address)) ?? this.#ips.get(DEFAULT_IP) ?? null
  }

  #count ({ entity: { ip }, values }: Entry, change: 1 | -1): void {
    if (ip !== undefined) {
      const address = ip === null ? DEFAULT_IP : canonical(ip)
      const rate = values.connection_creation_rate
      if (rate === undefined || change === -1) this.#ips.delete(address)
      else this.#ips.set(address, rate)
      return
    }
    for (const key of clientQuotas) {
      if (values[key] === undefined) continue
      const count = (this.#counts.get(key) ?? 0) + change
      if (count === 0) this.#counts.delete(key)
      else this.#counts.set(key, count)
    }
  }

  #resolvedFor (user: string, clientId: string): Resolved {
    const found = this.#cache.get(user)?.get(clientId)
    if (found !== undefined) return found
    // Looking up again is cheap: a full cache is thrown away, not kept in order.
    if (this.#cached >= MAX_CACHED) {
      this.#cache.clear()
      this.#cached = 0
    }
    const resolved: Resolved = {}
    let clients = this.#cache.get(user)
    if (clients === undefined) this.#cache.set(user, clients = new Map())
    clients.set(clientId, resolved)
    this.#cached++
    return resolved
  }

  #resolve (key: QuotaKey, user: string, clientId: string): QuotaLimit | null {
    for (const entity of levels(user, clientId)) {
      const limit = this.#entries.get(idOf(entity))?.values[key]
      if (limit === undefined) continue
      return { limit, ...shared(entity, user, clientId), entity }
    }
    return null
  }
}

/** Kafka's precedence, first to last. */
function * levels (user: string, clientId: string): Generator<QuotaEntity> {
  yield { user, 'client-id': clientId }
  yield { user, 'client-id': null }
  yield { user }
  yield { user: null, 'client-id': clientId }
  yield { user: null, 'client-id': null }
  yield { user: null }
  yield { 'client-id': clientId }
  yield { 'client-id': null }
}

function shared (level: QuotaEntity, user: string, clientId: string): { sensor: string, subject: QuotaEntity } {
  const subject: QuotaEntity = {
    ...(level.user === undefined ? {} : { user: shorten(user) }),
    ...(level['client-id'] === undefined ? {} : { 'client-id': level['client-id'] === null ? null : shorten(clientId) })
  }
  const sensor = idOf({
    ...(level.user === undefined ? {} : { user: digested(user) }),
    ...(level['client-id'] === undefined ? {} : { 'client-id': digested(clientId) })
  })
  return { sensor, subject }
}

/** The same for the same entity only, whatever characters its names have. */
function idOf (entity: QuotaEntity): string {
  return part(entity.user) + part(entity['client-id']) + part(entity.ip)
}

const part = (name: string | null | undefined): string => name === undefined ? '-' : name === null ? '*' : `${name.length}:${name}`

const shorten = (name: string): string => name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name
const digested = (name: string): string => name.length > MAX_NAME ? createHash('sha256').update(name).digest('base64') : name

/** No address has this name. */
const DEFAULT_IP = ''

/** One spelling of an address: IPv6 has many, and an IPv4 address may come in the clothes of an IPv6 one. */
function canonical (address: string): string {
  if (!isIPv6(address)) return address
  const plain = new SocketAddress({ address: address.replace(/%.*$/, ''), family: 'ipv6' }).address
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice('::ffff:'.length) : plain
}
