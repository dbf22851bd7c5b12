/* eslint-disable @stylistic/max-len -- schemas and values, one a line */
import t from 'tap'

import { parseExact } from '../../../../src/schemas/exact-json.ts'
import { encode, flawOf, parse, payload, three, two } from './support.ts'

const scalars = three(`message M { double double = 1; float float = 2; int32 int32 = 3; int64 int64 = 4; uint32 uint32 = 5; uint64 uint64 = 6; sint32 sint32 = 7;
  sint64 sint64 = 8; fixed32 fixed32 = 9; fixed64 fixed64 = 10; sfixed32 sfixed32 = 11; sfixed64 sfixed64 = 12; bool bool = 13; string string = 14; bytes bytes = 15; }`).codec

t.test('the bytes of the guide (protobuf.dev/programming-guides/encoding)', async (t) => {
  t.equal(encode(three('message Test1 { int32 a = 1; }').codec, '{"a":150}'), '089601')
  t.equal(encode(three('message Test2 { string b = 2; }').codec, '{"b":"testing"}'), '120774657374696e67')
  t.equal(encode(three('message Test3 { Test1 c = 3; } message Test1 { int32 a = 1; }').codec, '{"c":{"a":150}}'), '1a03089601')
  t.equal(encode(three('message Test4 { string d = 4; repeated int32 e = 6; }').codec, '{"d":"hello","e":[1,2,3]}'), '220568656c6c6f3203010203')
  t.equal(encode(three('message Test5 { repeated int32 f = 6; }').codec, '{"f":[3,270,86942]}'), '3206038e029ea705')
  t.equal(encode(three('message Test6 { map<string, int32> g = 7; }').codec, '{"g":{"a":1}}'), '3a050a01611001')
})

t.test('64-bit integers are exact, as strings, numbers and digits', async (t) => {
  const rows: ReadonlyArray<readonly [string, string, string]> = [
    ['int64', '-9223372036854775808', '2080808080808080808001'],
    ['int64', '9223372036854775807', '20ffffffffffffffff7f'],
    ['int64', '9007199254740993', '208180808080808010'],
    ['uint64', '18446744073709551615', '30ffffffffffffffffff01'],
    ['sint64', '-9223372036854775808', '40ffffffffffffffffff01'],
    ['fixed64', '18446744073709551615', '51ffffffffffffffff'],
    ['sfixed64', '-9223372036854775808', '610000000000000080']
  ]
  for (const [name, digits, hex] of rows) {
    t.equal(encode(scalars, `{"${name}":${digits}}`), hex, `${name} ${digits}`)
    t.equal(encode(scalars, `{"${name}":"${digits}"}`), hex, `${name} "${digits}"`)
    t.equal(JSON.parse(scalars.toJson(payload(hex)))[name], digits)
  }
  for (const [name, digits] of [['int64', '9223372036854775808'], ['int64', '-9223372036854775809'], ['uint64', '18446744073709551616'], ['uint64', '-1']]) {
    t.equal(flawOf(() => encode(scalars, `{"${name}":${digits}}`)), `${name}: expected ${name}, found string "${digits}"`)
  }
})

t.test('what JSON shows: everything that has a default, by its JSON name, numbers of 64 bits as strings', async (t) => {
  t.equal(scalars.toJson(payload('')), '{"double":0,"float":0,"int32":0,"int64":"0","uint32":0,"uint64":"0","sint32":0,"sint64":"0","fixed32":0,' +
    '"fixed64":"0","sfixed32":0,"sfixed64":"0","bool":false,"string":"","bytes":""}')
  const schema = three('message M { int32 snake_case = 1; optional int32 maybe = 2; M sub = 3; repeated int32 list = 4; oneof o { int32 x = 5; string y = 6; } E e = 7; ' +
    'map<int32, bool> map = 8; string own = 9 [json_name = "OWN"]; } enum E { ZERO = 0; ONE = 1; }')
  t.equal(schema.codec.toJson(payload('')), '{"snakeCase":0,"list":[],"e":"ZERO","map":{},"OWN":""}')
  t.equal(schema.codec.toJson(payload('0801 1000 1a00 22020102 3200 3801 4202 0805 4a0178')),
    '{"snakeCase":1,"maybe":0,"sub":{"snakeCase":0,"list":[],"e":"ZERO","map":{},"OWN":""},"list":[1,2],"y":"","e":"ONE","map":{"5":false},"OWN":"x"}')
  t.equal(schema.codec.toJson(payload('3863')), '{"snakeCase":0,"list":[],"e":99,"map":{},"OWN":""}', 'an enum value without a name is a number')
  t.equal(two('message M { optional int32 a = 1 [default = 5]; required string b = 2; }').codec.toJson(payload('1200')), '{"b":""}')
})

