/** Topics that other registries wrote are gone on with as they are. The records are ours, in the forms of theirs. */
import t from 'tap'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { recordsIn } from '../../../protocol/records.ts'
import { compose, on } from '../../../protocol/rpc.ts'
import { Registry } from '../../../src/schemas/registry.ts'
import { SCHEMAS_TOPIC, schemasTopic } from '../../../src/schemas/registry-log.ts'
import { StateTopic, type Entry } from '../../../src/state/topic.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { fake, fakeFormat } from './support/fake-format.ts'
import { knownTo, openRegistry } from './support/registries.ts'

const { signal } = new AbortController()

/** A log with these entries, a batch each. */
async function dump (entries: readonly (readonly [key: string, value: string | null])[]): Promise<MemoryLog> {
  const log = new MemoryLog()
  log.create(SCHEMAS_TOPIC, 1, schemasTopic.configs.map(({ name, value }) => [name, value] as const))
  const topic = new StateTopic(log.dispatch, schemasTopic)
  await topic.find(signal)
  for (const [key, value] of entries) await topic.append([{ key, value }], signal)
  return log
}

/** Keys and values of the log, in order. */
const entriesOf = (log: MemoryLog): [string, string | null][] =>
  log.topics.get(SCHEMAS_TOPIC)!.partitions[0]!.batches.flatMap(batch => [...recordsIn(batch)].map(({ key, value }): [string, string | null] =>
    [key!.toString(), value?.toString() ?? null]))

const text = (fields: string): string => JSON.stringify(fake(fields).schema)

t.test('a topic of Confluent\'s registry', async t => {
  const log = await dump([
    ['{"keytype":"NOOP","magic":0}', null],
    ['{"keytype":"SCHEMA","subject":"orders-value","version":1,"magic":1}',
      `{"subject":"orders-value","version":1,"id":1,"md5":"AAECAw==","schema":${text('a')},"deleted":false}`],
    ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"alias":null,"normalize":true,"compatibilityLevel":"NONE","newWord":{"big":12345678901234567890}}'],
    ['{"keytype":"SCHEMA","subject":"orders-value","version":2,"magic":1}',
      '{"subject":"orders-value","version":2,"id":2,"md5":"BBBB","schemaType":"JSON","references":[],"metadata":null,"ruleSet":null,' +
        `"schema":${text('b')},"schemaTags":null,"deleted":false}`],
    ['{"keytype":"SCHEMA","subject":":.team:s","version":1,"magic":1}',
      '{"subject":":.team:s","version":1,"id":1,"references":[{"name":"r","subject":"r","version":1}],"metadata":{"properties":{"k":"v"}},' +
        `"schema":${text('x')},"deleted":false}`],
    ['{"keytype":"MODE","subject":":.team:","magic":0}', '{"mode":"READONLY"}'],
    ['{"keytype":"CONTEXT","tenant":"default","context":".empty","magic":0}', '{"tenant":"default","context":".empty"}'],
    ['{"keytype":"ASSOCIATION","tenant":"default","magic":0}', '{"a":1}'],
    ['{"keytype":"SCHEMA","subject":"old","version":1,"magic":1}', `{"subject":"old","version":1,"id":3,"schema":${text('o')},"deleted":false}`],
    ['{"keytype":"SCHEMA","subject":"old","version":2,"magic":1}', `{"subject":"old","version":2,"id":4,"schema":${text('p')},"deleted":false}`],
    ['{"keytype":"DELETE_SUBJECT","subject":"old","magic":0}', '{"subject":"old","version":2}'],
    ['{"keytype":"SCHEMA","subject":"old","version":1,"magic":1}', null],
    ['{"keytype":"SCHEMA","subject":"cleared","version":1,"magic":1}', `{"subject":"cleared","version":1,"id":9,"schema":${text('q')},"deleted":true}`],
    ['{"keytype":"CLEAR_SUBJECT","subject":"cleared","magic":0}', '{"subject":"cleared"}'],
    ['not json', '{}'], ['{"keytype":"SCHEMA","subject":"s"}', '{}'], ['[]', null], ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', 'what']
  ])
  const registry = await openRegistry(t, log.dispatch)
  t.strictSame(registry.contexts(), ['.', '.empty', '.team'])
  t.strictSame(registry.subjects({ deleted: true }), [':.team:s', 'old', 'orders-value'])
  t.match(registry.get('orders-value', 2), { id: 2, schemaType: 'JSON', metadata: null, references: [] })
  t.match(registry.get(':.team:s', 1), { id: 1, metadata: { properties: { k: 'v' } }, references: [{ name: 'r', subject: 'r', version: 1 }] })
  t.strictSame(registry.config(null, false), { compatibilityLevel: 'NONE', normalize: true })
  t.equal(registry.mode(':.team:s', true), 'READONLY')
  t.match(registry.get('old', 2, { deleted: true }), { deleted: true, id: 4 })
  t.throws(() => registry.get('old', 1, { deleted: true }), { code: 40402 })
  t.equal(registry.maxId(), 9)

  const before = entriesOf(log).length
  t.match(await registry.register('orders-value', fake('c')), { id: 10, version: 3 })
  await registry.deleteVersion('orders-value', 1, false)
  await registry.deleteVersion('orders-value', 2, false)
  await registry.setConfig(null, { compatibilityLevel: 'FULL' })
  await registry.deleteSubject('orders-value', false)
  t.strictSame(entriesOf(log).slice(before), [
    ['{"keytype":"SCHEMA","subject":"orders-value","version":3,"magic":1}',
      `{"subject":"orders-value","version":3,"id":10,"schema":${text('c')},"deleted":false}`],
    ['{"keytype":"SCHEMA","subject":"orders-value","version":1,"magic":1}',
      `{"subject":"orders-value","version":1,"id":1,"md5":"AAECAw==","schema":${text('a')},"deleted":true}`],
    ['{"keytype":"SCHEMA","subject":"orders-value","version":2,"magic":1}',
      `{"subject":"orders-value","version":2,"id":2,"md5":"BBBB","schemaType":"JSON","schema":${text('b')},"deleted":true,"schemaTags":null}`],
    ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"normalize":true,"compatibilityLevel":"FULL","newWord":{"big":12345678901234567890}}'],
    ['{"keytype":"DELETE_SUBJECT","subject":"orders-value","magic":0}', '{"subject":"orders-value","version":3}']
  ], 'the bytes that it would write itself, and what we do not know is kept')
  await registry.deleteContext('.empty')
  t.strictSame(entriesOf(log).at(-1), ['{"keytype":"CONTEXT","tenant":"default","context":".empty","magic":0}', null])
})

