/** The registry, asked as its clients ask it: what the peers do, point by point. */
import t, { type Test } from 'tap'
import { readConfig } from '../../../src/schemas/config-entity.ts'
import type { SchemaContent } from '../../../src/schemas/model.ts'
import type { Registry } from '../../../src/schemas/registry.ts'
import { SCHEMAS_TOPIC } from '../../../src/schemas/registry-log.ts'
import { fake } from './support/fake-format.ts'
import { knownTo, newRegistry, openRegistry } from './support/registries.ts'

/** What it is refused with. */
async function refused (t: Test, code: number, ask: () => unknown, message?: RegExp): Promise<void> {
  const error = await Promise.resolve().then(ask).then(() => null, (error: unknown) => error)
  t.match(error, { name: 'RegistryError', code, status: code < 1000 ? code : Math.trunc(code / 100), ...message === undefined ? {} : { message } })
}

const ids = async (registry: Registry, ...asked: readonly (readonly [subject: string, content: SchemaContent])[]): Promise<number[][]> => {
  const answers: number[][] = []
  for (const [subject, content] of asked) {
    const { id, version } = await registry.register(subject, content)
    answers.push([id, version])
  }
  return answers
}

t.test('a registry that nobody uses makes no topic; the first schema does', async t => {
  const { log, registry } = await newRegistry(t)
  t.ok(registry.isOpen)
  t.strictSame(registry.subjects(), [])
  t.strictSame(registry.contexts(), ['.'])
  await registry.refresh()
  t.strictSame([...log.topics.keys()], [])
  await registry.register('s', fake('a'))
  t.strictSame([...log.topics.get(SCHEMAS_TOPIC)!.configs], [
    ['cleanup.policy', 'compact'], ['min.compaction.lag.ms', '3600000'], ['max.message.bytes', String(16 * 1024 * 1024)]
  ])
  t.equal(log.topics.get(SCHEMAS_TOPIC)!.partitions.length, 1)
})

t.test('the same schema is the same version, and the same id in the context', async t => {
  const { registry } = await newRegistry(t)
  t.strictSame(await ids(registry,
    ['s', fake('a')], ['s', fake('a')], ['t', fake('a')], ['s', fake('a b?')], ['t', fake('a c?')], [':.ctx:s', fake('a c?')], [':.:s', fake('a')]),
  [[1, 1], [1, 1], [1, 1], [2, 2], [3, 2], [1, 1], [1, 1]])
  t.strictSame(registry.subjects(), [':.ctx:s', 's', 't'])
  t.strictSame(registry.subjectsOf(1), ['s', 't'])
  t.strictSame(registry.versionsOf(1, { subject: ':.ctx:' }), [{ subject: ':.ctx:s', version: 1 }])
  t.equal(registry.maxId(), 3)
  t.equal(registry.maxId({ subject: ':.ctx:x' }), 1)
})

t.test('another way of writing it is the same schema, wherever it is', async t => {
  const { registry } = await newRegistry(t)
  const spaced = fake('a b', { schema: '{ "name": "n",\n "fields": ["a", "b"], "doc?": 1 }' })
  const { id } = await registry.register('s', fake('a b'))
  t.match(await registry.register('s', spaced), { id, version: 1, schema: fake('a b').schema })
  const same = { ...spaced, schema: spaced.schema.replace(', "doc?": 1', '') }
  t.match(await registry.register('t', same), { id, version: 1, schema: fake('a b').schema }, 'in another subject: the text that has the id')
  // The order of fields has no meaning, which is seen only if asked for.
  t.match(await registry.register('s', fake('b a')), { id: id + 1, version: 2 })
  t.match(await registry.register('u', fake('b a'), { normalize: true }), { id: id + 1 })
  await registry.setConfig('v', { normalize: true })
  await registry.register('v', fake('x y'))
  t.match(await registry.register('v', fake('y x')), { version: 1 }, 'the configuration may ask for it')
  t.match(registry.lookup('v', fake('y x')), { version: 1 })
})

