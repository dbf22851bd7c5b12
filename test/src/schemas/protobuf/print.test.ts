import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { FieldOptionsSchema, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import t from 'tap'

import { parse, three, two } from './support.ts'

t.test('white space and comments make no other schema', async (t) => {
  const one = 'syntax = "proto3"; package a; message M { int32 a = 1; /* c */ repeated M m = 2; }'
  const other = '// hello\nsyntax = "proto3";\n\npackage a;\nmessage M {\n  int32 a=1;\n\n  repeated   M m = 0x2 ;;\n}\n'
  t.equal(parse(one).canonical(false), parse(other).canonical(false))
  t.equal(parse(one).canonical(false), 'syntax = "proto3";\npackage a;\nmessage M {\n  int32 a = 1;\n  repeated M m = 2;\n}\n')
})

t.test('order makes another one, unless it is normalized; that of messages always does', async (t) => {
  const one = three('import "google/protobuf/any.proto"; import "google/protobuf/api.proto"; ' +
    'message M { int32 a = 1; N b = 2; reserved 9, 5; } message N { }')
  const other = three('import "google/protobuf/api.proto"; import "google/protobuf/any.proto"; ' +
    'message M { reserved 5, 9; .N b = 2; int32 a = 1; } message N { }')
  t.not(one.canonical(false), other.canonical(false))
  t.equal(one.canonical(true), other.canonical(true))
  t.not(three('message M { } message N { }').canonical(true), three('message N { } message M { }').canonical(true))
})

t.test('a word and a string are different options', async (t) => {
  t.not(three('option (a) = FOO; message M { }').canonical(true), three('option (a) = "FOO"; message M { }').canonical(true))
  t.match(two('message M { optional bytes b = 1 [default = "\\377\\000a\\"\\\\"]; }').canonical(false), '[default = "\\377\\000a\\042\\134"]')
})

t.test('custom options of a descriptor are spelled out', async (t) => {
  const file = fromBinary(FileDescriptorProtoSchema, Buffer.from(
    parse('syntax = "proto3"; import "confluent/meta.proto"; message M { string a = 1; }').formatted('serialized') as string, 'base64'))
  // [1088]: Meta { tags: "PII" }
  const options = fromBinary(FieldOptionsSchema, Buffer.from('8244051a03504949', 'hex'))
  for (const field of file.messageType[0]?.field ?? []) field.options = options
  const schema = parse(Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64'))
  t.match(schema.canonical(false), '[(.confluent.field_meta) = { tags: "PII" }]')
  t.equal(parse(schema.canonical(false)).canonical(true), schema.canonical(true))
})

t.test('extensions can be left out', async (t) => {
  const schema = two('message M { extensions 100 to 200; extend M { optional int32 x = 100; } } extend M { optional int32 y = 101; }')
  t.match(schema.canonical(false), 'extend M')
  t.equal(schema.formatted('ignore_extensions'), 'syntax = "proto2";\nmessage M {\n}\n')
  t.equal(schema.formatted('unheard of'), null)
})

const name = (prefix: string) => fc.integer({ min: 0, max: 30 }).map((n) => `${prefix}${n}`)
const field = fc.record({
  type: fc.constantFrom('int32', 'string', 'bytes', 'M', 'E', 'map<string, M>', 'map<int64, E>'),
  label: fc.constantFrom('', 'optional ', 'repeated '),
  name: name('f_x'),
  number: fc.integer({ min: 1, max: 500 }),
  options: fc.constantFrom('', ' [deprecated = true]', ' [json_name = "Other", deprecated=false]', ' [(a.b).c = { d: "x\\n" }, packed = true]')
})
const text = fc.uniqueArray(field, { selector: ({ name }) => name, maxLength: 12 })
  .map((fields) => fields.filter(({ number }, at) => fields.findIndex((other) => other.number === number) === at))
  .map((fields) => fields.map(({ type, label, name, number, options }, at) =>
    `${type.startsWith('map') ? '' : label}${type} ${name} = ${number}${options.replace('Other', `Other${at}`)};`).join('\n'))
  .map((body) => `syntax = "proto3"; package p; message M { ${body} } enum E { Z = 0; }`)

t.test('what is printed means the same, and is printed the same again', async () => {
  fc.assert(fc.property(text, fc.boolean(), (text, normalize) => {
    const schema = parse(text)
    const printed = parse(schema.canonical(normalize))
    return printed.canonical(normalize) === schema.canonical(normalize) &&
      (normalize || printed.formatted('serialized') === schema.formatted('serialized')) &&
      printed.incompatibilities(schema, 'STRICT').length === 0 &&
      parse(schema.formatted('serialized') as string).canonical(true) === schema.canonical(true)
  }), { numRuns: 300 })
})