t.test('a topic of Karapace, and one with its keys in another order', async t => {
  const log = await dump([
    ['{"keytype":"CONFIG","magic":0,"subject":null}', '{"compatibilityLevel":"NONE"}'],
    ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', `{"subject":"s","version":1,"id":1,"schema":${text('a')},"deleted":false}`],
    ['{"subject":"s","version":2,"magic":1,"keytype":"SCHEMA"}', `{"subject":"s","version":2,"id":2,"schema":${text('b')},"deleted":false}`],
    ['{"keytype":"DELETE_SUBJECT","subject":"t","magic":0}', '{"subject":"t","version":4}']
  ])
  const registry = await openRegistry(t, log.dispatch)
  t.strictSame(registry.versions('s'), [1, 2])
  t.equal(registry.config('s', true).compatibilityLevel, 'NONE')
  await registry.deleteVersion('s', 2, false)
  await registry.deleteVersion('s', 2, true)
  await registry.deleteConfig(null)
  t.strictSame(entriesOf(log).slice(4).map(([key, value]) => [key, value === null]), [
    ['{"subject":"s","version":2,"magic":1,"keytype":"SCHEMA"}', false],
    ['{"subject":"s","version":2,"magic":1,"keytype":"SCHEMA"}', true],
    ['{"keytype":"CONFIG","magic":0,"subject":null}', true]
  ], 'compaction goes by the bytes of keys, so they stay')
  t.strictSame(knownTo(await openRegistry(t, log.dispatch)), knownTo(registry))
})

