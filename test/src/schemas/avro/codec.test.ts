import t from 'tap'
import { parseExact } from '../../../../src/schemas/exact-json.ts'
import { flawIn, payload, recordOf, schemaOf } from './avro.ts'

const DECIMAL = { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }
const UUID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'

/** From JSON text and back, plain and tagged. */
const through = (type: unknown, json: string, tagged = false): string => {
  const { codec } = schemaOf(type)
  const encoded = codec.fromJson(parseExact(json))
  t.equal(codec.check(encoded), null, json)
  return codec.toJson(encoded, tagged)
}

t.test('numbers keep their digits', async t => {
  for (const long of ['0', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993', '-9007199254740993', '4503599627370497',
    '-4503599627370497', '281474976710656', '-281474976710657']) {
    t.equal(through('long', long), long)
    t.equal(through('long', `"${long}"`), long, 'as a string')
  }
  for (const int of ['2147483647', '-2147483648']) t.equal(through('int', int), int)
  t.equal(through('int', '5.0'), '5')
  t.equal(through('long', '1e3'), '1000')
  for (const float of ['0.1', '1.5', '-3.4028235e+38', '1e-45', '16777216', '1.1754944e-38']) t.equal(through('float', float), float)
  for (const double of ['0.1', '5e-324', '1.7976931348623157e+308', '-0', '123456789.123']) t.equal(through('double', double), double)
  for (const text of ['"NaN"', '"Infinity"', '"-Infinity"']) t.equal(through('double', text) + through('float', text), text + text)
})

t.test('decimals are their digits, or their bytes in the tagged encoding', async t => {
  for (const decimal of ['0.00', '12.34', '-12.34', '9999.99', '-0.01', '1.28', '-1.28', '327.67', '327.68']) {
    t.equal(through(DECIMAL, `"${decimal}"`), `"${decimal}"`)
    t.equal(through({ ...DECIMAL, type: 'fixed', name: 'F', size: 4 }, decimal), `"${decimal}"`)
  }
  t.equal(through(DECIMAL, '12'), '"12.00"')
  t.equal(through(DECIMAL, '1.2e1'), '"12.00"')
  t.equal(through(DECIMAL, '12.3400'), '"12.34"')
  t.equal(through({ ...DECIMAL, precision: 40, scale: 20 }, '12345678901234567890.12345678901234567890'), '"12345678901234567890.12345678901234567890"')
  const { codec } = schemaOf(DECIMAL)
  t.equal(codec.toJson(codec.fromJson('12.34'), true), '"\\u0004Ò"')
  t.equal(codec.toJson(codec.fromJson('\u0004Ò')), '"12.34"', 'what is no number is bytes')
  t.equal(codec.toJson(codec.fromJson('1', undefined, true)), '"0.49"', 'one byte')
  t.equal(codec.toJson(codec.fromJson('1')), '"1.00"')
  for (const wrong of ['12.345', '12345.67', 1e300, 'x12.34ł']) t.ok(flawIn(() => codec.fromJson(wrong)), String(wrong))
  t.match(codec.check(payload([0])), { expected: 'decimal of 1 to 4096 bytes', found: '0 bytes' })
})

t.test('bytes and fixed are strings of bytes, uuids are text, dates are integers', async t => {
  t.equal(through('bytes', '"\\u0000ÿ\\""'), '"\\u0000ÿ\\""')
  t.match(flawIn(() => schemaOf('bytes').codec.fromJson('ł')), { found: 'string "ł"' })
  t.match(flawIn(() => schemaOf({ type: 'fixed', name: 'F', size: 2 }).codec.fromJson('abc')), { expected: /fixed of 2 bytes/, found: 'string "abc" of 3' })
  t.equal(through({ type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }, `"${UUID}"`), `"${UUID}"`)
  t.equal(through({ type: 'string', logicalType: 'uuid' }, `"${UUID}"`), `"${UUID}"`)
  t.equal(through({ type: 'int', logicalType: 'date' }, '19000'), '19000')
})

