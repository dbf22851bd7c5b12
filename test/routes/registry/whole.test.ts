/**
 * The API over a real registry with all its languages, over a log in memory.
 */
import t from 'tap'
import type { Test } from 'tap'
import { openAuthorizer } from '../../../src/access/authorizer.ts'
import { GuardedRegistry } from '../../../src/policies/authorize-registry.ts'
import { avro } from '../../../src/schemas/avro/format.ts'
import { jsonSchema } from '../../../src/schemas/json/format.ts'
import { protobuf } from '../../../src/schemas/protobuf/format.ts'
import { Registry } from '../../../src/schemas/registry.ts'
import { openDoor } from '../../support/http-door.ts'
import { MemoryLog } from '../../support/memory-log.ts'

type Ask = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => Promise<[status: number, answer: unknown]>

async function open (t: Test): Promise<Ask> {
  const registry = new Registry(new MemoryLog().dispatch, [avro, jsonSchema, protobuf])
  await registry.open()
  t.teardown(() => registry.close())
  const { inject } = await openDoor(t, { door: { registry: new GuardedRegistry(registry, () => openAuthorizer, () => {}) } })
  return async (method, url, payload) => {
    const response = await inject({ method, url, ...payload === undefined ? {} : { payload } })
    return [response.statusCode, response.body === '' ? null : response.headers['content-type']!.toString().includes('json') ? response.json() : response.body]
  }
}

const record = (...fields: object[]): string => JSON.stringify({ type: 'record', name: 'Order', fields })
const ID = { name: 'id', type: 'long' }
const NOTE = { name: 'note', type: 'string' }
const NOTE_OR_NOT = { name: 'note', type: ['null', 'string'], default: null }

