/**
 * Texts that are JSON Schemas, and texts that are not.
 */
import t from 'tap'
import { SchemaError } from '../../../../src/schemas/format.ts'
import type { ParsedSchema, ResolvedReference } from '../../../../src/schemas/format.ts'
import { jsonSchema } from '../../../../src/schemas/json/format.ts'

const parse = (schema: unknown, references: readonly ResolvedReference[] = [], strict = false): ParsedSchema =>
  jsonSchema.parse({ text: typeof schema === 'string' ? schema : JSON.stringify(schema), references }, strict)
const takes = (parsed: ParsedSchema,
  value: unknown): boolean => parsed.codec.check({ bytes: Buffer.from(JSON.stringify(value)), indexes: [] }) === null

t.test('its name is its title', async t => {
  t.equal(parse({ title: 'Order' }).name, 'Order')
  t.equal(parse({}).name, null)
  t.equal(parse('true').name, null)
})

t.test('canonical texts', async t => {
  const text = '{ "type" : "object",\n "properties": {"b": {"maximum": 9223372036854775807}, "a": true}, "required": ["b", "a"] }'
  t.equal(parse(text).canonical(false), '{"type":"object","properties":{"b":{"maximum":9223372036854775807},"a":true},"required":["b","a"]}')
  t.equal(parse(text).canonical(true), '{"properties":{"a":true,"b":{"maximum":9223372036854775807}},"required":["b","a"],"type":"object"}')
  t.equal(parse('{"properties":{"__proto__":{"type":"null"}}}').canonical(true), '{"properties":{"__proto__":{"type":"null"}}}')
})

t.test('what is malformed is refused, with the place', async t => {
  const cases: [schema: unknown, message: RegExp][] = [
    ['{', /not JSON/], ['1', /expected an object, true or false/], ['[]', /expected an object, true or false/],
    [{ type: 'strin' }, /#\/type: expected one of array.*found string "strin"/],
    [{ properties: { a: { maxLength: -1 } } }, /#\/properties\/a\/maxLength: expected an integer of 0 or more, found number -1/],
    [{ properties: [] }, /#\/properties: expected an object, found an array of 0/],
    [{ properties: { a: 1 } }, /#\/properties\/a: expected an object, true or false, found number 1/],
    [{ required: 'a' }, /#\/required: expected an array of names/], [{ required: [1] }, /array of names/],
    [{ enum: 1 }, /#\/enum: expected an array/], [{ multipleOf: 0 }, /greater than 0/], [{ minimum: '1' }, /expected a number/],
    [{ allOf: {} }, /#\/allOf: expected an array/], [{ items: 1 }, /#\/items/], [{ $ref: 1 }, /#\/\$ref: expected a URI reference/],
    [{ pattern: '(' }, /#\/pattern: "\(" is not a regular expression/], [{ pattern: 1 }, /regular expression/],
    [{ pattern: '(?=a)' }, /looks ahead or behind.*linear time/], [{ pattern: '(a)\\1' }, /linear time.*no backreferences/],
    [{ patternProperties: { '(?!a)': {} } }, /looks ahead/],
    ['{"properties":{"\\ud800":{}}}', /names in Unicode/], [{ uniqueItems: 'yes' }, /true or false/], [{ format: 1 }, /#\/format/]
  ]
  for (const [schema, message] of cases) {
    t.throws(() => parse(schema), { name: 'SchemaError', message }, JSON.stringify(schema))
  }
})

t.test('strict also refuses what means nothing', async t => {
  for (const schema of [{ $schema: 'http://example.com/mine' }, { enum: [] }, { required: ['a', 'a'] }, { allOf: [] }, { required: true }]) {
    t.doesNotThrow(() => parse(schema), JSON.stringify(schema))
    t.throws(() => parse(schema, [], true), SchemaError, JSON.stringify(schema))
  }
})

t.test('references are found by name, by $id and relative to one', async t => {
  const address = {
    name: 'address.json',
    text: '{"$id":"http://example.com/schemas/address.json","type":"string","definitions":{"zip":{"type":"integer"}}}'
  }
  for (const ref of ['address.json', 'http://example.com/schemas/address.json', 'http://example.com/schemas/address.json#']) {
    const parsed = parse({ properties: { a: { $ref: ref } } }, [address])
    t.ok(takes(parsed, { a: 'x' }), ref)
    t.notOk(takes(parsed, { a: 1 }), ref)
  }
  t.ok(takes(parse({ $ref: 'address.json#/definitions/zip' }, [address]), 1), 'into it')
  t.notOk(takes(parse({ $id: 'http://example.com/schemas/person.json', items: { $ref: 'address.json' } }, [address]), [1]), 'relative to $id')
  const person = { name: 'person.json', text: '{"properties":{"home":{"$ref":"address.json"},"self":{"$ref":"#"}}}' }
  t.notOk(takes(parse({ $ref: 'person.json' }, [address, person]), { self: { home: 1 } }), 'of a reference to another')
  t.ok(takes(parse({ $ref: '#/definitions/a~1b/%25', definitions: { 'a/b': { '%': { type: 'null' } } } }), null), 'escapes, and where no keyword is')
  t.ok(takes(parse({
    $defs: { x: { $id: 'http://a/x', $ref: '#/$defs/y', $defs: { y: true } } },
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $ref: 'http://a/x'
  }), 1), 'embedded')
})

t.test('what is not there is named, and nothing is fetched', async t => {
  const asked: unknown[] = []
  const { fetch } = globalThis
  globalThis.fetch = (async (url: unknown) => { asked.push(url) }) as unknown as typeof fetch
  t.teardown(() => { globalThis.fetch = fetch })
  for (const ref of ['http://10.0.0.1/latest', 'other.json', '#/definitions/none', '#none', 'file:///etc/passwd', '#/constructor',
    '#/__proto__', 'toString']) {
    t.throws(() => parse({ properties: { a: { $ref: ref } } }), { name: 'SchemaError', message: JSON.stringify(ref) }, ref)
  }
  t.throws(() => parse({ $ref: 'a.json' }, [{ name: 'a.json', text: '{"$ref":"b.json"}' }]), /a\.json#\/\$ref: .*"b\.json".*there: "a\.json"/)
  t.throws(() => parse({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $dynamicRef: '#a',
    $defs: { x: { $id: 'x', $dynamicAnchor: 'a' }, y: { $id: 'y', $dynamicAnchor: 'a' } }
  }), /can mean 2 schemas/)
  t.same(asked, [])
})

t.test('an outline is what people compare', async t => {
  const outline = parse({
    type: 'object',
    required: ['a'],
    properties: { a: { type: 'string', maxLength: 3 }, b: { items: { $ref: '#' } } },
    additionalProperties: false
  }).outline()
  t.same([...outline],
    [['', 'object, closed'], ['a', 'string, maxLength 3, required'], ['b', 'anything'], ['b[]', 'object, closed'],
      ['b[].a', 'string, maxLength 3, required'], ['b[].b', 'anything']].slice(0, outline.size))
})

t.test('a schema has a size and no other forms', async t => {
  t.ok(parse({ type: 'string' }).sizeBytes > 0)
  t.equal(parse({}).formatted('resolved'), null)
})
