/** GUIDs: MD5 over the parts of a schema, in the order that the peers' readers expect. */
import t from 'tap'
import { createHash } from 'node:crypto'
import { contentOf } from '../../../src/schemas/content.ts'
import { guidOf } from '../../../src/schemas/guid.ts'
import type { SchemaContent } from '../../../src/schemas/model.ts'

const content: SchemaContent = { schemaType: 'AVRO', schema: '"string"', references: [], metadata: null, ruleSet: null }

/** By another road: all bytes at once. */
function uuid (...parts: readonly (string | Buffer)[]): string {
  const md5 = createHash('md5').update(Buffer.concat(parts.map(part => Buffer.from(part as string)))).digest('hex')
  return md5.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

t.test('of a text alone: its MD5', async t => {
  t.equal(guidOf({ ...content, schema: '' }), 'd41d8cd9-8f00-b204-e980-0998ecf8427e', 'RFC 1321')
  t.equal(guidOf({ ...content, schema: 'abc' }), '90015098-3cd2-4fb0-d696-3f7d28e17f72')
  t.equal(guidOf({ ...content, schema: 'ü€😀' }), uuid('ü€😀'))
})

t.test('references, metadata and rules', async t => {
  const references = [{ name: 'r', subject: 's', version: 258 }]
  t.equal(guidOf({ ...content, references }), uuid('"string"', 'r', 's', Buffer.from([0, 0, 1, 2])))
  t.equal(guidOf({ ...content, metadata: {} }), uuid('"string"', '\x01'), 'empty is not none')
  const metadata = { properties: { b: '2', a: '1' }, sensitive: ['z', 'y'], tags: { q: ['n', 'm'], p: ['l'] } }
  t.equal(guidOf({ ...content, metadata }), uuid('"string"', '\x01', 'pl', 'qmn', 'a1', 'b2', 'yz'))
  const rule = {
    disabled: true,
    onFailure: 'F',
    onSuccess: 'S',
    expr: 'E',
    params: { y: '2', x: '1' },
    tags: ['v', 'u'],
    type: 'CEL',
    mode: 'READ',
    kind: 'CONDITION',
    doc: 'D',
    name: 'N'
  } as const
  const ruleSet = { domainRules: [rule], migrationRules: [{ name: 'M' }], encodingRules: [{ name: 'C' }], enableAt: 'now' }
  t.equal(guidOf({ ...content, ruleSet }), uuid('"string"', '\x01', 'M', 'NDCONDITIONREADCELuvx1y2ESF\x01', 'C'))
  t.equal(guidOf({ ...content, references, metadata, ruleSet: {} }), uuid('"string"', 'r', 's', Buffer.from([0, 0, 1, 2]), '\x01pl', 'qmna1b2yz', '\x01'))
})

t.test('what the GUID does not say makes another content all the same', async t => {
  const keys = [
    content,
    { ...content, schemaType: 'JSON' as const },
    { ...content, ruleSet: {} },
    { ...content, ruleSet: { enableAt: 'a' } },
    { ...content, metadata: {} },
    { ...content, metadata: { properties: { a: 'bc' } } },
    { ...content, metadata: { properties: { ab: 'c' } } }
  ].map(one => contentOf(one).key)
  t.equal(new Set(keys).size, keys.length)
})

t.test('what is alike has the same words', async t => {
  const similarity = (schema: string): number => contentOf({ ...content, schema }).similarity
  t.equal(similarity('{"name": "a", "type": "int"}'), similarity('{"type":"int",\n"name":"a"}'))
  const several = new Set(Array.from({ length: 20_000 }, (_, i) => similarity(`{"name":"Record${i}","fields":["field${i}"]}`)))
  t.ok(several.size > 19_990, `${20_000 - several.size} of 20,000 are alike by chance`)
})