t.test('what Karapace deletes, with values of no bytes', async t => {
  const log = await dump([
    ['{"keytype":"CONFIG","subject":"s","magic":0}', '{"compatibilityLevel":"NONE"}'],
    ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', `{"subject":"s","version":1,"id":1,"schema":${text('a')},"deleted":true}`],
    ['{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}', `{"subject":"s","version":2,"id":2,"schema":${text('b')},"deleted":false}`],
    ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', ''],
    ['{"keytype":"CONFIG","subject":"s","magic":0}', ''],
    ['{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}', `{"subject":"t","version":1,"id":3,"schema":${text('c')},"deleted":true}`],
    ['{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}', ''],
    ['{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}', `{"subject":"t","version":1,"id":4,"schema":${text('d')},"deleted":false}`]
  ])
  const registry = await openRegistry(t, log.dispatch)
  t.strictSame(registry.versions('s', { deleted: true }), [2])
  t.throws(() => registry.config('s', false), { code: 40408 })
  t.match(registry.get('t', 1), { id: 4, schema: fake('d').schema }, 'the version is given anew')
})

t.test('what stands under keys in either order goes under both', async t => {
  const log = await dump([
    ['{"subject":"s","version":1,"magic":1,"keytype":"SCHEMA"}', `{"subject":"s","version":1,"id":1,"schema":${text('a')},"deleted":false}`]
  ])
  const registry = await openRegistry(t, log.dispatch)
  await registry.register('s', fake('a b?'))
  await registry.setConfig('s', { compatibilityLevel: 'NONE' })
  const topic = new StateTopic(log.dispatch, schemasTopic)
  await topic.find(signal)
  await topic.append([
    { key: '{"subject":"s","version":2,"magic":1,"keytype":"SCHEMA"}', value: `{"subject":"s","version":2,"id":2,"schema":${text('a b?')},"deleted":true}` },
    { key: '{"subject":"s","magic":0,"keytype":"CONFIG"}', value: '{"compatibilityLevel":"FULL"}' }
  ], signal)
  await registry.refresh()
  const before = entriesOf(log).length
  await registry.deleteVersion('s', 2, true)
  await registry.deleteConfig('s')
  t.strictSame(entriesOf(log).slice(before), [
    ['{"subject":"s","version":2,"magic":1,"keytype":"SCHEMA"}', null],
    ['{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}', null],
    ['{"subject":"s","magic":0,"keytype":"CONFIG"}', null],
    ['{"keytype":"CONFIG","subject":"s","magic":0}', null]
  ], 'else compaction would bring back what stands under the other one')
  t.strictSame(registry.versions('s', { deleted: true }), [1])
})

t.test('versions that another registry wrote over others are taken as they stand', async t => {
  const value = (id: number, fields: string): string => `{"subject":"s","version":1,"id":${id},"schema":${text(fields)},"deleted":false}`
  const key = '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}'
  const mode = '{"keytype":"MODE","subject":"s","magic":0}'
  const log = await dump([[key, value(1, 'a')], [mode, '{"mode":"IMPORT"}'], [key, value(5, 'b')], [mode, '{"mode":"READWRITE"}'], [key, value(6, 'c')]])
  const registry = await openRegistry(t, log.dispatch)
  t.match(registry.get('s', 1), { id: 6, schema: fake('c').schema }, 'the last one, as there')
  t.throws(() => registry.schemaById(1), { code: 40403 })
})

t.test('where another registry has given an id twice, both versions are there, and nothing is written over', async t => {
  const value = (subject: string, fields: string): string => `{"subject":"${subject}","version":1,"id":1,"schema":${text(fields)},"deleted":false}`
  const key = (subject: string): string => `{"keytype":"SCHEMA","subject":"${subject}","version":1,"magic":1}`
  const log = await dump([[key('a'), value('a', 'x')], [key('b'), value('b', 'y')]])
  const registry = await openRegistry(t, log.dispatch, { repairAfterMs: 10 })
  const before = entriesOf(log)
  t.strictSame(registry.subjects({}), ['a', 'b'])
  t.match(registry.get('a', 1), { id: 1, schema: fake('x').schema })
  t.match(registry.get('b', 1), { id: 1, schema: fake('y').schema })
  t.match(registry.schemaById(1), { schema: fake('x').schema }, 'an id means what it meant first')
  t.match(registry.lookup('b', fake('y'), {}), { id: 1, version: 1 })
  t.match(await registry.register('c', fake('z')), { id: 2 }, 'the next one is new')
  t.match(await registry.register('d', fake('x')), { id: 1 })
  await new Promise(resolve => setTimeout(resolve, 100))
  t.strictSame(entriesOf(log).slice(0, before.length), before)
  t.equal(entriesOf(log).length, before.length + 2, 'nothing but what was registered')
  await registry.deleteSubject('b', false)
  t.strictSame(knownTo(await openRegistry(t, log.dispatch)), knownTo(registry), 'what is deleted here stays as foreign as it was')
  await registry.deleteSubject('a', false)
  await registry.deleteSubject('a', true)
  await registry.deleteSubject('d', false)
  await registry.deleteSubject('d', true)
  t.match(registry.schemaById(1), { schema: fake('y').schema }, 'when nobody has the first meaning any more, it is the next')
  t.strictSame(knownTo(await openRegistry(t, log.dispatch)), knownTo(registry))
})

