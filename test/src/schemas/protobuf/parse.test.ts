import t from 'tap'

import { SchemaError } from '../../../../src/schemas/format.ts'
import { parse, three, two } from './support.ts'

const refused = (text: string, files: Readonly<Record<string, string>> = {}, strict = false): string => {
  try {
    parse(text, files, strict)
  } catch (error) {
    if (error instanceof SchemaError) return error.message
    throw error
  }
  return 'it was taken'
}

t.test('a schema is called by its first message', async (t) => {
  t.equal(three('package a.b; enum E { Z = 0; } message M { } message N { }').name, 'a.b.M')
  t.equal(two('message M { }').name, 'M')
  t.equal(parse('message NoSyntax { }').name, 'NoSyntax')
  t.equal(three('enum E { Z = 0; }').name, null)
})

t.test('everything that the language has', async (t) => {
  const text = `// a comment
    /* another
       one */ syntax = 'proto2' ;;
    package a . b;
    import public "google/protobuf/any.proto"; import weak "google/protobuf/empty.proto"; import "google/protobuf/descriptor.proto";
    option java_package = "com." "example"; option optimize_for = SPEED; option (a.b.file) = { text: "a , b" list: [1, -2.5] [a.b.x]: { y: true }; };
    extend google.protobuf.FileOptions { optional string file = 50000; }
    message M {
      option deprecated = true; option (a.b.message).inner.deep = -inf;
      required int32 required = 1; optional string optional = 0x2 [default = "a\\x41\\102\\n\\"", deprecated = true]; repeated bytes repeated = 03;
      optional sint64 min = 4 [default = -9223372036854775808]; optional double inf = 5 [default = -inf]; optional E e = 6 [default = B];
      optional group Group = 7 { optional .a.b.M m = 1; }
      oneof message { uint64 option = 8; group Other = 9 { } }
      map < string , a.b.E > map = 10 [(x) = 1, (y).z = "s"];
      extensions 100 to 199, 1000 to max [verification = UNVERIFIED]; reserved 200, 300 to 400; reserved 'old', "older";
      extend M { repeated fixed32 within = 150 [packed = true]; }
      enum E { option allow_alias = true; A = -1; B = 2 [deprecated = true]; C = 0x2; reserved 5 to 6, 7, 9 to max; reserved "D"; };
      message Empty { };
    }
    enum E { X = 0; }
    service S { option deprecated = true; rpc A (M) returns (stream .a.b.M); rpc B (stream M) returns (M) { option idempotency_level = IDEMPOTENT; } }`
  t.doesNotThrow(() => parse(text, {}, true))
  const lines = parse(text).canonical(false).split('\n').map((line) => line.trim())
  for (const line of [
    'syntax = "proto2";', 'import public "google/protobuf/any.proto";', 'import weak "google/protobuf/empty.proto";',
    'option java_package = "com.example";', 'option optimize_for = SPEED;',
    'option (a.b.file) = { text: "a , b" list: [1, -2.5] [a.b.x]: { y: true }; };',
    'option (a.b.message).inner.deep = -inf;',
    'extensions 1000 to max [verification = UNVERIFIED];',
    'required int32 required = 1;', 'optional string optional = 2 [default = "aAB\\n\\"", deprecated = true];', 'repeated bytes repeated = 3;',
    'optional sint64 min = 4 [default = -9223372036854775808];', 'optional double inf = 5 [default = -inf];', 'optional E e = 6 [default = B];',
    'optional group Group = 7 {', 'oneof message {', 'uint64 option = 8;', 'group Other = 9 {', 'map<string, a.b.E> map = 10 [(x) = 1, (y).z = "s"];',
    'C = 2;', 'repeated fixed32 within = 150 [packed = true];', 'rpc A (M) returns (stream .a.b.M);', 'option idempotency_level = IDEMPOTENT;'
  ]) t.ok(lines.includes(line), line)
})

