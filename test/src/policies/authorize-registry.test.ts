/**
 * Permissions at the schema registry: each row of the table, by somebody who has all but it, and by somebody who has that alone.
 */
import t from 'tap'
import { neverAborted, type Context } from '../../../protocol/rpc.ts'
import { AclTable } from '../../../src/access/acls.ts'
import { AclAuthorizer, openAuthorizer } from '../../../src/access/authorizer.ts'
import type { AclBinding, Operation, ResourceType } from '../../../src/access/model.ts'
import { GuardedRegistry } from '../../../src/policies/authorize-registry.ts'
import type { Denial } from '../../../src/policies/authorize-gate.ts'
import { registryPermissions, topicOf } from '../../../src/policies/registry-permissions.ts'
import type { SchemaVersion } from '../../../src/schemas/model.ts'
import type { Registry } from '../../../src/schemas/registry.ts'
import { schemaVersion } from '../../routes/registry/stub.ts'
import { permissionDocument } from '../../../scripts/permissions/document.ts'

const context: Context = {
  principal: { type: 'User', name: 'alice' }, door: 'http', clientId: '', address: '10.0.0.1', version: 0, signal: neverAborted, throttleMs: 0
}

const content = { schemaType: 'AVRO', schema: '"string"', references: [], metadata: null, ruleSet: null } as const
const referring = { ...content, references: [{ name: 'address', subject: 'addresses-value', version: 1 }] }

/** Subjects: orders-value and secrets-value, which share a schema; secrets-key; :.team:orders-key; and a schema that nobody has. */
const own = schemaVersion({ subject: 'orders-value', id: 1, guid: '1' })
const secret = schemaVersion({ subject: 'secrets-key', id: 2, guid: '2' })
const shared = schemaVersion({ subject: 'secrets-value', id: 3, guid: '3' })
const orphan = schemaVersion({ subject: 'gone-value', id: 4, guid: '4', deleted: true })
const subjectsById = new Map([[1, ['orders-value']], [2, ['secrets-key']], [3, ['secrets-value', 'orders-value']], [4, []]])
const schemaOf = (id: number): SchemaVersion => [own, secret, shared, orphan][id - 1]!

const registry = {
  isOpen: true,
  types: () => ['AVRO'],
  subjects: () => ['orders-value', 'secrets-key', ':.team:orders-key', ':.team:secrets-key'],
  all: () => [own, secret, shared],
  versions: () => [1],
  meant: (subject: string) => subject === 'alias' ? 'secrets-value' : subject,
  get: (subject: string) => schemaVersion({ subject }),
  latestWith: (subject: string) => schemaVersion({ subject }),
  lookup: (subject: string) => schemaVersion({ subject }),
  referencedBy: () => [1, 2, 3, 4],
  check: () => ({ isCompatible: true, messages: [] }),
  register: async (subject: string) => schemaVersion({ subject }),
  deleteSubject: async () => [1],
  deleteVersion: async () => 1,
  schemaById: schemaOf,
  schemaByGuid: (guid: string) => schemaOf(Number(guid)),
  idsOf: (guid: string) => [{ context: '.', id: Number(guid) }],
  maxId: () => 4,
  subjectsOf: (id: number) => subjectsById.get(id),
  versionsOf: (id: number) => subjectsById.get(id)!.map(subject => ({ subject, version: 1 })),
  config: () => ({}),
  setConfig: async () => ({}),
  deleteConfig: async () => ({}),
  mode: () => 'READWRITE',
  setMode: async () => 'READONLY',
  deleteMode: async () => 'READONLY',
  contexts: () => ['.'],
  deleteContext: async () => {}
} as unknown as Registry

const guarded = (...rules: readonly string[]): Guarded => guardedOver(registry, ...rules)

interface Guarded { readonly registry: GuardedRegistry, readonly denials: Denial[] }

function guardedOver (registry: Registry, ...rules: readonly string[]): Guarded {
  const acls = new AclTable()
  for (const rule of rules) acls.add(bindingOf(rule))
  const authorizer = new AclAuthorizer(acls, { superUsers: new Set(), allowWithoutAcl: false })
  const denials: Denial[] = []
  return { registry: new GuardedRegistry(registry, () => authorizer, denial => denials.push(denial)), denials }
}

/** `READ TOPIC orders` */
function bindingOf (text: string): AclBinding {
  const [operation, resourceType, resourceName] = text.split(' ') as [Operation, ResourceType, string]
  return { resourceType, resourceName, patternType: 'LITERAL', principal: 'User:alice', host: '*', operation, permission: 'ALLOW' }
}

type Row = readonly [name: string, needed: string, act: (registry: GuardedRegistry) => unknown]
const CLUSTER = 'CLUSTER kafka-cluster'