t.test('10,000 schemas are there at once, and registering among them is quick', async t => {
  const { engine } = await openEngine(t, t.testdir(), { durability: 'os' })
  const topic = new StateTopic(engine.dispatch, schemasTopic)
  await topic.ensure(signal)
  const doc = 'x'.repeat(700)
  const contentOf = (i: number): string => JSON.stringify({ name: `Record${i}`, fields: ['id', `field${i}`], doc })
  const entries = Array.from({ length: 10_000 }, (_, i): Entry => ({
    key: `{"keytype":"SCHEMA","subject":"topic-${i >> 1}-value","version":${(i & 1) + 1},"magic":1}`,
    value: JSON.stringify({ subject: `topic-${i >> 1}-value`, version: (i & 1) + 1, id: i + 1, schema: contentOf(i), deleted: false })
  }))
  for (let i = 0; i < entries.length; i += 1000) await topic.append(entries.slice(i, i + 1000), signal)
  const format = fakeFormat()
  const registry = new Registry(engine.dispatch, [format])
  t.teardown(() => registry.close())
  let started = performance.now()
  await registry.open()
  t.comment(`start-up on 10,000 schemas: ${Math.round(performance.now() - started)} ms`)
  t.equal(registry.subjects().length, 5000)
  t.equal(format.parses, 0, 'nothing was parsed')
  started = performance.now()
  for (let i = 0; i < 200; i++) await registry.register(`new-${i}`, { ...fake(''), schema: contentOf(i * 50).replace('{', '{ ') })
  t.comment(`200 known schemas under new subjects: ${Math.round(performance.now() - started)} ms`)
  t.equal(registry.maxId(), 10_000)
  started = performance.now()
  for (let i = 0; i < 200; i++) await registry.register(`new-${i}`, fake(`id field${i * 50} more${i}?`))
  t.comment(`200 new ones: ${Math.round(performance.now() - started)} ms`)
  t.equal(registry.maxId(), 10_200)
  t.ok(format.parses < 1500, `${format.parses} times something was parsed`)
})

t.test('a topic that is there is made safe before it is written', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  await client.topic(1, { 'cleanup.policy': 'delete' }, SCHEMAS_TOPIC)
  let made = 0
  const registry = await openRegistry(t, compose(engine.dispatch, on(CreateTopics, (request, _, next) => {
    made++
    return next(request)
  })))
  await registry.register('s', fake('a'))
  t.equal(made, 0)
  t.equal(engine.topics!.partition(SCHEMAS_TOPIC, 0)!.log.config.minCompactionLagMs, 3_600_000)
})

t.test('metadata and rules that are none are passed over, and what stands behind them is there', async t => {
  const key = (version: number): string => `{"keytype":"SCHEMA","subject":"s","version":${version},"magic":1}`
  const value = (version: number, more: string): string =>
    `{"subject":"s","version":${version},"id":${version},"schema":${text(`f${version}`)},"deleted":false${more}}`
  const wrong = [
    ',"metadata":{"tags":{"a":null}}', ',"metadata":{"tags":{"a":"x"}}', ',"metadata":{"sensitive":5}', ',"metadata":[]',
    ',"ruleSet":{"domainRules":[null]}', ',"ruleSet":{"domainRules":{}}', ',"ruleSet":{"domainRules":[{"name":"r","tags":"x"}]}',
    `,"metadata":{"tags":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`
  ]
  const sound = [key(20), value(20, ',"metadata":{"tags":null},"ruleSet":null')] as const
  const log = await dump([...wrong.map((more, i) => [key(i + 1), value(i + 1, more)] as const), sound])
  const registry = await openRegistry(t, log.dispatch)
  t.strictSame(registry.versions('s'), [20])
})