t.test('an edition', async (t) => {
  const schema = parse('edition = "2023"; option features.field_presence = IMPLICIT; ' +
    'message M { int32 a = 1; int32 b = 2 [features.field_presence = EXPLICIT]; reserved c, d; }')
  t.equal(schema.codec.toJson({ bytes: Buffer.alloc(0), indexes: [0] }), '{"a":0}')
  t.match(schema.canonical(false), 'edition = "2023";\noption features.field_presence = IMPLICIT;\nmessage M {\n  reserved c, d;')
  t.match(refused('edition = "1999"; message M { }'), /one of the editions 2023, 2024, found "1999"/)
})

t.test('a descriptor in Base64 is a schema too', async (t) => {
  const files = { 'b.proto': 'syntax = "proto3"; package b; message B { }' }
  const text = parse('syntax = "proto3"; package a; import "b.proto"; ' +
    'message M { optional b.B b = 1; map<string, int32> m = 2; oneof o { int32 x = 3; } }', files)
  const descriptor = parse(text.formatted('serialized') as string, files)
  t.equal(descriptor.name, 'a.M')
  t.equal(descriptor.canonical(true), text.canonical(true))
  t.equal(descriptor.formatted('serialized'), text.formatted('serialized'))
  const value = { b: {}, m: { k: 1 }, x: 5 }
  t.equal(descriptor.codec.fromJson(value).bytes.toString('hex'), text.codec.fromJson(value).bytes.toString('hex'))
  t.match(refused('AAAA'), /nor a FileDescriptorProto in Base64/)
  t.match(refused(Buffer.from('0a017822020a00', 'hex').toString('base64')), /"" is not a name/)
})

t.test('imports', async (t) => {
  const files = {
    'a.proto': 'syntax = "proto3"; import public "b.proto"; import "google/type/money.proto"; message A { google.type.Money m = 1; }',
    'b.proto': 'syntax = "proto3"; message B { int32 x = 1; }'
  }
  const schema = parse('syntax = "proto3"; import "a.proto"; message M { A a = 1; B b = 2; }', files)
  t.equal(schema.codec.fromJson({ a: { m: { currencyCode: 'EUR', units: '5' } }, b: { x: 1 } }).bytes.toString('hex'), '0a090a070a03455552100512020801')
  t.match(refused('import "nowhere.proto";'), '"nowhere.proto" is imported, but not among the references')
  t.match(refused('import "a";', { a: 'import "b";', b: 'import "a";' }), '"a" imports itself, by way of "b"')
  t.match(refused('import "a";', { a: 'message {' }), 'imported "a": line 1: expected the name of a message, found "{"')
  t.match(refused('import "a"; import "b";', { a: 'message M { }', b: 'message M { }' }), 'M is declared twice')
  for (const path of ['google/protobuf/timestamp', 'google/type/date', 'google/type/postal_address', 'confluent/meta', 'confluent/type/decimal']) {
    t.equal(refused(`import "${path}.proto"; message M { }`), 'it was taken', path)
  }
})

t.test('names are looked for from the inside', async (t) => {
  const schema = three('package a.b; message M { N n = 1; b.N o = 2; .a.b.N p = 3; message N { int32 inner = 1; } } message N { int32 outer = 1; }')
  const canonical = schema.canonical(true)
  t.match(canonical, '.a.b.M.N n = 1;')
  t.match(canonical, '.a.b.N o = 2;')
  t.match(canonical, '.a.b.N p = 3;')
})