t.test('lookup', async t => {
  const { registry } = await newRegistry(t)
  await refused(t, 40401, () => registry.lookup('s', fake('a')), /^Subject 's' not found\.$/)
  await ids(registry, ['s', fake('a')], ['s', fake('a b?')], ['t', fake('x')])
  t.match(registry.lookup('s', fake('a b?')), { subject: 's', version: 2, id: 2 })
  await refused(t, 40403, () => registry.lookup('s', fake('x')), /^Schema not found$/)
  await refused(t, 42201, () => registry.lookup('s', fake('', { schema: 'no' })))
  await registry.deleteVersion('s', 1, false)
  await refused(t, 40403, () => registry.lookup('s', fake('a')))
  t.match(registry.lookup('s', fake('a'), { deleted: true }), { version: 1, deleted: true })
})

t.test('versions go on after a soft delete, and begin again after a permanent one', async t => {
  const { registry } = await newRegistry(t)
  await ids(registry, ['s', fake('a')], ['s', fake('a b?')])
  await refused(t, 40405, () => registry.deleteSubject('s', true), /^Subject 's' was not deleted first before being permanently deleted$/)
  t.strictSame(await registry.deleteSubject('s', false), [1, 2])
  await refused(t, 40404, () => registry.deleteSubject('s', false), /^Subject 's' was soft deleted\. Set permanent=true to delete permanently$/)
  t.strictSame(registry.subjects(), [])
  t.strictSame(registry.subjects({ deleted: true }), ['s'])
  await refused(t, 40401, () => registry.versions('s'))
  t.strictSame(registry.versions('s', { deletedOnly: true }), [1, 2])
  t.match(registry.schemaById(1), { id: 1, deleted: true }, 'data that was written with it can be read')
  t.strictSame(await ids(registry, ['s', fake('a')]), [[1, 3]], 'the same content is the same id')
  t.strictSame(registry.versions('s'), [3])
  t.strictSame(registry.versions('s', { deleted: true }), [1, 2, 3])
  await registry.deleteSubject('s', false)
  t.strictSame(await registry.deleteSubject('s', true), [1, 2, 3])
  await refused(t, 40403, () => registry.schemaById(1))
  await refused(t, 40401, () => registry.deleteSubject('s', true))
  t.strictSame(await ids(registry, ['s', fake('a')]), [[3, 1]], 'and an id is not given twice')
})

t.test('deleting versions', async t => {
  const { registry } = await newRegistry(t)
  await ids(registry, ['s', fake('a')], ['s', fake('a b?')], ['s', fake('a c?')])
  await refused(t, 40401, () => registry.deleteVersion('x', 1, false))
  await refused(t, 40402, () => registry.deleteVersion('s', 9, false), /^Version 9 not found\.$/)
  await refused(t, 42202, () => registry.deleteVersion('s', 0, false))
  await refused(t, 40407, () => registry.deleteVersion('s', 1, true))
  t.equal(await registry.deleteVersion('s', 'latest', false), 3)
  await refused(t, 40406, () => registry.deleteVersion('s', 3, false))
  await refused(t, 40402, () => registry.get('s', 3))
  t.match(registry.get('s', 3, { deleted: true }), { deleted: true })
  t.match(registry.get('s', 'latest'), { version: 2 })
  t.equal(await registry.deleteVersion('s', 3, true), 3)
  await refused(t, 40402, () => registry.get('s', 3, { deleted: true }))
  t.strictSame(await ids(registry, ['s', fake('a d?')]), [[4, 3]])
})

t.test('versions are asked for by number', async t => {
  const { registry } = await newRegistry(t)
  await refused(t, 40401, () => registry.get('s', 1))
  await registry.register('s', fake('a'))
  for (const wrong of [0, -2, 1.5, 2 ** 31, NaN]) await refused(t, 42202, () => registry.get('s', wrong), /^The specified version/)
  await refused(t, 40402, () => registry.get('s', 2 ** 31 - 1))
})

