/**
 * Compatibility of JSON Schemas: by table, and by values: what one schema lets through, a compatible one lets through too.
 */
import t from 'tap'
import fc from 'fast-check'
import { SchemaError } from '../../../../src/schemas/format.ts'
import type { ParsedSchema } from '../../../../src/schemas/format.ts'
import { jsonSchema } from '../../../../src/schemas/json/format.ts'
import { cases } from './compatibility-cases.ts'

const parse = (schema: unknown): ParsedSchema => jsonSchema.parse({ text: JSON.stringify(schema), references: [] })
const differences = (before: unknown, after: unknown,
  policy: 'STRICT' | 'LENIENT' = 'STRICT') => parse(after).incompatibilities(parse(before), policy)

for (const { rule, before, after, strict, lenient = strict } of cases) {
  t.test(`${rule}: ${JSON.stringify(before)} to ${JSON.stringify(after)}`, async t => {
    t.same(differences(before, after, 'STRICT').map(({ type }) => type).sort(), [...strict].sort(), 'STRICT')
    t.same(differences(before, after, 'LENIENT').map(({ type }) => type).sort(), [...lenient].sort(), 'LENIENT')
    t.same(differences(before, before), [], 'the old one reads itself')
    t.same(differences(after, after), [], 'the new one reads itself')
  })
}

t.test('there are enough of them', async t => {
  t.ok(cases.length >= 120)
})

t.test('a difference says where, what and of what', async t => {
  const [difference, ...others] = differences({ properties: { a: { properties: { 'b/c': { type: 'string' } } } } },
    { properties: { a: { properties: { 'b/c': { type: 'integer' } } } } })
  t.same(others, [])
  t.equal(difference?.path, '#/properties/a/properties/b~1c')
  t.match(difference?.description, /%s.*%s/)
  t.equal(difference?.additionalInfo, 'string')
  const named = differences({ type: 'object' }, { type: 'object', required: ['100%s'], properties: { '100%s': true } })
  t.equal(named[0]!.description.split('%s').length, 3, 'names do not bring placeholders of their own')
})

t.test('several differences are told at once', async t => {
  const types = differences({ properties: { a: { type: 'string' }, b: { maxLength: 3 } } },
    { properties: { a: { type: 'null' }, b: { maxLength: 2 } } })
  t.same(types.map(({ type, path }) => [type, path]), [['TYPE_CHANGED', '#/properties/a'], ['MAX_LENGTH_DECREASED', '#/properties/b/maxLength']])
})

t.test('registered references are compared by what they hold', async t => {
  const withAddress = (type: string): ParsedSchema => jsonSchema.parse({
    text: '{"type":"object","properties":{"a":{"$ref":"address.json"}}}', references: [{ name: 'address.json', text: JSON.stringify({ type }) }]
  })
  t.same(withAddress('string').incompatibilities(withAddress('string'), 'STRICT'), [])
  t.same(withAddress('number').incompatibilities(withAddress('string'), 'STRICT').map(({ type }) => type), ['TYPE_CHANGED'])
})

const scalar = fc.constantFrom<unknown>({ type: 'string' }, { type: 'integer' }, { type: 'number' }, { type: 'null' },
  { type: ['string', 'null'] }, true, false,
  { enum: ['a', 1] }, { const: 'b' }, { type: 'string', maxLength: 1 }, { minimum: 1 }, { exclusiveMaximum: 2 },
  { type: 'string', pattern: '^a' }, { not: { type: 'string' } },
  { multipleOf: 2 }, {})