t.test('unions, in both encodings', async t => {
  const union = ['null', 'string', 'int', 'double', { type: 'array', items: 'int' }, { type: 'enum', name: 'n.E', symbols: ['A'] },
    { type: 'record', name: 'n.P', fields: [{ name: 'x', type: 'int' }] },
    { type: 'record', name: 'n.Q', fields: [{ name: 'x', type: 'int' }, { name: 'y', type: 'int', default: 1 }] }, { type: 'map', values: 'int' }]
  const rows: readonly (readonly [plain: string, tagged: string, back?: string])[] = [
    ['null', 'null'], ['"a"', '{"string":"a"}'], ['5', '{"int":5}'], ['5000000000', '{"double":5000000000}'], ['1.5', '{"double":1.5}'],
    ['[1]', '{"array":[1]}'],
    ['"A"', '{"n.E":"A"}'], ['{"x":1}', '{"n.P":{"x":1}}'], ['{"x":1,"y":2}', '{"n.Q":{"x":1,"y":2}}'], ['{"z":1}', '{"map":{"z":1}}'], ['{}', '{"map":{}}'],
    ['{"E":"A"}', '{"n.E":"A"}', '"A"'], ['{"Q":{"x":1}}', '{"n.Q":{"x":1,"y":1}}', '{"x":1,"y":1}']
  ]
  for (const [plain, tagged, back = plain] of rows) {
    t.equal(through(union, plain, true), tagged)
    t.equal(through(union, tagged, true), tagged)
    t.equal(through(union, tagged), back)
  }
  t.equal(through(['string', 'long'], '"5"', true), '{"string":"5"}')
  t.equal(through(['null', { type: 'map', values: 'string' }], '{"string":"a"}', true), '{"map":{"string":"a"}}')
  t.equal(through(['null', DECIMAL], '12.34', true), '{"bytes":"\\u0004Ò"}')
  t.equal(through(['float', 'double'], '0.1', true), '{"double":0.1}')
  t.match(flawIn(() => schemaOf(['null', 'int', 'string']).codec.fromJson(true)), { path: '', expected: 'one of null, int, string', found: 'true' })
  t.match(flawIn(() => schemaOf(['null', 'int']).codec.fromJson('a')), { expected: 'int', found: 'string "a"' })
  t.match(flawIn(() => schemaOf(['int', 'string']).codec.fromJson(null)), { expected: 'one of int, string', found: 'null' })
  t.match(flawIn(() => schemaOf(['null', recordOf(['a', 'int'])]).codec.fromJson({ R: { a: 'x' } })), { path: 'a', found: 'string "x"' })
})

t.test('missing fields take their defaults, unknown ones are refused', async t => {
  const schema = recordOf(['a', 'int', { default: 7 }], ['b', ['null', 'string'], { default: null }], ['c', ['string', 'null'], { default: 'x' }],
    ['d', DECIMAL, { default: '\u0004Ò' }],
    ['e', { type: 'record', name: 'E', fields: [{ name: 'f', type: { type: 'array', items: 'long' }, default: [1, 2] }] }, { default: {} }], ['g', 'long'])
  t.equal(through(schema, '{"g":1}'), '{"a":7,"b":null,"c":"x","d":"12.34","e":{"f":[1,2]},"g":1}')
  t.equal(through(schema, '{"g":1}'), '{"a":7,"b":null,"c":"x","d":"12.34","e":{"f":[1,2]},"g":1}', 'again')
  const { codec } = schemaOf(schema)
  t.match(flawIn(() => codec.fromJson({})), { path: 'g', expected: 'long (the field has no default)', found: 'nothing' })
  t.match(flawIn(() => codec.fromJson({ g: 1, h: 2 })), { path: 'h', found: 'number 2 in a field that it does not have' })
  t.match(flawIn(() => codec.fromJson({ g: 1, e: { f: [1, 'x'] } })), { path: 'e.f[1]', expected: 'long', found: 'string "x"' })
  t.match(flawIn(() => schemaOf(recordOf(['a', 'int', { default: 'x' }])).codec.fromJson({})),
    { path: 'a', expected: /the default that the schema gives this field does not fit: int/ })
  t.equal(through(recordOf(['__proto__', 'int'], ['constructor', 'int', { default: 3 }]), '{"__proto__":1}'), '{"__proto__":1,"constructor":3}')
})

t.test('wrong values, with their place', async t => {
  const { codec } = schemaOf(recordOf(['m', { type: 'map', values: { type: 'array', items: 'boolean' } }],
    ['e', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, { default: 'A' }]))
  t.match(flawIn(() => codec.fromJson({ m: { 'a b': [true, 1] } })), { path: 'm["a b"][1]', expected: 'boolean', found: 'number 1' })
  t.match(flawIn(() => codec.fromJson({ m: [] })), { path: 'm', expected: 'map', found: 'an array' })
  t.match(flawIn(() => codec.fromJson({ m: {}, e: 'C' })), { path: 'e', expected: 'one of "A", "B"', found: 'string "C"' })
  t.match(flawIn(() => codec.fromJson(5)), { path: '', expected: 'record R', found: 'number 5' })
  for (const [type, value] of [['int', 2147483648], ['int', 1.5], ['int', '5'], ['long', '9223372036854775808'], ['long', 1e19], ['string', 5],
    ['string', '\ud800'], ['null', 0], ['float', 1e39], ['double', 'x']]) {
    t.ok(flawIn(() => schemaOf(type).codec.fromJson(value)), `${type} ${value}`)
  }
})

