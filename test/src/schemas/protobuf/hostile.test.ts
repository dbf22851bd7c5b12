/* eslint-disable @stylistic/max-len -- schemas and values, one a line */
import t from 'tap'
import type { Test } from 'tap'

import { SchemaError } from '../../../../src/schemas/format.ts'
import { flawOf, parse, payload, three, two } from './support.ts'

/** What happens within `ms`: an error's message, or null. On a slow machine too. */
function within (t: Test, ms: number, what: string, run: () => unknown): string | null {
  const before = performance.now()
  let message: string | null = null
  try {
    run()
  } catch (error) {
    t.ok(error instanceof SchemaError || (error as Error).name === 'PayloadError', `${what}: ${String(error).slice(0, 200)}`)
    message = (error as Error).message
  }
  const took = performance.now() - before
  t.ok(took < ms, `${what} took ${Math.round(took)} ms`)
  return message
}

const many = (count: number, each: (index: number) => string): string => Array.from({ length: count }, (_, index) => each(index)).join('')

t.test('schemas', async (t) => {
  const rows: ReadonlyArray<readonly [string, () => unknown, RegExp | null]> = [
    ['too long', () => three(`// ${'x'.repeat(1_100_000)}`), /expected 1048576 at most/],
    ['too many fields', () => three(`message M { ${many(20_000, (i) => `int32 f${i} = ${i + 20_000};`)} }`), /more than 5000 parts/],
    ['many fields', () => three(`message M { ${many(4_900, (i) => `int32 f${i} = ${i + 20_000};`)} }`).codec.fromJson({}), null],
    ['too many enum values', () => three(`enum E { ${many(20_000, (i) => `E${i} = ${i};`)} }`), /more than 5000 parts/],
    ['reserved numbers and fields', () => parse(`syntax = "proto3"; message M { reserved ${many(1_500, (i) => `${i * 2 + 100_000},`)} 1; ${
      many(1_500, (i) => `int32 f${i} = ${i * 2 + 100_001};`)} }`, {}, true), null],
    ['messages within messages', () => three('message M {'.repeat(50_000)), /nested deeper than 32/],
    ['options within options', () => three(`option (a) = ${'{ a '.repeat(50_000)}`), /nested deeper than 32/],
    ['brackets', () => three(`option (a) = { ${'['.repeat(400_000)}`), /the end of the file/],
    ['comments', () => three('/**/ '.repeat(190_000)), null],
    ['line comments', () => three('//\n'.repeat(340_000)), null],
    ['a string of escapes', () => three(`option java_package = "${'\\n'.repeat(500_000)}";`), null],
    ['strings in a row', () => three(`option java_package = ${'"a" '.repeat(200_000)};`), /more than 5000 parts/],
    ['a long name', () => three(`message ${'x'.repeat(1_000_000)} { }`), /expected 256 at most/],
    ['a long package', () => three(`package ${'x.'.repeat(400_000)}x;`), /more than 1024 characters/],
    ['a deep package and names that are looked for in all of it', () => three(`package ${many(31, () => 'p.')}p; ${'message M {'.repeat(31)} ${
      many(2_400, (i) => `T${i} f${i} = ${i + 1};`)} ${'}'.repeat(31)} ${many(2_400, (i) => `message T${i} { }`)}`), null],
    ['Base64 of nothing', () => parse('A'.repeat(1_000_000)), /nor a FileDescriptorProto/],
    ['Base64 of groups', () => parse(Buffer.from('fb3e'.repeat(200_000), 'hex').toString('base64')), /at most 100 messages/],
    ['Base64 of empty messages', () => parse(Buffer.from('2200'.repeat(300_000), 'hex').toString('base64')), /more than 5000 parts/],
    ['almost Base64', () => parse(`${'a '.repeat(500_000)}{`), /expected message, enum/],
    ['imports of imports', () => parse('import "0";', Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [String(i), `import "${i + 1}";`]))), /imported files at most/],
    ['large references', () => parse('import "0";', Object.fromEntries(Array.from({ length: 8 }, (_, i) => [String(i), ' '.repeat(900_000)]))), /4194304 at most/]
  ]
  for (const [what, run, message] of rows) {
    const found = within(t, 4000, what, run)
    if (message === null) t.equal(found, null, what)
    else t.match(found, message, what)
  }
})