const rows: readonly Row[] = [
  ['ReadSubject', 'DESCRIBE TOPIC orders', registry => registry.versions(context, 'orders-value')],
  ['ReadSubject', 'DESCRIBE TOPIC orders', registry => registry.get(context, ':.team:orders-key', 1)],
  ['ReadSubject', 'DESCRIBE TOPIC com.example.Order', registry => registry.get(context, 'com.example.Order', 'latest')],
  ['ReadSubject', 'DESCRIBE TOPIC orders', registry => registry.latestWith(context, 'orders-value', {})],
  ['ReadSubject', 'DESCRIBE TOPIC orders', registry => registry.referencedBy(context, 'orders-value', 1)],
  ['CompareSchema', 'DESCRIBE TOPIC orders', registry => registry.lookup(context, 'orders-value', content)],
  ['CompareSchema', 'DESCRIBE TOPIC orders', registry => registry.check(context, 'orders-value', 'latest', content)],
  ['RegisterSchema', 'WRITE TOPIC orders', registry => registry.register(context, 'orders-value', content)],
  ['DeleteSubject', 'DELETE TOPIC orders', registry => registry.deleteSubject(context, 'orders-value', false)],
  ['DeleteSubject', 'DELETE TOPIC orders', registry => registry.deleteVersion(context, 'orders-value', 1, false)],
  ['ReadSchema', 'DESCRIBE TOPIC orders', registry => registry.schemaById(context, 1)],
  ['ReadSchema', 'DESCRIBE TOPIC orders', registry => registry.subjectsOf(context, 1)],
  ['ReadSchema', 'DESCRIBE TOPIC orders', registry => registry.versionsOf(context, 1)],
  ['ReadSchema', 'DESCRIBE TOPIC orders', registry => registry.schemaByGuid(context, '1')],
  ['ReadSchema', 'DESCRIBE TOPIC orders', registry => registry.idsOf(context, '1')],
  ['ReadSchema', `DESCRIBE ${CLUSTER}`, registry => registry.schemaById(context, 4)],
  ['ReadRegistryConfig', 'DESCRIBE_CONFIGS TOPIC orders', registry => registry.config(context, 'orders-value', true)],
  ['ReadRegistryConfig', 'DESCRIBE_CONFIGS TOPIC orders', registry => registry.mode(context, 'orders-value', true)],
  ['ReadRegistryConfig', `DESCRIBE_CONFIGS ${CLUSTER}`, registry => registry.config(context, null, true)],
  ['ReadRegistryConfig', `DESCRIBE_CONFIGS ${CLUSTER}`, registry => registry.mode(context, ':.team:', true)],
  ['AlterRegistryConfig', 'ALTER_CONFIGS TOPIC orders', registry => registry.setConfig(context, 'orders-value', {})],
  ['AlterRegistryConfig', 'ALTER_CONFIGS TOPIC orders', registry => registry.deleteConfig(context, 'orders-value')],
  ['AlterRegistryConfig', 'ALTER_CONFIGS TOPIC orders', registry => registry.setMode(context, 'orders-value', 'READONLY', false)],
  ['AlterRegistryConfig', 'ALTER_CONFIGS TOPIC orders', registry => registry.deleteMode(context, 'orders-value')],
  ['AlterRegistryConfig', `ALTER_CONFIGS ${CLUSTER}`, registry => registry.setConfig(context, null, {})],
  ['AlterRegistryConfig', `ALTER_CONFIGS ${CLUSTER}`, registry => registry.setConfig(context, ':.team:', {})],
  ['AlterRegistryConfig', `ALTER_CONFIGS ${CLUSTER}`, registry => registry.deleteConfig(context, null)],
  ['AlterRegistryConfig', `ALTER_CONFIGS ${CLUSTER}`, registry => registry.setMode(context, null, 'IMPORT', false)],
  ['AlterRegistryConfig', `ALTER_CONFIGS ${CLUSTER}`, registry => registry.deleteMode(context, null)],
  ['AlterRegistryConfig', `ALTER_CONFIGS ${CLUSTER}`, registry => registry.deleteMode(context, 'orders-value', { recursive: true })],
  ['ListContexts', `DESCRIBE_CONFIGS ${CLUSTER}`, registry => registry.contexts(context)],
  ['DeleteContext', `ALTER_CONFIGS ${CLUSTER}`, registry => registry.deleteContext(context, '.team')]
]

const OPERATIONS: readonly Operation[] = ['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS']
const IMPLIED: Readonly<Record<string, readonly Operation[]>> = {
  DESCRIBE: ['DESCRIBE', 'READ', 'WRITE', 'DELETE', 'ALTER'], DESCRIBE_CONFIGS: ['DESCRIBE_CONFIGS', 'ALTER_CONFIGS']
}

t.test('with that alone it passes, with all but that it is refused, and told of', async t => {
  for (const [action, needed, act] of rows) {
    const { registry, denials } = guarded(needed)
    await t.resolves(async () => await act(registry), `${action} with ${needed}`)
    t.same(denials, [])

    const [operation, resourceType, resourceName] = needed.split(' ') as [Operation, ResourceType, string]
    const others = OPERATIONS.filter(one => !(IMPLIED[operation] ?? [operation]).includes(one))
    const without = guarded(...others.flatMap(one => [`${one} TOPIC *`, `${one} ${CLUSTER}`]))
    await t.rejects(async () => await act(without.registry), { name: 'KafkaError', message: /^Not authorised: this needs/ }, `${action} without ${needed}`)
    t.match(without.denials, [{ api: action, operation, resourceType, resourceName, principal: context.principal, door: 'http', address: '10.0.0.1' }])
    t.equal(without.denials.length, 1)
  }
})

