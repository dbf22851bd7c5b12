/**
 * `barnabas quotas`: how much users, clients and addresses may do.
 */
import type { QuotaEntity, QuotaKey, QuotaValues } from '../access/model.ts'
import { nearest } from '../config/suggest.ts'
import { bytes } from '../config/values.ts'
import { UsageError } from '../config.ts'
import type { Command, Flags, Given } from './command.ts'
import { table } from './output.ts'

interface Quota { readonly entity: QuotaEntity, readonly quotas: QuotaValues }

const entityFlags: Flags = {
  user: { placeholder: 'NAME', help: 'A user.' },
  'default-user': { placeholder: '', help: 'Users who have none of their own.' },
  'client-id': { placeholder: 'NAME', help: 'A client id; with a user, that client of that user.' },
  'default-client-id': { placeholder: '', help: 'Clients that have none of their own.' },
  ip: { placeholder: 'ADDRESS', help: 'An address, for connection_creation_rate.' },
  'default-ip': { placeholder: '', help: 'Addresses that have none of their own.' }
}

const keys: Readonly<Record<QuotaKey, string>> = {
  producer_byte_rate: 'bytes a second',
  consumer_byte_rate: 'bytes a second',
  request_percentage: '% of one core',
  controller_mutation_rate: 'partitions a second',
  connection_creation_rate: 'connections a second'
}

const rate = bytes('1', '1TiB')

export const quotas: readonly Command[] = [
  {
    name: 'list',
    operand: '',
    summary: 'Lists the quotas.',
    flags: entityFlags,
    async run (given, client, output) {
      const wanted = entityOf(given)
      const all = await client.ask('GET', '/quotas') as readonly Quota[]
      const found = all.filter(({ entity }) => Object.entries(wanted).every(([type, name]) => (entity as Record<string, unknown>)[type] === name))
      output.print(found, () => found.length === 0
        ? ['There are no such quotas.']
        : table(['FOR', 'QUOTA', 'LIMIT'], found.flatMap(({ entity, quotas }) =>
          Object.entries(quotas).map(([key, value]) => [nameOf(entity), key, `${value} ${keys[key as QuotaKey] ?? ''}`.trim()]))))
    }
  },
  {
    name: 'set',
    operand: 'QUOTA=LIMIT...',
    summary: 'Sets quotas, such as producer_byte_rate=10MiB; the others of the same stay as they are.',
    flags: entityFlags,
    async run (given, client, output) {
      const entity = needEntity(given)
      const set = Object.fromEntries(given.operands.map(limitOf)) as QuotaValues
      const quotas = { ...await current(client.ask('GET', '/quotas'), entity), ...set }
      await client.ask('PUT', '/quotas', { body: { entity, quotas } })
      output.print({ entity, quotas }, () => [`${nameOf(entity)}: ${textOf(quotas)}.`])
    }
  },
  {
    name: 'remove',
    operand: '[QUOTA...]',
    summary: 'Removes quotas: those that are named, or all.',
    flags: entityFlags,
    async run (given, client, output) {
      const entity = needEntity(given)
      const before = await current(client.ask('GET', '/quotas'), entity)
      const gone = given.operands.length === 0 ? Object.keys(before) : given.operands.map(keyOf)
      const quotas = Object.fromEntries(Object.entries(before).filter(([key]) => !gone.includes(key))) as QuotaValues
      await client.ask('PUT', '/quotas', { body: { entity, quotas } })
      output.print({ entity, quotas }, () => [`${nameOf(entity)}: ${textOf(quotas)}.`])
    }
  }
]

const nameOf = (entity: QuotaEntity): string => Object.entries(entity).map(([type, name]) => `${type}=${(name as string | null) ?? '<default>'}`).join(', ')

const textOf = (quotas: QuotaValues): string =>
  Object.entries(quotas).map(([key, value]) => `${key} ${value} ${keys[key as QuotaKey] ?? ''}`.trim()).join(', ') || 'no quota'

async function current (answer: Promise<unknown>, wanted: QuotaEntity): Promise<QuotaValues> {
  const quotas = await answer as readonly Quota[]
  return quotas.find(({ entity }) => nameOf(entity) === nameOf(wanted))?.quotas ?? {}
}

/** What the options name, in Kafka's order. Throws UsageError for what cannot be one. */
function entityOf (given: Given): QuotaEntity {
  const entity: Record<string, string | null> = {}
  for (const type of ['user', 'client-id', 'ip']) {
    if (given.has(type) && given.has(`default-${type}`)) throw new UsageError([`--${type} and --default-${type}: one of the two.`])
    if (given.has(type)) entity[type] = given.text(type)!
    else if (given.has(`default-${type}`)) entity[type] = null
  }
  if ('ip' in entity && Object.keys(entity).length > 1) throw new UsageError(['--ip: an address has quotas of its own, without users and clients.'])
  return entity
}

function needEntity (given: Given): QuotaEntity {
  const entity = entityOf(given)
  if (Object.keys(entity).length === 0) throw new UsageError(['Say for whom: --user NAME, --client-id NAME, --ip ADDRESS, or the default of one of them.'])
  return entity
}

function keyOf (text: string): QuotaKey {
  if (Object.hasOwn(keys, text)) return text as QuotaKey
  const meant = nearest(text, Object.keys(keys))
  const hint = meant === null ? `There are ${Object.keys(keys).join(', ')}.` : `Did you mean ${meant}?`
  throw new UsageError([`There is no quota ${JSON.stringify(text)}. ${hint}`])
}

function limitOf (text: string): readonly [QuotaKey, number] {
  const [name = '', limit = ''] = text.split(/=(.*)/s)
  const key = keyOf(name)
  const value = key.endsWith('_byte_rate') ? rate.parse(limit) : /^\d{1,12}(?:\.\d{1,6})?$/.test(limit) && Number(limit) > 0 ? Number(limit) : null
  if (value === null) {
    throw new UsageError([`${key}=${limit}: expected ${key.endsWith('_byte_rate') ? `${rate.expected}, a second` : `a number above 0, in ${keys[key]}`}.`])
  }
  return [key, value]
}
