import t from 'tap'
import { avro } from '../../../../src/schemas/avro/format.ts'
import { SchemaError } from '../../../../src/schemas/format.ts'
import { recordOf, schemaOf } from './avro.ts'

const canonical = (schema: unknown, references?: Record<string, unknown>): unknown => JSON.parse(schemaOf(schema, references).canonical(false))
const refused = (text: string, strict = false): string => {
  try {
    avro.parse({ text, references: [] }, strict)
  } catch (error) {
    if (error instanceof SchemaError) return error.message
    throw error
  }
  return ''
}

t.test('primitive types, bare and as objects', async t => {
  for (const kind of ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']) {
    t.equal(schemaOf(kind).canonical(false), `"${kind}"`)
    t.equal(schemaOf({ type: kind }).canonical(false), `"${kind}"`)
  }
  t.equal(schemaOf({ type: 'string', 'avro.java.string': 'String' }).canonical(false), '{"type":"string","avro.java.string":"String"}')
})

t.test('the name is that of a record, with its namespace', async t => {
  t.equal(schemaOf({ type: 'record', name: 'User', namespace: 'org.example', fields: [] }).name, 'org.example.User')
  t.equal(schemaOf({ type: 'record', name: 'org.example.User', namespace: 'ignored', fields: [] }).name, 'org.example.User')
  t.equal(schemaOf('string').name, null)
  t.equal(schemaOf({ type: 'enum', name: 'E', symbols: ['A'] }).name, null)
})

t.test('printed as Java prints it: one order of attributes, namespaces left out where they are understood', async t => {
  const text = `{
    "aliases": ["Old", "m.Old"], "x": {"b": 1.50, "a": null}, "fields": [
      {"order": "Ignore", "type": {"symbols": ["A"], "default": "A", "name": "n.E", "type": "enum"}, "name": "a", "doc": "\\u001f"},
      {"name": "b", "type": {"size": 3, "name": "F", "namespace": "m", "type": "fixed"}, "order": "ascending"},
      {"name": "c", "type": ["null", "E", "m.F", "R"], "default": null, "aliases": ["d"]},
      {"name": "d", "type": "float", "default": "1"}
    ], "doc": "", "namespace": "n", "name": "R", "type": "record"}`
  t.equal(avro.parse({ text, references: [] }).canonical(false), '{"type":"record","name":"R","namespace":"n","doc":"","fields":[' +
    '{"name":"a","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"},"doc":"\\u001F","order":"ignore"},' +
    '{"name":"b","type":{"type":"fixed","name":"F","namespace":"m","size":3}},' +
    '{"name":"c","type":["null","E","m.F","R"],"default":null,"aliases":["d"]},' +
    '{"name":"d","type":"float","default":1.0}' +
    '],"x":{"b":1.5,"a":null},"aliases":["Old","m.Old"]}')
})

t.test('normalised: what has no order is sorted, what says nothing is left out', async t => {
  const one = {
    type: 'record',
    name: 'R',
    doc: '',
    b: { y: 1, x: 2 },
    a: 1,
    aliases: ['Z',
      'Y'],
    fields: [{ name: 'f', type: { type: 'bytes', scale: 2, precision: 4, logicalType: 'decimal' } }]
  }
  const other = {
    aliases: ['Y', 'Z'],
    a: 1,
    b: { x: 2, y: 1 },
    fields: [{
      type: { logicalType: 'decimal', precision: 4, scale: 2, type: 'bytes' },
      order: 'ascending',
      name: 'f'
    }],
    name: 'R',
    type: 'record'
  }
  t.not(schemaOf(one).canonical(false), schemaOf(other).canonical(false))
  t.equal(schemaOf(one).canonical(true), schemaOf(other).canonical(true))
  t.equal(schemaOf(one).canonical(true),
    '{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}],' +
    '"a":1,"b":{"x":2,"y":1},"aliases":["Y","Z"]}')
})

t.test('references: their types may be used by name, are not written again, and are embedded on demand', async t => {
  const street = { type: 'record', name: 'Street', namespace: 'org.place', fields: [{ name: 'name', type: 'string' }] }
  const address = { type: 'record', name: 'Address', namespace: 'org.place', fields: [{ name: 'street', type: 'Street' }] }
  const user = { type: 'record', name: 'User', fields: [{ name: 'home', type: 'org.place.Address' }, { name: 'work', type: ['null', 'org.place.Address'] }] }
  const schema = schemaOf(user, { street, address })
  t.strictSame(JSON.parse(schema.canonical(false)), user)
  t.strictSame(JSON.parse(schema.formatted('resolved')!), {
    ...user,
    fields: [{
      name: 'home',
      type: {
        ...address,
        fields: [{
          name: 'street',
          type: {
            type: 'record',
            name: 'Street',
            fields: street.fields
          }
        }]
      }
    }, user.fields[1]]
  }, 'each once, where it is first used')
  t.equal(schema.formatted('serialized'), null)
  t.strictSame(schema.codec.toJson(schema.codec.fromJson({ home: { street: { name: 'a' } }, work: null })), '{"home":{"street":{"name":"a"}},"work":null}')
  t.throws(() => schemaOf(user, { address }), { message: /In the reference "address": .*unknown type "org.place.Street"/ })
})