t.test('references', async t => {
  const { registry } = await newRegistry(t)
  const using = (name: string, subject: string, version: number): SchemaContent =>
    fake('a', { name: `uses-${name}`, uses: [name], references: [{ name, subject, version }] })
  await refused(t, 42201, () => registry.register('s', using('item', 'items', 1)), /No schema reference found for subject "items" and version 1/)
  await registry.register('items', fake('i'))
  const { id } = await registry.register('s', using('item', 'items', -1))
  t.strictSame(registry.get('s', 1).references, [{ name: 'item', subject: 'items', version: 1 }], '-1 is the latest')
  t.strictSame(registry.referencedBy('items', 1), [id])
  await refused(t, 42206, () => registry.deleteVersion('items', 1, false),
    /^One or more references exist to the schema \{magic=1,keytype=SCHEMA,subject=items,version=1\}/)
  await refused(t, 42206, () => registry.deleteSubject('items', false))
  await registry.deleteSubject('s', false)
  t.strictSame(registry.referencedBy('items', 1), [])
  t.strictSame(registry.referencedBy('items', 1, { deleted: true }), [id])
  await registry.deleteSubject('items', false)
  t.equal(registry.parsed(registry.schemaById(id)).name, 'uses-item', 'what is deleted can still be parsed')
  await registry.deleteSubject('items', true)
  t.throws(() => registry.parsed(registry.schemaById(id)), { name: 'SchemaError' }, 'unless what it needs is gone')

  await registry.register(':.ctx:items', fake('i'))
  t.match(await registry.register(':.ctx:s', using('item', 'items', 1)), { id: 2 }, 'a name without a context is in the same one')
  t.strictSame(registry.referencedBy(':.ctx:items', 1), [2])
})

t.test('modes', async t => {
  const { registry } = await newRegistry(t)
  t.equal(registry.mode(null, false), 'READWRITE')
  await refused(t, 40409, () => registry.mode('s', false), /^Subject 's' does not have subject-level mode configured$/)
  t.equal(registry.mode('s', true), 'READWRITE')
  await refused(t, 42204, () => registry.setMode(null, 'SOMETIMES', false))
  await refused(t, 42204, () => registry.setMode(null, 'FORWARD', false), /FORWARD is not supported/)
  await registry.register('s', fake('a'))
  t.equal(await registry.setMode('s', 'readonly', false), 'READONLY')
  await refused(t, 42205, () => registry.register('s', fake('b')), /^Subject s is in read-only mode$/)
  await refused(t, 42205, () => registry.deleteSubject('s', false))
  await refused(t, 42205, () => registry.setConfig('s', { compatibilityLevel: 'NONE' }))
  t.match(await registry.register('s', fake('a')), { id: 1 }, 'what is there is found')
  t.match(registry.lookup('s', fake('a')), { id: 1 })
  t.match(await registry.register('t', fake('b')), { id: 2 })
  await registry.setMode(null, 'READONLY_OVERRIDE', false)
  await registry.setMode('t', 'READWRITE', false)
  await refused(t, 42205, () => registry.register('t', fake('b c?')))
  t.equal(await registry.deleteMode(null), 'READONLY_OVERRIDE')
  t.equal(await registry.deleteMode('s'), 'READONLY')
  await refused(t, 40409, () => registry.deleteMode('s'))
  await registry.setMode(':.ctx:', 'READONLY', false)
  t.equal(registry.mode(':.ctx:s', true), 'READONLY')
  await refused(t, 42205, () => registry.register(':.ctx:s', fake('a')))
  await registry.setMode(':.ctx:s', 'READWRITE', false)
  await registry.register(':.ctx:s', fake('a'))
  t.equal(await registry.deleteMode(':.ctx:', { recursive: true }), 'READONLY')
  await refused(t, 40409, () => registry.mode(':.ctx:s', false))
})

