/** The rules of schema resolution, one by one; test/interop/avro.test.ts asks Apache's own library about thousands of pairs. */
import t from 'tap'
import { SchemaError } from '../../../../src/schemas/format.ts'
import { recordOf, schemaOf } from './avro.ts'

const E = (...symbols: readonly string[]) => ({ type: 'enum', name: 'E', symbols })
const F = (size: number, name = 'F') => ({ type: 'fixed', name, size })
const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
const PROMOTED = new Set(['int long', 'int float', 'int double', 'long float', 'long double', 'float double', 'bytes string', 'string bytes'])

/** Type and path of all that stands in the way of `reader`. */
const found = (reader: unknown, writer: unknown): string[] =>
  schemaOf(reader).incompatibilities(schemaOf(writer), 'STRICT').map(({ type, path, additionalInfo }) => `${type} ${path} ${additionalInfo}`)

t.test('promotions of primitive types', async t => {
  for (const writer of PRIMITIVES) {
    for (const reader of PRIMITIVES) {
      const expected = reader === writer || PROMOTED.has(`${writer} ${reader}`)
        ? []
        : [`TYPE_MISMATCH / reader type: ${reader.toUpperCase()} not compatible with writer type: ${writer.toUpperCase()}`]
      t.strictSame(found(reader, writer), expected, `${writer} read as ${reader}`)
    }
  }
})

t.test('containers, enums, fixed', async t => {
  const rows: readonly (readonly [reader: unknown, writer: unknown, expected: readonly string[]])[] = [
    [{ type: 'array', items: 'long' }, { type: 'array', items: 'int' }, []],
    [{ type: 'array', items: 'int' }, { type: 'array', items: 'long' }, ['TYPE_MISMATCH /items reader type: INT not compatible with writer type: LONG']],
    [{ type: 'map', values: 'int' }, { type: 'map', values: 'long' }, ['TYPE_MISMATCH /values reader type: INT not compatible with writer type: LONG']],
    [{ type: 'map', values: 'int' }, { type: 'array', items: 'int' }, ['TYPE_MISMATCH / reader type: MAP not compatible with writer type: ARRAY']],
    [E('A', 'B', 'C'), E('B', 'A'), []],
    [E('A'), E('A', 'C', 'B'), ['MISSING_ENUM_SYMBOLS /symbols [B, C]']],
    [{ ...E('A'), default: 'A' }, E('A', 'B'), []],
    [{ ...E('A'), name: 'G' }, E('A'), ['NAME_MISMATCH /name expected: E']],
    [{ ...E('A'), name: 'G', aliases: ['E'] }, E('A'), []],
    [{ ...E('A'), namespace: 'n' }, E('A'), []],
    [F(2), F(2), []],
    [F(2), F(3), ['FIXED_SIZE_MISMATCH /size expected: 3, found: 2']],
    [F(2, 'G'), F(3), ['NAME_MISMATCH /name expected: F', 'FIXED_SIZE_MISMATCH /size expected: 3, found: 2']],
    ['bytes', F(3), ['TYPE_MISMATCH / reader type: BYTES not compatible with writer type: FIXED']],
    [{ type: 'int', logicalType: 'date' }, 'int', []]
  ]
  for (const [reader, writer, expected] of rows) t.strictSame(found(reader, writer), expected)
})