t.test('what is no schema is refused, and the message says what to do', async (t) => {
  const rows: ReadonlyArray<readonly [string, RegExp]> = [
    ['', /the schema is empty/],
    ['  \n', /the schema is empty/],
    ['message M {', /line 1: expected a field, found the end of the file/],
    ['message M { int32 a = 1 }', /expected ";", found "}"/],
    ['\n\nmessage M { int32 a = x; }', /line 3: expected the number of a field, found "x"/],
    ['message M { int32 a = 0; }', /expected the number of a field from 1 to 536870911, found 0/],
    ['message M { int32 a = 536870912; }', /from 1 to 536870911/],
    ['message M { int32 a = 19000; }', /M\.a has the number 19000/],
    ['message M { int32 a = 1; int32 b = 1; }', /M: two fields have the number 1/],
    ['message M { int32 a = 1; oneof o { int32 b = 1; } }', /M: two fields have the number 1/],
    ['message M { int32 a = 1; string a = 2; }', /two members that are a in JSON/],
    ['message M { int32 a_b = 1; string aB = 2; }', /two members that are aB in JSON/],
    ['message M { int32 a = 1 [json_name = "b"]; int32 b = 2; }', /json_name "b" is what another member is called/],
    ['message M { X x = 1; }', /M\.x: there is no type X: expected it in this schema, or in a file that it imports/],
    ['message M { map<string, X> x = 1; }', /there is no type X/],
    ['message M { } message M { }', /M is declared twice/],
    ['message M { enum N { A = 0; } message N { } }', /M\.N is declared twice/],
    ['enum E { }', /enum E has no values/],
    ['syntax = "proto3"; enum E { A = 1; }', /expected its first value to be 0, since this is proto3, found A = 1/],
    ['enum E { A = 0; A = 1; }', /two values called A/],
    ['enum E { A = 2147483648; }', /from -2147483648 to 2147483647/],
    ['syntax = "proto4"; message M { }', /expected the syntax "proto2" or "proto3"/],
    ['syntax = "proto3"; message M { required int32 a = 1; }', /required fields are of proto2 only/],
    ['message M { map<string, int32> a = 1 } ', /expected ";"/],
    ['service S { rpc A (X) returns (X); }', /S\.A: there is no message X/],
    ['extend X { optional int32 a = 1; }', /there is no message X/],
    ['message M { option message_set_wire_format = true; }', /message sets are not supported/],
    ['message M { option map_entry = true; }', /write map<key, value>/],
    ['message M { option deprecated = "yes"; }', /option deprecated: expected bool/],
    ['message M { option deprecated = true; option deprecated = true; }', /set twice/],
    ['option optimize_for = SPEEDY;', /expected one of SPEED, CODE_SIZE, LITE_RUNTIME/],
    ['option a = "x', /a string has no end/],
    ['option java_package = "\\q";', /no escape sequence/],
    ['/* ', /a comment has no end/],
    ['message M { int32 a = 1x; }', /expected a number, found "1x"/],
    ['message Ü { }', /"Ü" has no meaning/],
    ['package a; package b;', /one package only/],
    ['import "a"; import "a";', /imported twice/]
  ]
  for (const [text, message] of rows) t.match(refused(text), message, text)
})

t.test('strict refuses what Confluent takes and protoc does not', async (t) => {
  const rows: ReadonlyArray<readonly [string, RegExp]> = [
    ['message M { int32 a = 1; }', /expected optional, required or repeated: this is proto2/],
    ['enum E { A = 0; B = 0; }', /two values have the number 0: expected option allow_alias/],
    ['message M { reserved 1 to 5; optional int32 a = 3; }', /the number 3 is reserved/],
    ['message M { reserved "a"; optional int32 a = 3; }', /M\.a has a name that is reserved/],
    ['message M { extensions 1 to 5; optional int32 a = 5; }', /the number 5 is reserved, or for extensions/],
    ['enum E { A = 0; } enum F { A = 0; }', /A is declared twice/],
    ['edition = "2023"; message M { optional int32 a = 1; }', /features\.field_presence/]
  ]
  for (const [text, message] of rows) {
    t.equal(refused(text), 'it was taken', text)
    t.match(refused(text, {}, true), message, text)
  }
})

t.test('defaults that a field cannot have', async (t) => {
  for (const [type, value] of [['int32', '"x"'], ['int32', '1.5'], ['bool', '1'], ['double', 'x'], ['uint64', '-1']]) {
    t.match(refused(`message M { optional ${type} a = 1 [default = ${value}]; }`), `M.a: expected ${type} as its default`, `${type} = ${value}`)
  }
  t.match(refused('message M { optional string a = 1 [default = 1]; }'), 'field a: expected a string as its default')
})