t.test('import', async t => {
  const { registry } = await newRegistry(t)
  await refused(t, 42205, () => registry.register('s', { ...fake('a'), id: 10 }), /^Subject s is not in import mode$/)
  await refused(t, 42201, () => registry.register('s', { ...fake('a'), version: 5 }), /^Version is not one more than previous version/)
  await registry.register('old', fake('a'))
  await refused(t, 42205, () => registry.setMode(null, 'IMPORT', false), /^Cannot import since found existing subjects$/)
  await refused(t, 42205, () => registry.setMode('old', 'IMPORT', false))
  await registry.setMode('s', 'IMPORT', false)
  await refused(t, 42205, () => registry.register('s', fake('a')), /^Subject s is not in read-write mode$/)
  t.match(await registry.register('s', { ...fake('z'), id: 10, version: 5 }), { id: 10, version: 5 })
  t.match(await registry.register('s', { ...fake('z'), id: 10, version: 5 }), { id: 10, version: 5 }, 'once more')
  t.match(await registry.register('s', { ...fake('y'), id: 12, version: 3 }), { id: 12, version: 3 }, 'nothing is compared')
  await refused(t, 42207, () => registry.register('s', { ...fake('x'), id: 10, version: 6 }), /^Overwrite new schema with id 10 is not permitted\.$/)
  await refused(t, 42205, () => registry.register('s', { ...fake('x'), id: 13, version: 5 }))
  t.match(await registry.register('s', { ...fake('z'), id: 20, version: 7 }), { id: 20, version: 7 }, 'the same content under another id')
  t.strictSame(registry.versions('s'), [3, 5, 7])
  await registry.setMode('s', 'READWRITE', false)
  t.match(await registry.register('s', fake('z q?')), { id: 21, version: 8 }, 'and on from there')
  t.match(await registry.register('t', fake('z')), { id: 10 })
  await registry.setMode(null, 'IMPORT', true)
  t.equal(registry.mode('any', true), 'IMPORT')
})

t.test('configuration is asked for where it is set, or where it comes from', async t => {
  const { registry } = await newRegistry(t)
  t.strictSame(registry.config(null, false), { compatibilityLevel: 'BACKWARD' })
  await refused(t, 40408, () => registry.config('s', false), /^Subject 's' does not have subject-level compatibility configured$/)
  t.strictSame(registry.config('s', true), { compatibilityLevel: 'BACKWARD' })
  t.strictSame(await registry.setConfig(null, { compatibilityLevel: 'FULL' }), { compatibilityLevel: 'FULL' })
  await registry.setConfig(':.ctx:', { compatibilityLevel: 'NONE', normalize: true })
  await registry.setConfig(':.ctx:s', { compatibilityPolicy: 'LENIENT' })
  t.strictSame(registry.config(':.ctx:s', true), { compatibilityLevel: 'NONE', normalize: true, compatibilityPolicy: 'LENIENT' })
  t.strictSame(registry.config(':.ctx:s', false), { compatibilityPolicy: 'LENIENT' })
  t.strictSame(registry.config(':.other:s', true), { compatibilityLevel: 'FULL' })
  t.strictSame(await registry.setConfig(':.ctx:s', { compatibilityPolicy: null, normalize: false }), { normalize: false }, 'null takes away')
  t.strictSame(await registry.deleteConfig(':.ctx:s'), { normalize: false })
  await refused(t, 40408, () => registry.deleteConfig(':.ctx:s'))
  t.strictSame(await registry.deleteConfig(null), { compatibilityLevel: 'FULL' })
  t.strictSame(registry.config(null, false), { compatibilityLevel: 'BACKWARD' })
  await refused(t, 42208, () => registry.setConfig('a\tb', {}))
  await registry.register('s', fake('a'))
  await registry.setConfig('s', { compatibilityLevel: 'NONE' })
  await registry.setMode('s', 'READWRITE', false)
  await registry.deleteVersion('s', 1, false)
  await refused(t, 40408, () => registry.config('s', false), /./)
  await refused(t, 40409, () => registry.mode('s', false), /./)
})