t.test('doubles', async (t) => {
  for (const [json, hex] of [['"NaN"', '000000000000f87f'], ['"Infinity"', '000000000000f07f'], ['"-Infinity"', '000000000000f0ff'], ['0.1', '9a9999999999b93f'], ['"1e3"', '0000000000408f40']]) {
    t.equal(encode(scalars, `{"double":${json}}`), `09${hex}`)
  }
  t.equal(scalars.toJson(payload('09000000000000f87f')).slice(0, 15), '{"double":"NaN"')
  t.match(flawOf(() => encode(scalars, '{"float":1e39}')), 'float: expected float, found number')
  t.match(flawOf(() => encode(scalars, '{"double":1e999}')), 'double: expected double, found number 1e999')
})

t.test('JSON in: both names, numbers as strings, null for nothing', async (t) => {
  const { codec } = three('message M { int32 snake_case = 1; E e = 2; bytes b = 3; M sub = 4; repeated M list = 5; } enum E { ZERO = 0; ONE = 1; }')
  t.equal(encode(codec, '{"snakeCase":1}'), '0801')
  t.equal(encode(codec, '{"snake_case":"1"}'), '0801')
  t.equal(encode(codec, '{"snake_case":1.0}'), '0801')
  t.equal(encode(codec, '{"e":"ONE"}'), '1001')
  t.equal(encode(codec, '{"e":1}'), '1001')
  t.equal(encode(codec, '{"e":77}'), '104d')
  t.equal(encode(codec, '{"b":"_-8"}'), '1a02ffef', 'base64url, without padding')
  t.equal(encode(codec, '{"snakeCase":null,"e":null,"b":null,"sub":null,"list":null}'), '')
})

t.test('what is refused, and where it is', async (t) => {
  const { codec } = three(`import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/any.proto";
    message M { int32 i = 1; M sub = 2; repeated M list = 3; map<string, M> map = 4; E e = 5; string s = 6; bool b = 7; oneof o { int32 x = 8; int32 y = 9; }
    google.protobuf.Timestamp t = 10; google.protobuf.Duration d = 11; repeated uint32 u = 12; google.protobuf.Any any = 13; bytes bin = 14; int64 l = 15; map<int32, int32> n = 16; }
    enum E { A = 0; B = 1; }`)
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['{"q":1}', 'q: expected a field of M: one of i, sub, list, map, e, s, b, x, y, t, d, u, any, bin, l, n, found field "q"'],
    ['{"sub":{"list":[{},{"sub":{"q":1}}]}}', 'sub.list[1].sub.q: expected a field of M'],
    ['{"sub":{"list":[{},{"sub":{"i":"q"}}]}}', 'sub.list[1].sub.i: expected int32, found string "q"'],
    ['{"map":{"a b":{"i":true}}}', 'map["a b"].i: expected int32, found boolean true'],
    ['{"n":{"x":1}}', 'n["x"]: expected map<int32, int32>'],
    ['{"i":1.5}', 'i: expected int32, found number 1.5'],
    ['{"i":2147483648}', 'i: expected int32, found number 2147483648'],
    ['{"i":"0x10"}', 'i: expected int32, found string "0x10"'],
    ['{"i":""}', 'i: expected int32, found string ""'],
    ['{"i":12345678901234567890}', 'i: expected int32, found number 12345678901234567'],
    ['{"i":[]}', 'i: expected int32, found an array'],
    ['{"l":"0x10"}', 'l: expected int64, found string "0x10"'],
    ['{"l":1e400}', 'l: expected int64, found number 1e400'],
    ['{"s":12345678901234567890}', 's: expected string, found number'],
    ['{"s":"\\ud800"}', 's: expected string'],
    ['{"b":"true"}', 'b: expected bool, found string "true"'],
    ['{"e":"C"}', 'e: expected one of "A", "B", found string "C"'],
    ['{"sub":5}', 'sub: expected an object, for message M, found number 5'],
    ['{"list":{}}', 'list: expected an array of message M, found an object'],
    ['{"list":[null]}', 'list[0]: expected message M, found null'],
    ['{"map":[]}', 'map: expected an object, for map<string, M>, found an array'],
    ['{"x":1,"y":2}', 'y: expected one field of oneof o, found several'],
    ['{"u":[1,2,-3]}', 'u[2]: expected uint32, found number -3'],
    ['{"t":"yesterday"}', 't: expected message google.protobuf.Timestamp, found string "yesterday"'],
    ['{"d":"1sec"}', 'd: expected google.protobuf.Duration as JSON has it, found string "1sec"'],
    ['{"any":{"@type":"a/b.C"}}', 'any.@type: expected a message that the schema or one of its references has, found "a/b.C"'],
    ['{"any":{"@type":"a/M","i":"x"}}', 'any'],
    ['{"bin":"*"}', 'bin: expected bytes, found string "*"'],
    ['[]', 'the value: expected an object, for message M, found an array'],
    ['"x"', 'the value: expected an object, for message M, found string "x"'],
    ['null', 'the value: expected an object, for message M, found null']
  ]
  for (const [json, flaw] of rows) t.match(flawOf(() => encode(codec, json)), flaw, json)
  t.match(flawOf(() => codec.fromJson({ i: 1, sub: { long_name: 1 } })), 'sub.long_name')
})

