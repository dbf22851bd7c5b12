/**
 * DescribeClientQuotas and AlterClientQuotas (KIP-546, KIP-612): which entities there can be, which quotas each can have,
 * and which values.
 */
import { isIP, SocketAddress } from 'node:net'
import { errors, KafkaError } from '../../protocol/errors.ts'
import type { DescribeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import type { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { entityKey, entityOf, entityTypes, type AccessChange } from '../access/entries.ts'
import type { QuotaEntity, QuotaKey, QuotaValues } from '../access/model.ts'
import type { Plan } from './administer-plan.ts'

type Component = Request<typeof DescribeClientQuotas>['components'][number]
type Entry = Request<typeof AlterClientQuotas>['entries'][number]
type Altered = Response<typeof AlterClientQuotas>['entries'][number]
type EntityType = typeof entityTypes[number]

interface Limits {
  /** Values of it are whole, and not greater than this. */
  readonly whole: { readonly max: number, readonly name: string } | null
}

const long = { whole: { max: 2 ** 63, name: 'a LONG' } }
const int = { whole: { max: 0x7fffffff, name: 'an INT' } }
const double = { whole: null }

const ofClients: ReadonlyMap<string, Limits> = new Map(Object.entries({
  producer_byte_rate: long, consumer_byte_rate: long, request_percentage: double, controller_mutation_rate: double
} satisfies { [K in QuotaKey]?: Limits }))
const ofAddresses: ReadonlyMap<string, Limits> = new Map(Object.entries({ connection_creation_rate: int } satisfies { [K in QuotaKey]?: Limits }))

const isEntityType = (type: string): type is EntityType => (entityTypes as readonly string[]).includes(type)

/** One spelling for each address, the one that a peer's has. */
function canonicalAddress (address: string): string {
  const version = isIP(address)
  if (version === 0) return address
  const canonical = new SocketAddress({ address, family: version === 6 ? 'ipv6' : 'ipv4' }).address
  return canonical.startsWith('::ffff:') && isIP(canonical.slice(7)) === 4 ? canonical.slice(7) : canonical
}

// ---- DescribeClientQuotas

const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

/** A component that any name matches has `undefined` in the place of one. */
type Filter = ReadonlyMap<EntityType, string | null | undefined>

export function describeQuotas (
  quotas: Iterable<readonly [QuotaEntity, QuotaValues]>, { components, strict }: Request<typeof DescribeClientQuotas>
): Response<typeof DescribeClientQuotas> {
  let filter: Filter
  try {
    filter = filterOf(components)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { throttleTimeMs: 0, errorCode: error.errorCode, errorMessage: error.message, entries: null }
  }
  const entries = [...quotas].filter(([entity]) => matches(filter, strict, entity)).map(([entity, values]) => ({
    entity: entityTypes.filter(type => entity[type] !== undefined).map(type => ({ entityType: type, entityName: entity[type]! })),
    values: Object.entries(values).map(([key, value]) => ({ key, value }))
  }))
  return { throttleTimeMs: 0, errorCode: errors.NONE, errorMessage: '', entries }
}

function filterOf (components: readonly Component[]): Filter {
  const filter = new Map<EntityType, string | null | undefined>()
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') throw new KafkaError('INVALID_REQUEST', 'Invalid empty entity type.')
    if (!isEntityType(entityType)) throw new KafkaError('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`)
    if (filter.has(entityType)) throw new KafkaError('INVALID_REQUEST', `Entity type ${entityType} cannot appear more than once in the filter.`)
    filter.set(entityType, matchOf(matchType, entityType === 'ip' && match !== null ? canonicalAddress(match) : match))
  }
  if (filter.has('ip') && filter.size > 1) {
    throw new KafkaError('INVALID_REQUEST',
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.')
  }
  return filter
}

function matchOf (matchType: number, match: string | null): string | null | undefined {
  switch (matchType) {
    case EXACT:
      if (match === null) throw new KafkaError('INVALID_REQUEST', 'Request specified MATCH_TYPE_EXACT, but set match string to null.')
      return match
    case DEFAULT:
      if (match !== null) throw new KafkaError('INVALID_REQUEST', 'Request specified MATCH_TYPE_DEFAULT, but also specified a match string.')
      return null
    case SPECIFIED:
      if (match !== null) throw new KafkaError('INVALID_REQUEST', 'Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.')
      return undefined
    default:
      throw new KafkaError('INVALID_REQUEST', `Unknown match type ${matchType}`)
  }
}

/** Strict asks for entities of these components and no others. */
function matches (filter: Filter, strict: boolean, entity: QuotaEntity): boolean {
  for (const [type, wanted] of filter) {
    const name = entity[type]
    if (name === undefined || (wanted !== undefined && name !== wanted)) return false
  }
  return !strict || Object.keys(entity).length === filter.size
}

// ---- AlterClientQuotas

/** Each entity once, and each whole or not at all. */
export function alterQuotas (
  current: (entity: QuotaEntity) => QuotaValues | undefined, { entries, validateOnly }: Request<typeof AlterClientQuotas>
): Plan<Response<typeof AlterClientQuotas>> {
  const times = new Map<string, number>()
  for (const { entity } of entries) {
    const key = entityKey(namesIn(entity))
    times.set(key, (times.get(key) ?? 0) + 1)
  }
  const changes: AccessChange[] = []
  const results = entries.map(({ entity: named, ops }): Altered => {
    try {
      const entity = checkEntity(named)
      if (times.get(entityKey(entity))! > 1) throw new KafkaError('INVALID_REQUEST', 'The entity is named more than once in the request.')
      const before = current(entity) ?? {}
      const after = altered(before, ops, entity)
      if (after !== null) changes.push({ kind: 'quota', entity, values: Object.keys(after).length === 0 ? null : after })
      return { errorCode: errors.NONE, errorMessage: null, entity: named }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { errorCode: error.errorCode, errorMessage: error.message, entity: named }
    }
  })
  return { changes: validateOnly ? [] : changes, response: { throttleTimeMs: 0, entries: results } }
}

function namesIn (entity: Entry['entity']): QuotaEntity {
  return entityOf(Object.fromEntries(entity.map(({ entityType, entityName }) =>
    [entityType, entityType === 'ip' && entityName !== null ? canonicalAddress(entityName) : entityName])))
}

function checkEntity (named: Entry['entity']): QuotaEntity {
  if (named.length === 0) throw new KafkaError('INVALID_REQUEST', 'Invalid empty client quota entity')
  for (const { entityType, entityName } of named) {
    if (!isEntityType(entityType)) throw new KafkaError('INVALID_REQUEST', `Unhandled client quota entity type: ${entityType}`)
    if (entityName === '') throw new KafkaError('INVALID_REQUEST', `Empty ${entityType} not supported`)
  }
  const entity = namesIn(named)
  if (Object.keys(entity).length < named.length) throw new KafkaError('INVALID_REQUEST', 'The entity has two names of one type.')
  if (entity.ip === undefined) return entity
  if (named.length > 1) {
    throw new KafkaError('INVALID_REQUEST', 'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId')
  }
  // Names of hosts are not looked up: they mean another address tomorrow.
  if (entity.ip !== null && isIP(entity.ip) === 0) throw new KafkaError('INVALID_REQUEST', `${entity.ip} is not a valid IP or resolvable host.`)
  return entity
}

/** What the entity has afterwards; null if that is what it had. */
function altered (before: QuotaValues, ops: Entry['ops'], entity: QuotaEntity): QuotaValues | null {
  const limits = entity.ip === undefined ? ofClients : ofAddresses
  const after = new Map<string, number>(Object.entries(before))
  const seen = new Set<string>()
  let isChanged = false
  for (const { key, value, remove } of ops) {
    if (seen.has(key)) throw new KafkaError('INVALID_REQUEST', `Duplicate quota key ${key}`)
    seen.add(key)
    if (remove) {
      isChanged = after.delete(key) || isChanged
      continue
    }
    checkValue(key, value, limits.get(key))
    isChanged ||= after.get(key) !== value
    after.set(key, value)
  }
  return isChanged ? Object.fromEntries(after) : null
}

function checkValue (key: string, value: number, limits: Limits | undefined): void {
  if (limits === undefined) throw new KafkaError('INVALID_REQUEST', `Invalid configuration key ${key}`)
  if (value <= 0) throw new KafkaError('INVALID_REQUEST', `Quota ${key} must be greater than 0`)
  if (!Number.isFinite(value)) throw new KafkaError('INVALID_REQUEST', `Quota ${key} must be a finite number`)
  const { whole } = limits
  if (whole === null) return
  if (value > whole.max) throw new KafkaError('INVALID_REQUEST', `Proposed value for ${key} is too large for ${whole.name}.`)
  if (!Number.isInteger(value)) throw new KafkaError('INVALID_REQUEST', `${key} cannot be a fractional value.`)
}