t.test('a subject from its first version to its end', async t => {
  const ask = await open(t)
  t.same(await ask('GET', '/subjects'), [200, []])
  t.match(await ask('GET', '/subjects/orders-value/versions'), [404, { error_code: 40401, message: 'Subject \'orders-value\' not found.' }])
  t.match(await ask('POST', '/subjects/orders-value/versions', { schema: record(ID) }), [200, { id: 1 }])
  t.match(await ask('POST', '/subjects/orders-value/versions', { schema: record(ID), schemaType: 'AVRO', references: [] }), [200, { id: 1 }], 'again')
  t.match(await ask('POST', '/subjects/copies-value/versions', { schema: record(ID) }), [200, { id: 1 }], 'under another subject')

  const refused = await ask('POST', '/subjects/orders-value/versions', { schema: record(ID, NOTE) })
  t.match(refused, [409, {
    error_code: 40901,
    message: /^Schema being registered is incompatible with an earlier schema for subject "orders-value", details: \[\{errorType:'READER_FIELD/,
    details: [{ version: 1, reader: 'new', type: 'READER_FIELD_MISSING_DEFAULT_VALUE', path: '/fields/1', additionalInfo: 'note' }]
  }])
  t.match(await ask('POST', '/compatibility/subjects/orders-value/versions/latest?verbose=true', { schema: record(ID, NOTE) }),
    [200, { is_compatible: false, messages: [/READER_FIELD_MISSING_DEFAULT_VALUE/] }])
  t.same(await ask('POST', '/compatibility/subjects/nobody-value/versions/latest', { schema: record(ID) }), [200, { is_compatible: true }])
  t.match(await ask('POST', '/compatibility/subjects/orders-value/versions/9', { schema: record(ID) }), [404, { error_code: 40402 }])

  t.match(await ask('POST', '/subjects/orders-value/versions', { schema: record(ID, NOTE_OR_NOT) }), [200, { id: 2 }])
  t.same(await ask('GET', '/subjects/orders-value/versions'), [200, [1, 2]])
  t.match(await ask('GET', '/subjects/orders-value/versions/latest'),
    [200, { subject: 'orders-value', version: 2, id: 2, schema: record(ID, NOTE_OR_NOT) }])
  t.match(await ask('POST', '/subjects/orders-value', { schema: record(ID) }), [200, { version: 1, id: 1 }])
  t.match(await ask('POST', '/subjects/orders-value', { schema: record() }), [404, { error_code: 40403 }])
  t.same(await ask('GET', '/schemas/ids/1/subjects'), [200, ['copies-value', 'orders-value']])

  t.same(await ask('DELETE', '/subjects/orders-value/versions/1'), [200, 1])
  t.match(await ask('DELETE', '/subjects/orders-value/versions/1'), [404, { error_code: 40406 }])
  t.match(await ask('DELETE', '/subjects/orders-value/versions/2?permanent=true'), [404, { error_code: 40407 }])
  t.same(await ask('GET', '/subjects/orders-value/versions?deletedAsNegative=true'), [200, [-1, 2]])
  t.same(await ask('GET', '/subjects/orders-value/versions?deletedOnly=true'), [200, [1]])
  t.match(await ask('DELETE', '/subjects/orders-value?permanent=true'), [404, { error_code: 40405 }])
  t.same(await ask('DELETE', '/subjects/orders-value'), [200, [2]])
  t.match(await ask('DELETE', '/subjects/orders-value'), [404, { error_code: 40404 }])
  t.match(await ask('GET', '/schemas/ids/2'), [200, { schema: record(ID, NOTE_OR_NOT) }], 'data that was written with it can be read')
  t.same(await ask('GET', '/subjects?deletedOnly=true'), [200, ['orders-value']])
  t.same(await ask('DELETE', '/subjects/orders-value?permanent=true'), [200, [1, 2]])
  t.match(await ask('GET', '/schemas/ids/2'), [404, { error_code: 40403 }])
})

t.test('three languages, references, forms', async t => {
  const ask = await open(t)
  t.same(await ask('GET', '/schemas/types'), [200, ['AVRO', 'JSON', 'PROTOBUF']])
  t.match(await ask('POST', '/subjects/j/versions', { schemaType: 'JSON', schema: '{"type":"object"}' }), [200, { id: 1 }])
  const proto = 'syntax = "proto3";\npackage shop;\n\nmessage Order {\n  int64 id = 1;\n}\n'
  t.match(await ask('POST', '/subjects/p/versions', { schemaType: 'PROTOBUF', schema: proto }), [200, { id: 2 }])
  t.match(await ask('GET', '/subjects/p/versions/1'), [200, { schemaType: 'PROTOBUF' }])
  t.match(await ask('GET', '/schemas/ids/2/schema'), [200, /message Order/])
  t.match(await ask('GET', '/schemas/ids/2?format=serialized'), [200, { schema: /^[A-Za-z0-9+/=]+$/ }])
  for (const [schemaType, schema] of [['JSON', '{"type":"nothing"}'], ['PROTOBUF', 'message {'], ['AVRO', '{"type":"nothing"}'], ['AVRO', '{']]) {
    t.match(await ask('POST', '/subjects/x/versions', { schemaType, schema }), [422, { error_code: 42201 }])
  }

  await ask('POST', '/subjects/unit/versions', { schema: JSON.stringify({ type: 'enum', name: 'Unit', symbols: ['KG'] }) })
  const references = [{ name: 'Unit', subject: 'unit', version: 1 }]
  const schema = record({ name: 'unit', type: 'Unit' })
  const [, { id }] = await ask('POST', '/subjects/orders-value/versions', { schema, references }) as [number, { id: number }]
  t.match(await ask('GET', `/schemas/ids/${id}`), [200, { references }])
  t.match(await ask('GET', `/schemas/ids/${id}?format=resolved`), [200, { schema: /"KG"/ }])
  t.same(await ask('GET', '/subjects/unit/versions/latest/referencedby'), [200, [id]])
  t.match(await ask('DELETE', '/subjects/unit/versions/1'), [422, { error_code: 42206 }])
  t.match(await ask('POST', '/subjects/x/versions', { schema: record(), references: [{ ...references[0]!, version: 2 }] }), [422, { error_code: 42201 }])
})

t.test('contexts have subjects and ids of their own', async t => {
  const ask = await open(t)
  await ask('POST', '/subjects/a/versions', { schema: '"string"' })
  await ask('POST', '/subjects/a/versions', { schema: '"bytes"' })
  t.match(await ask('POST', '/contexts/.team/subjects/a/versions', { schema: '"long"' }), [200, { id: 1 }])
  t.same(await ask('GET', '/subjects'), [200, [':.team:a', 'a']])
  t.same(await ask('GET', '/contexts/.team/subjects'), [200, [':.team:a']])
  t.same(await ask('GET', '/subjects?subjectPrefix='), [200, ['a']])
  t.match(await ask('GET', '/contexts/.team/schemas/ids/1'), [200, { schema: '"long"' }])
  t.match(await ask('GET', '/schemas/ids/1?subject=:.team:'), [200, { schema: '"long"' }])
  t.match(await ask('GET', '/schemas/ids/1'), [200, { schema: '"string"' }])
  t.same(await ask('GET', '/contexts'), [200, ['.', '.team']])
  t.match(await ask('DELETE', '/contexts/.team'), [422, { error_code: 42211 }])
  t.match(await ask('PUT', '/contexts/.team/config', { compatibility: 'NONE' }), [200, { compatibility: 'NONE' }])
  t.match(await ask('GET', '/config/:.team:'), [200, { compatibilityLevel: 'NONE' }])
  t.match(await ask('GET', '/config/:.team:a?defaultToGlobal=true'), [200, { compatibilityLevel: 'NONE' }])
  t.match(await ask('GET', '/config/:.team:a'), [404, { error_code: 40408 }])
  t.match(await ask('GET', '/config/a?defaultToGlobal=true'), [200, { compatibilityLevel: 'BACKWARD' }])
})

t.test('modes', async t => {
  const ask = await open(t)
  t.same(await ask('GET', '/mode'), [200, { mode: 'READWRITE' }])
  t.match(await ask('GET', '/mode/a'), [404, { error_code: 40409 }])
  t.match(await ask('PUT', '/mode/a', { mode: 'SLEEPY' }), [422, { error_code: 42204 }])
  t.match(await ask('PUT', '/mode/a', {}), [422, { error_code: 42204 }])
  t.match(await ask('POST', '/subjects/a/versions', { schema: '"string"', id: 77 }), [422, { error_code: 42205 }], 'no ids of their own')
  t.same(await ask('PUT', '/mode/a', { mode: 'IMPORT' }), [200, { mode: 'IMPORT' }])
  t.match(await ask('POST', '/subjects/a/versions', { schema: '"string"', id: 77, version: 5 }), [200, { id: 77 }])
  t.match(await ask('GET', '/subjects/a/versions/latest'), [200, { id: 77, version: 5 }])
  t.same(await ask('DELETE', '/mode/a'), [200, { mode: 'IMPORT' }])
  t.same(await ask('PUT', '/mode', { mode: 'READONLY' }), [200, { mode: 'READONLY' }])
  t.match(await ask('DELETE', '/subjects/a'), [422, { error_code: 42205 }])
})

t.test('names that need encoding go in and come out as they are', async t => {
  const ask = await open(t)
  for (const subject of ['a/b c', ':.team:x/y', '100%', '%2F', 'Grüße', 'a+b?c#d']) {
    t.equal((await ask('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schema: '"string"' }))[0], 200)
    t.match(await ask('GET', `/subjects/${encodeURIComponent(subject)}/versions/1`), [200, { subject }])
  }
  t.same(((await ask('GET', '/subjects'))[1] as string[]).sort(), ['%2F', '100%', ':.team:x/y', 'Grüße', 'a+b?c#d', 'a/b c'])
})

t.test('what changed from one version to another, in words', async t => {
  const ask = await open(t)
  await ask('POST', '/subjects/orders-value/versions', { schema: record(ID) })
  await ask('POST', '/subjects/orders-value/versions', { schema: record(ID, NOTE_OR_NOT) })
  const [status, difference] = await ask('GET', '/subjects/orders-value/versions/1/diff/latest') as [number, { changes: string[], compatibility: string }]
  t.equal(status, 200)
  t.match(difference, { subject: 'orders-value', from: 1, to: 2, changes: [/note/] })
  t.match(difference.compatibility, /\w+.*\.$/)
  t.match(await ask('GET', '/subjects/orders-value/versions/2/diff/2'), [200, { from: 2, to: 2, changes: [] }])
  t.match(await ask('GET', '/subjects/orders-value/versions/1/diff/9'), [404, { error_code: 40402 }])
  t.match(await ask('GET', '/subjects/orders-value/versions/1/diff/next'), [422, { error_code: 42202 }])
})

t.test('the latest is none that is deleted', async t => {
  const ask = await open(t)
  const unit = (...symbols: string[]): string => JSON.stringify({ type: 'enum', name: 'Unit', symbols })
  const references = (version: number): object[] => [{ name: 'Unit', subject: 'unit', version }]
  const schema = record({ name: 'unit', type: 'Unit' })
  for (const symbols of [['KG'], ['KG', 'T'], ['KG', 'T', 'OZ']]) await ask('POST', '/subjects/unit/versions', { schema: unit(...symbols) })
  const [, { id }] = await ask('POST', '/subjects/orders-value/versions', { schema, references: references(2) }) as [number, { id: number }]
  t.same(await ask('DELETE', '/subjects/unit/versions/3'), [200, 3])
  t.match(await ask('GET', '/subjects/unit/versions/1/diff/latest'), [200, { from: 1, to: 2 }])
  t.match(await ask('GET', '/subjects/unit/versions/1/diff/3'), [200, { from: 1, to: 3 }], 'one that is named is')
  t.same(await ask('GET', '/subjects/unit/versions/latest/referencedby'), [200, [id]])
  t.same(await ask('GET', '/subjects/unit/versions/3/referencedby'), [200, []])
})

t.test('a form that there is not is refused before anything is registered', async t => {
  const ask = await open(t)
  const refused = [422, { error_code: 422, message: 'There is no format "bogus" of AVRO schemas: leave it out for the schema as it was registered.' }]
  t.match(await ask('POST', '/subjects/a/versions?format=bogus', { schema: '"string"' }), refused)
  t.match(await ask('POST', '/subjects/a/versions?format=serialized', { schema: '"string"' }), [422, { error_code: 422 }])
  t.match(await ask('POST', '/subjects/a/versions?format=resolved', { schemaType: 'JSON', schema: '{}' }), [422, { message: /of JSON schemas/ }])
  t.same(await ask('GET', '/subjects?deleted=true'), [200, []])
  const references = [{ name: 'Unit', subject: 'unit', version: -1 }]
  const schema = record({ name: 'unit', type: 'Unit' })
  t.match(await ask('POST', '/subjects/a/versions?format=resolved', { schema, references }), [404, { error_code: 40401 }])
  await ask('POST', '/subjects/unit/versions', { schema: JSON.stringify({ type: 'enum', name: 'Unit', symbols: ['KG'] }) })
  t.match(await ask('POST', '/subjects/a/versions?format=resolved', { schema, references }), [200, { schema: /"KG"/ }])
})

t.test('what is no path of the registry is in no context', async t => {
  const ask = await open(t)
  for (const path of ['/topics', '/metrics', '/livez', '/openapi.yaml']) {
    t.match(await ask('GET', `/contexts/.team${path}`), [404, { error_code: 404 }], path)
  }
})

t.test('tags make a version of their own', async t => {
  const ask = await open(t)
  const rule = { name: 'r', type: 'CEL', kind: 'CONDITION', mode: 'WRITE', expr: 'message.id > 0' }
  const change = (entityPath: string, ...tags: string[]): object => ({ schemaEntity: { entityPath, entityType: 'sr_field' }, tags })
  await ask('POST', '/subjects/orders-value/versions', { schema: record(ID), metadata: { properties: { owner: 'k' } } })
  t.match(await ask('POST', '/subjects/orders-value/versions/latest/tags', { tagsToAdd: [change('.Order.id', 'PII', 'KEY'), change('Order.id', 'PII')] }),
    [200, { version: 2, schema: record(ID), metadata: { properties: { owner: 'k' }, tags: { 'Order.id': ['PII', 'KEY'] } } }])
  t.match(await ask('POST', '/subjects/orders-value/versions/2/tags', {
    tagsToRemove: [change('.Order.id', 'KEY')], rulesToMerge: { domainRules: [rule] }
  }), [200, { version: 3, metadata: { tags: { 'Order.id': ['PII'] } }, ruleSet: { domainRules: [{ name: 'r' }] } }])
  const [, last] = await ask('POST', '/subjects/orders-value/versions/3/tags', { tagsToRemove: [change('Order.id', 'PII')], rulesToRemove: ['r'] })
  t.match(last, { version: 4 })
  t.strictSame([(last as { metadata: object }).metadata, (last as { ruleSet: object }).ruleSet], [{ properties: { owner: 'k' } }, {}], 'nothing is left')
  const schemaTagsToAdd = [change('.Order.id', 'PII')]
  t.match(await ask('POST', '/subjects/orders-value/versions', { schema: record(ID), schemaTagsToAdd, metadata: {} }), [200, { id: 5 }])
  t.match(await ask('GET', '/schemas/ids/5'), [200, { metadata: { tags: { 'Order.id': ['PII'] } } }])
  t.match(await ask('POST', '/subjects/orders-value/versions/9/tags', {}), [404, { error_code: 40402 }])
})