t.test('records', async t => {
  const rows: readonly (readonly [reader: unknown, writer: unknown, expected: readonly string[]])[] = [
    [recordOf(['a', 'int']), recordOf(['a', 'int'], ['b', 'int']), []],
    [recordOf(['a', 'int'], ['b', 'int', { default: 1 }]), recordOf(['a', 'int']), []],
    [recordOf(['a', 'int'], ['b', 'int']), recordOf(['a', 'int']), ['READER_FIELD_MISSING_DEFAULT_VALUE /fields/1 b']],
    [recordOf(['b', ['null', 'int']]), recordOf(), ['READER_FIELD_MISSING_DEFAULT_VALUE /fields/0 b']],
    [recordOf(['b', ['null', 'int'], { default: null }]), recordOf(), []],
    [recordOf(['b', 'int', { aliases: ['a'] }]), recordOf(['a', 'int']), []],
    [recordOf(['a', 'long'], ['b', 'string']), recordOf(['b', 'int'], ['a', 'int']),
      ['TYPE_MISMATCH /fields/1/type reader type: STRING not compatible with writer type: INT']],
    [{ ...recordOf(), name: 'S' }, recordOf(), ['NAME_MISMATCH /name expected: R']],
    [{ ...recordOf(), name: 'S', aliases: ['R'] }, recordOf(), []],
    [{ ...recordOf(), namespace: 'n' }, { ...recordOf(), namespace: 'm' }, []],
    [recordOf(['e', { ...E('A'), default: 'A' }]), recordOf(), ['TYPE_MISMATCH /fields/0/type reader type: ENUM not compatible with writer type: RECORD']],
    [recordOf(['a', recordOf2('S', 'int')]), recordOf(['a', recordOf2('S', 'string')]),
      ['TYPE_MISMATCH /fields/0/type/fields/0/type reader type: INT not compatible with writer type: STRING']]
  ]
  for (const [reader, writer, expected] of rows) t.strictSame(found(reader, writer), expected)
  t.throws(() => found(recordOf(['a', 'int', { aliases: ['b'] }]), recordOf(['a', 'int'], ['b', 'int'])), SchemaError)
})

const recordOf2 = (name: string, type: unknown) => ({ type: 'record', name, fields: [{ name: 'x', type }] })

t.test('unions', async t => {
  const rows: readonly (readonly [reader: unknown, writer: unknown, expected: readonly string[]])[] = [
    [['null', 'int'], 'int', []],
    [['null', 'int'], ['int', 'null'], []],
    [['null', 'long'], ['int', 'null'], []],
    ['int', ['null', 'int'], ['TYPE_MISMATCH /0 reader type: INT not compatible with writer type: NULL']],
    ['long', ['int', 'long'], []],
    [['null', 'int'], 'string', ['MISSING_UNION_BRANCH / reader union lacking writer type: STRING']],
    [['null', 'int'], ['null', 'int', 'string'], ['MISSING_UNION_BRANCH /2 reader union lacking writer type: STRING']],
    [recordOf(['a', ['null', 'int']]), recordOf(['a', ['null', 'string']]), ['MISSING_UNION_BRANCH /fields/0/type/1 reader union lacking writer type: STRING']],
    [[], 'int', ['MISSING_UNION_BRANCH / reader union lacking writer type: INT']],
    [['int'], [], []]
  ]
  for (const [reader, writer, expected] of rows) t.strictSame(found(reader, writer), expected)
})

t.test('types that contain themselves', async t => {
  const node = (value: unknown) => ({ type: 'record', name: 'Node', fields: [{ name: 'value', type: value }, { name: 'next', type: ['null', 'Node'] }] })
  t.strictSame(found(node('long'), node('int')), [])
  t.strictSame(found(node('int'), node('long')), ['TYPE_MISMATCH /fields/0/type reader type: INT not compatible with writer type: LONG'])
})

t.test('what the registry says of it', async t => {
  const one = (reader: unknown, writer: unknown): string => schemaOf(reader).incompatibilities(schemaOf(writer), 'STRICT')[0]!.description
  t.equal(one(recordOf(['b', 'int']), recordOf()), "The field 'b' at path '/fields/0' in the %s schema has no default value and is missing in the %s schema")
  t.equal(one('int', 'string'), "The type (path '/') of a field in the %s schema does not match with the %s schema")
  t.equal(one(F(1), F(2)), "The size of FIXED type field at path '/size' in the %s schema does not match with the %s schema")
  t.equal(one(E('A'), E('B')), "The %s schema is missing enum symbols '[B]' at path '/symbols' in the %s schema")
  t.equal(one(['int'], 'string'), "The %s schema is missing a type inside a union field at path '/' in the %s schema")
  t.equal(one({ ...E('A'), name: 'G' }, E('A')), "The name of the schema has changed (path '/name')")
})