t.test('names: before they are defined, again if it is the same, of the namespace before those of none', async t => {
  const e = { type: 'enum', name: 'E', symbols: ['A'] }
  t.strictSame(canonical(recordOf(['a', 'E'], ['b', e])), recordOf(['a', e], ['b', 'E']))
  t.strictSame(canonical(recordOf(['a', e], ['b', { ...e, doc: 'said again' }])), recordOf(['a', e], ['b', 'E']))
  t.match(refused(JSON.stringify(recordOf(['a', e], ['b', { ...e, symbols: ['B'] }]))), /"E" is defined twice, and differently/)
  const node = { type: 'record', name: 'Node', namespace: 'n', fields: [{ name: 'next', type: ['null', 'Node'] }] }
  t.strictSame(canonical(node), node)
})

t.test('what is refused, and where', async t => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /is JSON, which this text is not/],
    [5, /at its root: expected a type .*, found 5/],
    ['Foo', /at its root: unknown type "Foo"/],
    [{ name: 'x' }, /attribute "type" that is a string, found nothing/],
    [recordOf(['a', 'int'], ['a', 'int']), /at \/fields\/1: the record "R" has two fields "a"/],
    [recordOf(['a', { type: 'array', items: 'Bar' }]), /at \/fields\/0\/type\/items: unknown type "Bar"/],
    [recordOf(['1a', 'int']), /at \/fields\/0: the name of a field is letters, digits and _/],
    [recordOf(['a.b', 'int']), /the name of a field/],
    [{ type: 'record', name: 'R' }, /needs the attribute "fields"/],
    [{ type: 'record', fields: [] }, /the name of a type \("record" needs one\)/],
    [{ type: 'record', name: 'a..b', fields: [] }, /a part of a namespace/],
    [{ type: 'record', name: 'string', fields: [] }, /may not be called "string"/],
    [{ type: 'enum', name: 'E', symbols: ['A', 'A'] }, /at \/symbols\/1: the enum "E" has the symbol "A" twice/],
    [{ type: 'enum', name: 'E', symbols: ['A'], default: 'B' }, /the default "B" of the enum "E" is none of its symbols/],
    [{ type: 'fixed', name: 'F', size: -1 }, /"size": a number of bytes from 0/],
    [{ type: 'fixed', name: 'F', size: 1.5 }, /"size"/],
    [{ type: 'array' }, /an array needs the attribute "items"/],
    [{ type: 'map' }, /a map needs the attribute "values"/],
    [['int', ['string']], /at \/1: a union directly within a union/],
    [['int', { type: 'int', logicalType: 'date' }], /at \/1: the union has two branches "int"/],
    [recordOf(['a', 'int', { order: 'up' }]), /"order" is ascending, descending or ignore, found "up"/],
    [recordOf(['a', 'int', { aliases: 'b' }]), /"aliases" is an array of names/],
    [recordOf(['a', 'double', { default: 'much' }]), /the default of a double is a number, found "much"/]
  ]
  for (const [schema, message] of rows) t.match(refused(schema === undefined ? '{' : JSON.stringify(schema)), message)
})

t.test('strict refuses what is only taken for the sake of others', async t => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [recordOf(['a', 'int', { default: 'x' }]), /at \/fields\/0\/default: the default "x" of the field "a" does not fit its type/],
    [recordOf(['a', 'long', { default: 1.5 }]), /does not fit/],
    [recordOf(['a', ['null', 'int'], { default: 'x' }]), /does not fit/],
    [recordOf(['a', { type: 'enum', name: 'E', symbols: ['A'] }, { default: 'B' }]), /does not fit/],
    [recordOf(['a', { type: 'array', items: { type: 'record', name: 'S', fields: [{ name: 'b', type: 'int' }] } }, { default: [{}] }]), /does not fit/],
    [{ type: 'fixed', name: 'F', size: 0 }, /a fixed of size 0/],
    [{ type: 'enum', name: 'E', symbols: [] }, /has no symbols/],
    [recordOf(['größe', 'int']), /the name of a field/],
    [{
      type: 'record',
      name: 'R',
      fields: [{
        name: 'a',
        type: { type: 'record', name: 'S', fields: [{ name: 's', type: 'S', default: {} }] },
        default: {}
      }]
    }, /does not fit/]
  ]
  for (const [schema, message] of rows) {
    t.match(refused(JSON.stringify(schema), true), message)
    t.equal(refused(JSON.stringify(schema)), '')
  }
  for (const [type, value] of [['int', -5], ['long', 2 ** 52], ['float', 'NaN'], ['bytes', 'ÿ'], ['string', 'a'], [['null', 'string'], 'a'],
    [['int', 'null'], null], [{ type: 'map', values: 'int' }, { a: 1 }]]) {
    t.equal(refused(JSON.stringify(recordOf(['a', type, { default: value }])), true), '')
  }
})

t.test('an outline for people', async t => {
  const schema = schemaOf(recordOf(['id', 'long'], ['name', ['null', 'string'], { default: null, aliases: ['n'] }], ['home',
    { type: 'record', name: 'Address', fields: [{ name: 'lines', type: { type: 'array', items: 'string' } }] }],
  ['next', ['null', 'R']], ['price', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }], ['kind',
    { type: 'enum', name: 'Kind', symbols: ['A', 'B'] }]))
  t.strictSame([...schema.outline()], [
    ['', 'record R'], ['id', 'long'], ['name', 'null or string, null by default, also called n'], ['home', 'record Address'], ['home.lines', 'array'],
    ['home.lines[]', 'string'], ['next', 'null or record R'], ['price', 'bytes, decimal of 9 digits, 2 after the point'], ['kind', 'enum Kind of A, B']
  ])
})