t.test('one field by both of its names', async (t) => {
  t.match(flawOf(() => three('message M { int32 a_b = 1; }').codec.fromJson({ aB: 1, a_b: 1 })), 'a_b: expected field a_b once')
})

t.test('required fields', async (t) => {
  const { codec } = two('message M { required int32 a = 1; optional M sub = 2; }')
  t.equal(flawOf(() => codec.fromJson({})), 'a: expected int32, which is required, found nothing')
  t.equal(flawOf(() => codec.fromJson({ a: null })), 'a: expected int32, which is required, found null')
  t.equal(flawOf(() => codec.fromJson({ a: 1, sub: {} })), 'sub.a: expected int32, which is required, found nothing')
  t.strictSame(codec.check(payload('08011200')), { path: 'sub.a', expected: 'int32, which is required', found: 'nothing' })
})

t.test('messages are found by their place and by their name', async (t) => {
  const schema = three('package p; message A { message B { int32 x = 1; message C { string s = 1; } } map<string, int32> m = 1; message D { bool d = 1; } } message E { int32 e = 5; }')
  const { codec } = schema
  t.equal(codec.toJson(payload('', [0, 0, 0])), '{"s":""}')
  t.equal(codec.toJson(payload('', [0, 1])), '{"d":false}', 'the entry of a map has no index')
  t.equal(codec.toJson(payload('2801', [1])), '{"e":1}')
  t.equal(codec.toJson(payload('', [])), codec.toJson(payload('', [0])))
  t.match(codec.check(payload('', [7])), { path: '', found: 'the index 7' })
  t.match(codec.check(payload('', [0, 0, 0, 0])), { found: 'the index 0, 0, 0, 0' })
  t.match(codec.check(payload('', [-1])), { found: 'the index -1' })
  for (const name of ['p.A.B.C', '.p.A.B.C', 'A.B.C']) t.strictSame(codec.fromJson({ s: 'x' }, name).indexes, [0, 0, 0], name)
  t.strictSame(codec.fromJson({ e: 1 }, 'E').indexes, [1])
  t.strictSame(codec.fromJson({ d: true }, 'A.D').indexes, [0, 1])
  t.match(flawOf(() => codec.fromJson({}, 'X')), 'expected a message of the schema, such as p.A, found message "X"')
  t.match(flawOf(() => codec.fromJson({}, 'google.protobuf.Timestamp')), 'found message "google.protobuf.Timestamp"')
  t.match(flawOf(() => three('enum E { A = 0; }').codec.fromJson({})), 'expected a schema that has a message')
})