t.test('messages in a chain of thousands', async (t) => {
  const schema = three(`${many(2_490, (i) => `message M${i} { M${i + 1} m = 1; }`)} message M2490 { }`)
  t.match(within(t, 3000, 'codec', () => schema.codec), /too long a chain/)
  t.match(within(t, 3000, 'the same again', () => schema.codec), /too long a chain/)
  t.strictSame(schema.incompatibilities(schema, 'STRICT'), [])
  // The end of the chain can be had, but not what the library made half.
  const late = three(`message First { } ${many(2_490, (i) => `message M${i} { M${i + 1} m = 1; }`)} message M2490 { }`)
  t.equal(late.codec.toJson(payload('')), '{}')
  for (let i = 0; i < 2; i++) t.match(flawOf(() => late.codec.fromJson({}, 'M0')), 'too long a chain')
})

t.test('payloads that stand for much more than they are', async (t) => {
  const wide = three(`message M { repeated N n = 1; } message N { ${many(1_000, (i) => `int32 f${i} = ${i + 1};`)} }`).codec
  const bytes = Buffer.alloc(800_000, Buffer.from('0a00', 'hex'))
  t.equal(within(t, 1500, 'check', () => wide.check({ bytes, indexes: [0] })), null, 'it is sound')
  t.match(within(t, 2000, 'toJson', () => wide.toJson({ bytes, indexes: [0] })), /at most 2000000 fields/)
  const grouped = Buffer.concat([Buffer.from('1314', 'hex'), bytes])
  t.match(within(t, 2000, 'behind an unknown group', () => wide.toJson({ bytes: grouped, indexes: [0] })), /at most 2000000 fields/)
  t.match(within(t, 2000, 'toValue', () => wide.toValue({ bytes, indexes: [0] })), /at most 2000000 fields/)
  t.match(within(t, 2000, 'fromJson', () => wide.fromJson({ n: Array.from({ length: 300_000 }, () => ({})) })), /at most 2000000 fields/)
  const held = three(`import "google/protobuf/any.proto"; message M { google.protobuf.Any any = 1; repeated N n = 2; } message N { ${
    many(1_000, (i) => `int32 f${i} = ${i + 1};`)} }`).codec
  const inner = Buffer.concat([Buffer.from('0a03612f4d12', 'hex'), Buffer.from([0x80, 0xb5, 0x18]), Buffer.alloc(400_000, Buffer.from('1200', 'hex'))])
  const any = Buffer.concat([Buffer.of(0x0a), Buffer.from([(inner.length & 127) | 128, ((inner.length >> 7) & 127) | 128, inner.length >> 14]), inner])
  t.equal(held.check({ bytes: any, indexes: [0] }), null)
  t.match(within(t, 2000, 'in an Any', () => held.toJson({ bytes: any, indexes: [0] })), /at most 2000000 fields/)
})

t.test('unknown fields, enums of many values, a deep value', async (t) => {
  const closed = two(`message M { optional E e = 1; } enum E { ${many(4_900, (i) => `E${i} = ${i};`)} }`).codec
  within(t, 3000, 'a large closed enum', () => closed.toJson({ bytes: Buffer.alloc(900_000, Buffer.from('08a746', 'hex')), indexes: [0] }))
  const extended = two(`message M { extensions 1 to max; } extend M { ${many(3_000, (i) => `optional int32 x${i} = ${i + 1};`)} }`).codec
  within(t, 3000, 'many extensions', () => extended.toJson({ bytes: Buffer.alloc(900_000, Buffer.from('f83e01', 'hex')), indexes: [0] }))
  const { codec } = three('import "google/protobuf/struct.proto"; message M { google.protobuf.Value v = 1; M m = 2; int32 i = 3; repeated M list = 4; }')
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]
  t.match(within(t, 1500, 'a deep value', () => codec.fromJson({ v: deep })), /nested|M/)
  const lists = (levels: number): unknown => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 1)
  const objects = (levels: number): unknown => Array.from({ length: levels }).reduce<unknown>((a) => ({ a }), 1)
  for (const v of [lists(49), objects(49)]) t.equal(codec.check(codec.fromJson({ v })), null, 'as deep as can be')
  for (const v of [lists(50), objects(50), lists(80)]) t.match(flawOf(() => codec.fromJson({ v })), /^v\..*at most 100 messages within each other/)
  let late: unknown = { i: 'x', list: Array.from({ length: 100_000 }, () => ({ i: 1 })) }
  for (let i = 0; i < 90; i++) late = { m: late }
  t.match(within(t, 3000, 'a flaw at the bottom', () => codec.fromJson(late)), /i: expected int32, found string "x"/)
  let bad: unknown = { i: 3_000_000_000, list: Array.from({ length: 100_000 }, () => ({ i: 1 })) }
  for (let i = 0; i < 90; i++) bad = { m: bad }
  within(t, 3000, 'a flaw at the bottom that only the library sees', () => codec.fromJson(bad))
})