t.test('fields of the configuration are acted on, or refused by name', async t => {
  t.strictSame(readConfig({ compatibility: 'full', validateFields: false, alias: 'x', normalize: null, compatibilityPolicy: 'lenient' }),
    { compatibilityLevel: 'FULL', validateFields: false, alias: 'x', normalize: null, compatibilityPolicy: 'LENIENT' })
  const rule = { name: 'r', kind: 'CONDITION', type: 'CEL', expr: 'true', doc: null }
  t.strictSame(readConfig({ defaultMetadata: { properties: { a: 'b' }, tags: null }, overrideRuleSet: { domainRules: [rule] } }),
    { defaultMetadata: { properties: { a: 'b' } }, overrideRuleSet: { domainRules: [{ name: 'r', type: 'CEL', expr: 'true', kind: 'CONDITION' }] } })
  for (const wrong of ['MOST', 7, {}]) {
    await refused(t, 42203, () => readConfig({ compatibility: wrong }), /^Invalid compatibility level\. Valid values are none, backward/)
  }
  for (const [name, value] of Object.entries({
    validateFields: true,
    validateRules: true,
    aliasForDeks: 'x',
    colour: 'red',
    normalize: 'yes',
    alias: '',
    compatibilityPolicy: 'LOGICAL',
    defaultMetadata: { properties: { a: 1 } }
  })) await refused(t, 422, () => readConfig({ [name]: value }), new RegExp(`^${name}`))
  await refused(t, 42210, () => readConfig({ overrideRuleSet: { domainRules: [{}] } }), /name/)
  await refused(t, 422, () => readConfig({ defaultMetadata: { properties: { a: 'x'.repeat(100_000) } } }), /100000 at most/)
  await refused(t, 42210, () => readConfig({ defaultRuleSet: { domainRules: [{ name: 'r', doc: 'x'.repeat(200_000) }] } }), /200000 at most/)
  await refused(t, 422, () => readConfig([]))
})

t.test('metadata and rules: the request over defaults and what was before, overrides over all', async t => {
  const { registry } = await newRegistry(t)
  await registry.setConfig('s', { defaultMetadata: { properties: { owner: 'nobody', tier: '1' } }, overrideMetadata: { properties: { tier: '9' } } })
  const first = await registry.register('s', fake('a', { metadata: { properties: { owner: 'us' } } }))
  t.strictSame(first.metadata, { properties: { owner: 'us', tier: '9' } })
  t.equal((await registry.register('s', fake('a'))).version, 1, 'who says nothing of it finds it')
  const second = await registry.register('s', fake('a b?'))
  t.strictSame(second.metadata, { properties: { owner: 'us', tier: '9' } }, 'and has what was before')
  const third = await registry.register('s', fake('a b?', { metadata: { properties: { owner: 'them' } } }))
  t.match([third.version, third.id], [3, 3], 'other metadata is another schema')
  t.not(third.guid, second.guid)
  t.equal(registry.latestWith('s', { owner: 'us' }).version, 2)
  await refused(t, 40402, () => registry.latestWith('s', { owner: 'me' }))
  await refused(t, 40401, () => registry.latestWith('x', {}))
  const rules = { domainRules: [{ name: 'r', kind: 'CONDITION' as const, type: 'CEL', expr: 'true' }] }
  t.strictSame((await registry.register('s', fake('a c?', { ruleSet: rules }))).ruleSet, rules)
  await refused(t, 42210, () => registry.register('s', fake('a d?', { ruleSet: { domainRules: [{ name: 'r', kind: 'CONDITION', type: 'CEL', expr: '((' }] } })))
})

t.test('aliases', async t => {
  const { registry } = await newRegistry(t)
  await registry.register('real', fake('a'))
  await registry.setConfig('nick', { alias: 'real' })
  t.match(registry.get('nick', 1), { subject: 'real' })
  t.equal(registry.latest('nick')!.id, 1)
  const real = registry.get('real', 1)
  t.ok(registry.isUnder('nick', real))
  t.match(await registry.register('nick', fake('a b?')), { subject: 'real', version: 2 })
  t.match(registry.lookup('nick', fake('a')), { subject: 'real' })
  t.strictSame(registry.subjectsOf(1, { subject: 'nick' }), ['real'])
  t.strictSame(registry.config('nick', false), { alias: 'real' })
  await refused(t, 422, () => registry.setConfig(null, { alias: 'real' }), /^alias/)
  await registry.deleteVersion('nick', 1, false)
  t.strictSame([registry.isUnder('nick', real), registry.isUnder('nick', real, true), registry.isUnder('other', real, true)], [false, true, false])
  await registry.setConfig('real', { alias: 'nick' })
  t.strictSame(registry.subjects(), ['real'], 'in a circle, each means the other one')
  await refused(t, 40401, () => registry.get('real', 1))
})