t.test('Protobuf\'s own types have JSON of their own', async (t) => {
  const { codec } = three(`${['timestamp', 'duration', 'struct', 'wrappers', 'any', 'field_mask', 'empty'].map((name) => `import "google/protobuf/${name}.proto";`).join(' ')}
    message M { google.protobuf.Timestamp t = 1; google.protobuf.Duration d = 2; google.protobuf.Struct s = 3; google.protobuf.Value v = 4; google.protobuf.ListValue l = 5;
    google.protobuf.Int64Value i = 6; google.protobuf.BytesValue b = 7; google.protobuf.Any any = 8; google.protobuf.FieldMask m = 9; google.protobuf.Empty e = 10;
    repeated google.protobuf.Any all = 11; google.protobuf.NullValue n = 12; }`)
  for (const json of ['{"t":"2020-02-29T23:59:59.999999999Z"}', '{"t":"0001-01-01T00:00:00Z"}', '{"d":"-1.500s"}', '{"s":{"a":[1,null,{"b":"c"}],"__proto__":{}}}', '{"v":null}', '{"v":[true]}',
    '{"l":[1,"2"]}', '{"i":"9223372036854775807"}', '{"b":"AQI="}', '{"m":"a,bC.d"}', '{"e":{}}',
    '{"any":{"e":{},"all":[],"n":null,"@type":"type.googleapis.com/M"}}', '{"any":{"value":"1s","@type":"type.googleapis.com/google.protobuf.Duration"}}',
    '{"any":{"value":"5","@type":"type.googleapis.com/google.protobuf.Int64Value"}}']) {
    t.equal(codec.toJson(codec.fromJson(parseExact(json))), `${json.slice(0, -1)},"all":[],"n":null}`, json)
  }
  t.match(codec.toJson(codec.fromJson(parseExact('{"i":9223372036854775807}'))), '"i":"9223372036854775807"')
  t.match(codec.toJson(payload('42 0a 0a05 612f622e43 1201 ff')), '"any":{"value":"/w==","@type":"a/b.C"}', 'of a type that nobody knows')
  t.match(codec.toJson(payload('5a 0a 0a05 612f622e43 1201 ff 5a 02 0a00')), '"all":[{"value":"/w==","@type":"a/b.C"},{}]')
  t.match(flawOf(() => codec.toJson(payload('0a 0a 08ffffffffffffffff7f'))), 'expected a M that JSON can show')
})

t.test('names that JavaScript has other ideas about', async (t) => {
  const { codec } = three('message M { int32 constructor = 1; string toString = 2; map<string, int32> hasOwnProperty = 3; M prototype = 4; int32 valueOf = 5; }')
  const json = '{"constructor":1,"toString":"x","hasOwnProperty":{"__proto__":3,"constructor":4},"valueOf":2}'
  t.equal(codec.toJson(codec.fromJson(parseExact(json))), json)
  const own = three('message M { int32 a = 1 [json_name = "__proto__"]; }').codec
  t.equal(own.toJson(payload('0805')), '{"__proto__":5}')
  t.equal(encode(own, '{"__proto__":5}'), '0805')
})

t.test('values for rules', async (t) => {
  const schema = three(`package p; import "confluent/meta.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
    message M { int64 id = 1; string ssn = 2 [(confluent.field_meta).tags = "PII"]; M sub = 3; repeated M list = 4; map<string, int32> m = 5; E e = 6; optional string maybe = 7;
    google.protobuf.StringValue w = 8; google.protobuf.Struct s = 9; double d = 10; string name = 11 [(confluent.field_meta) = { tags: ["A", "B"] }]; } enum E { Z = 0; Y = 1; }`)
  const fields: string[] = []
  const value = schema.codec.toValue(schema.codec.fromJson({ id: '5', ssn: 'x', list: [{ ssn: 'y' }], m: { k: 1 }, e: 'Y', w: 'w', s: { a: [1] } }),
    ({ fullName, typeName, tags, path, value }) => { fields.push(`${fullName} ${typeName} ${tags.join('+')} ${path} ${String(value)}`) }) as Map<string, unknown>
  t.equal(value.get('id'), 5n)
  t.equal(value.get('e'), 1n)
  t.equal(value.get('w'), 'w')
  t.equal(value.has('maybe'), false)
  t.strictSame(value.get('m'), new Map([['k', 1n]]))
  t.strictSame(value.get('s'), new Map([['a', [1]]]))
  t.ok(fields.includes('p.M.ssn STRING PII ssn x'))
  t.ok(fields.includes('p.M.ssn STRING PII list[0].ssn y'))
  t.ok(fields.includes('p.M.name STRING A+B name '))
  t.ok(fields.includes('p.M.id LONG  id 5'))
  t.ok(fields.includes('p.M.e ENUM  e 1'))
  const again = parse(schema.formatted('serialized') as string)
  t.strictSame(again.codec.toValue(payload('0805')), schema.codec.toValue(payload('0805')))
})

t.test('outline', async (t) => {
  t.strictSame([...three('package p; message M { repeated N n = 1; map<string, N> m = 2; optional int32 o = 3; oneof x { E e = 4; } message N { } } enum E { A = 0; B = 1; }').outline()], [
    ['M', 'message'], ['M.n', 'repeated message p.M.N, number 1'], ['M.m', 'map of string to message p.M.N, number 2'], ['M.o', 'optional int32, number 3'],
    ['M.e', 'enum p.E, number 4, in oneof x'], ['M.N', 'message'], ['E', 'enum of A = 0, B = 1']
  ])
})