const names = fc.subarray(['a', 'b', 'ab'])
const { schema } = fc.letrec(tie => ({
  schema: fc.oneof({ maxDepth: 3 }, scalar, tie('object'), tie('array'), tie('combined')),
  map: fc.dictionary(fc.constantFrom('a', 'b', 'ab'), tie('schema'), { maxKeys: 2 }),
  object: fc.record({
    type: fc.constant('object'),
    properties: tie('map'),
    required: names,
    additionalProperties: tie('schema'),
    patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), tie('schema'), { maxKeys: 1 }),
    dependencies: fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(names, tie('schema')), { maxKeys: 1 }),
    propertyNames: fc.constantFrom({ maxLength: 1 }, { pattern: '^a' }, { const: 'a' }),
    minProperties: fc.nat(2),
    maxProperties: fc.nat(2)
  }, { requiredKeys: [] }),
  array: fc.record({
    type: fc.constant('array'),
    items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 })),
    additionalItems: tie('schema'),
    contains: tie('schema'),
    uniqueItems: fc.boolean(),
    minItems: fc.nat(2),
    maxItems: fc.nat(2)
  }, { requiredKeys: [] }),
  combined: fc.oneof(
    fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ not: tie('schema') }),
    fc.record({ if: tie('schema'), then: tie('schema'), else: tie('schema') })
  )
}))
const value = fc.letrec(tie => ({
  value: fc.oneof({ maxDepth: 2 }, fc.constantFrom<unknown>('a', 'b', 'ab', '', 1, 2, 0, 1.5, -4, null, true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'ab', 'c'), tie('value'), { maxKeys: 3 }))
})).value

t.test('what one schema lets through, a compatible one lets through', async t => {
  let compatible = 0
  fc.assert(fc.property(schema, schema, fc.array(value, { minLength: 20, maxLength: 20 }), (before, after, values) => {
    const writer = parse(before)
    const reader = parse(after)
    if (reader.incompatibilities(writer, 'STRICT').length > 0) return
    compatible++
    for (const one of values) {
      const payload = { bytes: Buffer.from(JSON.stringify(one)), indexes: [] }
      if (writer.codec.check(payload) === null && reader.codec.check(payload) !== null) throw new Error(`${JSON.stringify(one)} is not read`)
    }
  }), { numRuns: 800 })
  t.ok(compatible > 50, `${compatible} pairs`)
})

t.test('a schema that lost a constraint reads what was written, whatever else it holds', async t => {
  fc.assert(fc.property(schema, before => {
    t.same(differences(before, before), [], JSON.stringify(before))
    t.same(differences(before, { anyOf: [before, { type: 'null' }] }), [])
    t.same(differences({ allOf: [before, { maxLength: 3 }] }, before), [])
  }), { numRuns: 150 })
})

t.test('comparing is bounded', async t => {
  const wide = (count: number, make: (index: number) => unknown): unknown[] => Array.from({ length: count }, (_, index) => make(index))
  const bounded = (name: string, before: unknown, after: unknown): void => {
    const [writer, reader] = [parse(before), parse(after)]
    const began = process.cpuUsage()
    try {
      reader.incompatibilities(writer, 'STRICT')
    } catch (error) {
      t.type(error, SchemaError, name)
    }
    // Of the processor, since machines are busy.
    const { user, system } = process.cpuUsage(began)
    const took = (user + system) / 1_000
    t.ok(took < 1_000, `${name}: ${Math.round(took)} ms`)
  }
  const alternatives = (depth: number, leaf: string): unknown => depth === 0
    ? { type: leaf }
    : { anyOf: [{ properties: { a: alternatives(depth - 1, leaf) } }, { properties: { b: alternatives(depth - 1, leaf) } }] }
  bounded('alternatives of alternatives', alternatives(8, 'string'), alternatives(8, 'number'))
  bounded('choices side by side', { allOf: wide(30, i => ({ anyOf: [{ required: [`a${i}`] }, { required: [`b${i}`] }] })) }, { required: ['x'] })
  bounded('wide choices', { anyOf: wide(1000, i => ({ const: i })) }, { anyOf: wide(1000, i => ({ const: 1000 - i })) })
  const named = (count: number, letter: string,
    child: unknown): object => Object.fromEntries(Array.from({ length: count }, (_, index) => [letter + index, child]))
  bounded('many properties', { properties: named(4_500, 'p', { type: 'string' }), patternProperties: named(400, '^q', true) },
    { additionalProperties: { type: 'string' } })
  bounded('circles',
    {
      definitions: {
        a: { anyOf: [{ $ref: '#/definitions/b' }, { $ref: '#/definitions/a' }] },
        b: { allOf: [{ $ref: '#/definitions/a' }] }
      },
      $ref: '#/definitions/a'
    },
    { definitions: { a: { anyOf: [{ $ref: '#/definitions/b' }, { $ref: '#' }] }, b: { $ref: '#/definitions/a' } }, $ref: '#/definitions/a' })
  bounded('large enums', { enum: wide(20_000, i => i) }, { enum: wide(20_000, i => i + 1) })
})