t.test('every row of the table is walked through', async t => {
  t.same(new Set([...rows.map(([name]) => name), 'ListSubjects']), new Set(Object.keys(registryPermissions)))
})

t.test('lists show what may be seen, and nothing is said of the rest', async t => {
  const { registry, denials } = guarded('READ TOPIC orders')
  t.same(registry.subjects(context), ['orders-value', ':.team:orders-key'])
  t.same(registry.all(context), [own])
  t.same(registry.subjectsOf(context, 3), ['orders-value'])
  t.same(registry.versionsOf(context, 3), [{ subject: 'orders-value', version: 1 }])
  t.same(registry.referencedBy(context, 'orders-value', 1), [1, 3])
  t.same(denials, [])
})

t.test('a schema that several subjects have may be seen by whoever may see one of them', async t => {
  const { registry } = guarded('READ TOPIC orders')
  t.equal(registry.schemaById(context, 3), shared)
  t.equal(registry.schemaByGuid(context, '3'), shared)
  t.throws(() => registry.schemaById(context, 2), {
    message: 'Not authorised: this needs DESCRIBE on the topic of a subject that has the schema 2.'
  }, 'no names')
})

t.test('the ids of a schema are told where it may be seen', async t => {
  const ids = [{ context: '.', id: 3 }, { context: '.team', id: 2 }, { context: '.old', id: 4 }]
  const several = { ...registry, idsOf: () => ids } as unknown as Registry
  const told = (...rules: readonly string[]): number[] => guardedOver(several, ...rules).registry.idsOf(context, '3').map(({ id }) => id)
  t.same(told('READ TOPIC orders'), [3])
  t.same(told('READ TOPIC secrets'), [3, 2])
  t.same(told('READ TOPIC orders', `DESCRIBE ${CLUSTER}`), [3, 4])
})

t.test('who refers to a schema must be allowed to see it', async t => {
  const { registry, denials } = guarded('WRITE TOPIC orders')
  await t.rejects(registry.register(context, 'orders-value', referring), {
    message: /DESCRIBE on the topic addresses, to which the subject addresses-value belongs/
  })
  t.throws(() => registry.lookup(context, 'orders-value', referring), { message: /addresses/ })
  t.throws(() => registry.check(context, ':.team:orders-value', 'all', referring), { message: /addresses, to which the subject :\.team:addresses-value/ })
  t.equal(denials.length, 3)
  const both = guarded('WRITE TOPIC orders', 'DESCRIBE TOPIC addresses')
  await t.resolves(both.registry.register(context, 'orders-value', referring))
})

t.test('an alias opens no doors', async t => {
  const { registry: own, denials } = guarded('ALL TOPIC alias')
  const refused = (operation: string) => ({
    message: `Not authorised: this needs ${operation} on the topic of the subject that alias stands for.`, missing: null
  })
  t.throws(() => own.get(context, 'alias', 1), refused('DESCRIBE'), 'nor is it told what it stands for')
  t.throws(() => own.lookup(context, 'alias', content), refused('DESCRIBE'))
  await t.rejects(own.register(context, 'alias', content), refused('WRITE'))
  await t.rejects(own.deleteSubject(context, 'alias', true), refused('DELETE'))
  t.same(denials.map(({ resourceName }) => resourceName), Array(4).fill('secrets'), 'whoever watches over it is told')
  await t.rejects(own.register(context, 'alias', { ...content, references: [{ name: 'a', subject: 'alias', version: 1 }] }))
  await t.resolves(own.setConfig(context, 'alias', { alias: 'secrets-value' }))
  const other = guarded('ALL TOPIC secrets').registry
  t.ok(other.get(context, 'alias', 1))
  await t.rejects(other.setConfig(context, 'alias', { alias: null }), { message: /ALTER_CONFIGS on the topic alias/ })
})

t.test('while nothing asks for credentials, everyone may do everything', async t => {
  const open = new GuardedRegistry(registry, () => openAuthorizer, () => t.fail('nobody is denied anything'))
  for (const [action, , act] of rows) await t.resolves(async () => await act(open), action)
  t.equal(open.subjects(context).length, 4)
})

t.test('the topic of a subject', async t => {
  for (const [subject, topic] of [
    ['orders-value', 'orders'], ['orders-key', 'orders'], ['orders', 'orders'], ['orders-value-value', 'orders-value'], ['orders-values', 'orders-values'],
    ['-value', '-value'], ['-key-value', '-key'], ['value', 'value'], [':.team:orders-value', 'orders'], [':.team:', null], ['', null], [null, null],
    ['a:b-key', 'a:b'], ['line\nbreak-key', 'line\nbreak'], [':.__GLOBAL:', null]
  ] as const) t.equal(topicOf(subject), topic, String(subject))
})

t.test('docs/permissions.md has the table', async t => {
  const text = permissionDocument()
  for (const action of Object.keys(registryPermissions)) t.match(text, `| ${action} |`)
})