t.test('contexts', async t => {
  const { registry } = await newRegistry(t)
  await ids(registry, ['s', fake('a')], [':.b:s', fake('b')], [':.a:s', fake('c')], [':.a:odd:name', fake('d')], [':x', fake('e')])
  t.strictSame(registry.contexts(), ['.', '.a', '.b'])
  t.strictSame(registry.subjects({ prefix: ':.a:' }), [':.a:odd:name', ':.a:s'])
  t.strictSame(registry.subjects({ prefix: ':*:s' }), [':.a:s', ':.b:s', 's'])
  t.strictSame(registry.subjects({ prefix: '' }), [':x', 's'])
  t.match(registry.schemaById(1, { subject: ':.b:' }), { subject: ':.b:s' })
  t.match(registry.schemaById(1), { subject: 's' })
  t.match(registry.schemaById(2, { subject: 'odd:name' }), { subject: ':.a:odd:name' }, 'a name without a context may be in any')
  await refused(t, 40403, () => registry.schemaById(1, { subject: ':.nowhere:' }))
  const { guid } = registry.get('s', 1)
  await registry.register(':.a:s', fake('a'), { force: true })
  t.strictSame(registry.idsOf(guid), [{ context: '.', id: 1 }, { context: '.a', id: 3 }])
  t.match(registry.schemaByGuid(guid.toUpperCase()), { subject: 's' })
  await refused(t, 40403, () => registry.schemaByGuid('00000000-0000-0000-0000-000000000000'))
  await refused(t, 42211, () => registry.deleteContext('.b'))
  await registry.setConfig(':.b:', { normalize: true })
  await registry.deleteSubject(':.b:s', false)
  await refused(t, 42211, () => registry.deleteContext('.b'))
  await registry.deleteSubject(':.b:s', true)
  await registry.deleteContext('.b')
  t.strictSame(registry.contexts(), ['.', '.a'])
  await refused(t, 40408, () => registry.config(':.b:', false))
  await refused(t, 40401, () => registry.deleteContext('.b'))
  await refused(t, 42205, () => registry.deleteContext('.'))
})

t.test('names of subjects', async t => {
  const { registry } = await newRegistry(t)
  for (const odd of ['a/b', 'a b', 'a:b', 'ü', '__proto__', ':', 'x'.repeat(4096)]) t.match(await registry.register(odd, fake('a')), { subject: odd, id: 1 })
  for (const wrong of ['', ':.ctx:', 'a\nb', '\x00', '__GLOBAL', '__EMPTY', ':.c\x01:s', 'x'.repeat(4097), '\ud800']) {
    await refused(t, 42208, () => registry.register(wrong, fake('a')), /^The specified subject /)
  }
})

t.test('what is no schema is refused', async t => {
  const { registry } = await newRegistry(t)
  await refused(t, 42201, () => registry.register('s', fake('', { schema: '' })), /^Empty schema$/)
  await refused(t, 42201, () => registry.register('s', fake('', { schema: '{' })), /^Input schema is an invalid AVRO schema: not JSON$/)
  await refused(t, 42201, () => registry.register('s', fake('a', { schemaType: 'XML' as never })), /^Invalid schema type XML/)
  await refused(t, 42209, () => registry.register('s', fake('x'.repeat(1_000_001))))
  await registry.register('s', fake(''))
  await registry.setConfig('t', { validateNewSchemas: true })
  await refused(t, 42201, () => registry.register('t', fake('')), /strictly/)
  await refused(t, 42201, () => registry.check('t', 'latest', fake('')), /strictly/)
})

t.test('the same after a restart, and for another registry over the log', async t => {
  const { log, registry } = await newRegistry(t)
  const contract = fake('a', { metadata: { properties: { a: 'b' } } })
  await ids(registry, ['s', fake('a')], ['s', fake('a b?')], ['t', fake('x', { schemaType: 'JSON' })], [':.c:s', contract])
  await registry.setConfig('s', { compatibilityLevel: 'FULL' })
  await registry.setMode('t', 'READONLY', false)
  await registry.deleteVersion('s', 1, false)
  await registry.setConfig('gone', { normalize: true })
  await registry.deleteConfig('gone')
  await registry.register('u', fake('u'))
  await registry.deleteSubject('u', false)
  await registry.deleteSubject('u', true)
  t.strictSame(knownTo(await openRegistry(t, log.dispatch)), knownTo(registry))
})