t.test('payloads are checked to the last byte', async t => {
  const rows: readonly (readonly [type: unknown, bytes: readonly number[], flaw: object | null])[] = [
    ['null', [], null],
    ['null', [0], { expected: 'the end of the value', found: '1 bytes behind it' }],
    ['boolean', [2], { expected: 'boolean (00 or 01)', found: 'byte 02' }],
    ['boolean', [], { expected: 'boolean', found: 'the end after 0 bytes' }],
    ['int', [0xff, 0xff, 0xff, 0xff, 0x0f], null],
    ['int', [0xff, 0xff, 0xff, 0xff, 0x1f], { expected: 'int', found: 'a number of more than 32 bits' }],
    ['int', [0x80, 0x80, 0x80, 0x80, 0x80, 0], { found: 'a number of more than 32 bits' }],
    ['int', [0x80], { found: 'the end after 1 bytes' }],
    ['int', [0x80, 0x00], null],
    ['long', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], null],
    ['long', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], { found: 'a number of more than 64 bits' }],
    ['float', [0, 0, 0], { expected: 'float' }],
    ['double', [0, 0, 0, 0, 0, 0, 0], { expected: 'double' }],
    ['string', [2, 0x61], null],
    ['string', [4, 0x61], { expected: 'string', found: 'a length of 2, of which 1 bytes are there' }],
    ['string', [1], { found: 'a length of -1' }],
    ['string', [2, 0xff], { found: 'bytes that are no UTF-8' }],
    ['string', [6, 0xed, 0xa0, 0x80], { found: 'bytes that are no UTF-8' }],
    ['bytes', [2, 0xff], null],
    ['bytes', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], { expected: 'bytes', found: /^a length of 9223372036854/ }],
    [{ type: 'fixed', name: 'F', size: 2 }, [1], { expected: 'fixed of 2 bytes' }],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, [2], null],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, [4], { expected: 'one of "A", "B"', found: 'the symbol 2 of 2' }],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, [1], { found: 'the symbol -1 of 2' }],
    [['null', 'string'], [4], { expected: 'one of null, string', found: 'the branch 2 of 2' }],
    [['null', 'string'], [], { expected: 'one of null, string', found: 'the end after 0 bytes' }],
    [{ type: 'array', items: 'boolean' }, [4, 0, 1, 2, 1, 0], null],
    [{ type: 'array', items: 'boolean' }, [3, 4, 0, 1, 0], null],
    [{ type: 'array', items: 'boolean' }, [3, 2, 0, 1, 0], { found: 'a block whose size is 1 bytes less than what is in it' }],
    [{ type: 'array', items: 'boolean' }, [4, 0, 2, 0], { path: '[1]' }],
    [{ type: 'array', items: 'boolean' }, [2, 0, 2, 2, 0], { path: '[1]' }],
    [{ type: 'array', items: 'boolean' }, [100, 0], { found: '50 items in 1 bytes' }],
    [{ type: 'array', items: 'boolean' }, [2, 1], { expected: 'array', found: 'the end after 2 bytes' }],
    [{ type: 'map', values: 'boolean' }, [2, 2, 0x61, 1, 0], null],
    [{ type: 'map', values: 'boolean' }, [2, 2, 0x61, 3, 0], { path: '["a"]' }],
    [recordOf(['a', { type: 'record', name: 'S', fields: [{ name: 'b', type: { type: 'array', items: 'boolean' } }] }]), [2, 7], { path: 'a.b[0]' }]
  ]
  for (const [type, bytes, flaw] of rows) {
    const found = schemaOf(type).codec.check(payload(bytes))
    if (flaw === null) t.equal(found, null, `${JSON.stringify(type)} ${bytes}`)
    else t.match(found, flaw)
    if (flaw !== null) t.ok(flawIn(() => schemaOf(type).codec.toJson(payload(bytes))))
  }
})

t.test('blocks with their sizes, and several of them, are read', async t => {
  t.equal(schemaOf({ type: 'array', items: 'int' }).codec.toJson(payload([3, 4, 2, 4, 2, 6, 0])), '[1,2,3]')
  t.equal(schemaOf({ type: 'map', values: 'int' }).codec.toJson(payload([1, 6, 2, 0x61, 2, 2, 2, 0x62, 4, 0])), '{"a":1,"b":2}')
})

t.test('values for rules', async t => {
  const { codec } = schemaOf(recordOf(['ssn', ['null', 'string'], { 'confluent:tags': ['PII'] }], ['n', 'long'], ['d', 'double'], ['b', 'bytes'],
    ['price', DECIMAL], ['list', { type: 'array', items: { type: 'record', name: 'n.S', fields: [{ name: 'x', type: 'int' }] } }],
    ['m', { type: 'map', values: 'int' }]))
  const fields: unknown[] = []
  const value = codec.toValue(codec.fromJson({ ssn: '1-2', n: 5, d: 1.5, b: 'a', price: '12.34', list: [{ x: 1 }], m: { k: 2 } }), field => fields.push(field))
  t.strictSame(value, new Map<string, unknown>([['ssn', '1-2'], ['n', 5n], ['d', 1.5], ['b', new Uint8Array([0x61])], ['price', 12.34],
    ['list', [new Map([['x', 1n]])]], ['m', new Map([['k', 2n]])]]))
  t.strictSame(fields.map(field => (field as { path: string }).path), ['ssn', 'n', 'd', 'b', 'price', 'list[0].x'])
  t.strictSame(fields[0], { fullName: 'R.ssn', name: 'ssn', typeName: 'STRING', tags: ['PII'], path: 'ssn', value: '1-2' })
  t.match(fields[5], { fullName: 'n.S.x', typeName: 'INT', tags: [], value: 1n })
})
