/* eslint-disable @stylistic/max-len -- schemas and values, one a line */
import { isDeepStrictEqual } from 'node:util'

import fc from 'fast-check'
import protobufjs from 'protobufjs'
import t from 'tap'

import type { Codec } from '../../../../src/schemas/format.ts'
import { sentenceOf } from '../../../../src/schemas/format.ts'
import { flawOf, payload, three, two } from './support.ts'

const flaw = (codec: Codec, hex: string): string | null => {
  const found = codec.check(payload(hex))
  return found === null ? null : sentenceOf(found)
}

const { codec } = three(`message M { int32 i = 1; string s = 2; M m = 3; repeated int32 packed = 4; repeated int32 loose = 5 [packed = false]; repeated M list = 6;
  map<string, M> map = 7; fixed32 f = 8; double d = 9; E e = 10; bytes b = 11; repeated fixed64 fixed = 12; repeated string texts = 200; } enum E { Z = 0; }`)

t.test('what is sound', async (t) => {
  for (const [hex, what] of [
    ['', 'nothing'], ['0801', 'a number'], ['08ffffffffffffffffff01', 'ten bytes of it'], ['0801 0802', 'the last one counts'], ['1200', 'an empty string'],
    ['1202c3a9', 'é'], ['1a021a00', 'messages'], ['22020102', 'packed'], ['2001 2002', 'not packed, where packed is the way'], ['2a020102', 'packed, where it is not'],
    ['2200', 'none'], ['3a07 0a0161 1202 0801', 'an entry'], ['3a00', 'an empty entry'], ['3a02 1801', 'an entry with something else'], ['5063', 'an unknown enum value'], ['eb01 0801 0802 ec01', 'an unknown group'],
    ['eb01 eb01 ec01 ec01', 'groups within'], ['f001 05', 'an unknown number'], ['f201 01 ff', 'unknown bytes'], ['f501 00000000', 'four'], ['f101 0000000000000000', 'eight'],
    ['5a02ffff', 'bytes'], ['880100', 'a tag of two bytes'], ['c20c0161', 'a number above 63']
  ] as const) t.equal(flaw(codec, hex), null, what)
})

t.test('what is not, and where', async (t) => {
  for (const [hex, expected] of [
    ['08', 'i: expected int32, found the end after 1 bytes'],
    ['0880', 'i: expected int32, found the end'],
    ['08ffffffffffffffffff02 1000', 'i: expected int32, found a varint of more than 64 bits'],
    ['08ffffffffffffffffffff01', 'i: expected int32'],
    ['0a00', 'i: expected int32, found a value with a length'],
    ['0d00000000', 'i: expected int32, found 4 bytes'],
    ['1001', 's: expected string, found a varint'],
    ['1205 61', 's: expected string, found the end after 3 bytes'],
    ['12ffffffff0f', 's: expected string'],
    ['1202 c328', 's: expected string, found bytes that are not UTF-8'],
    ['1203 eda080', 's: expected string, found bytes that are not UTF-8'],
    ['1a03 1202 61', 'm.s: expected string, found the end after 5 bytes'],
    ['1a04 1202 c328', 'm.s: expected string, found bytes that are not UTF-8'],
    ['2203 0180', 'packed[0]: expected a list of int32, found the end after 4 bytes'],
    ['2203 018080', 'packed[1]: expected int32, found the end after 5 bytes'],
    ['3200 3202 0880 3200', 'list[1].i: expected int32'],
    ['3200 3201 08', 'list[1].i: expected int32, found the end'],
    ['3a05 0a0161 1001', 'map[0].value: expected message M, found a varint'],
    ['3a04 0a02 c328', 'map[0].key: expected string'],
    ['45 0000', 'f: expected fixed32, found the end'],
    ['49 00', 'd: expected double, found the end'],
    ['5203 000000', 'e: expected enum E, found a value with a length'],
    ['6205 0000000000', 'fixed[0]: expected fixed64'],
    ['c20c0161 c20c02c328', 'texts[1]: expected string'],
    ['00', 'the value: expected a field of M, found the number 0 at byte 0'],
    ['ff', 'the value: expected a field of M, found no tag at byte 0'],
    ['ffffffffff01', 'the value: expected a field of M, found no tag'],
    ['0c', 'found the end of group 1, which has not begun'],
    ['0b', 'i: expected int32, found the start of a group'],
    ['eb01', 'the value: expected the end of the group, found the end after 2 bytes'],
    ['eb01 f401', 'found the end of group 30, which has not begun'],
    ['ee01', 'expected field 29, which the schema does not know, to be wire type 6'],
    ['f001 80', 'expected field 30, which the schema does not know, to be a varint, found the end'],
    ['1a05 08010802 08', 'm.i: expected int32']
  ] as const) t.match(flaw(codec, hex), expected, hex)
})

t.test('groups, and strings of proto2', async (t) => {
  const { codec } = two('message M { optional group G = 1 { optional int32 a = 1; } optional string s = 2; repeated group H = 3 { required int32 b = 1; } }')
  t.equal(flaw(codec, '0b 0801 0c'), null)
  t.equal(flaw(codec, '1202c328'), null, 'proto2 does not ask for UTF-8')
  t.match(flaw(codec, '0b 0801'), 'g: expected the end of the group')
  t.match(flaw(codec, '0b 0801 14'), 'g: expected a field of M.G, found the end of group 2')
  t.match(flaw(codec, '0a00'), 'g: expected message M.G, found a value with a length')
  t.match(flaw(codec, '1b 0801 1c 1b 1c'), 'h[1].b: expected int32, which is required, found nothing')
  t.equal(codec.toJson(payload('0b 0801 0c')), '{"g":{"a":1},"h":[]}')
  t.equal(codec.fromJson({ g: { a: 1 } }).bytes.toString('hex'), '0b08010c')
})

t.test('a hundred messages within each other, and no more', async (t) => {
  const nested = (levels: number): Buffer => {
    let bytes = Buffer.alloc(0)
    for (let level = 0; level < levels; level++) {
      const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
      bytes = Buffer.concat([Buffer.of(0x1a, ...length), bytes])
    }
    return bytes
  }
  t.equal(codec.check({ bytes: nested(99), indexes: [0] }), null)
  t.match(codec.check({ bytes: nested(100), indexes: [0] }), { expected: 'at most 100 messages within each other' })
  t.equal(flawOf(() => codec.toJson({ bytes: nested(99), indexes: [0] })), null)
  t.match(codec.check({ bytes: Buffer.alloc(200_000, Buffer.from('eb01', 'hex')), indexes: [0] }), { expected: 'at most 100 messages within each other' })
})

// Another implementation of the wire format, which generates code: for schemas of our own.
const TYPES = ['double', 'float', 'int32', 'int64', 'uint32', 'uint64', 'sint32', 'sint64', 'fixed32', 'fixed64', 'sfixed32', 'sfixed64', 'bool', 'string', 'bytes', 'E', 'M']
const text = `syntax = "proto3"; message M { ${TYPES.map((type, at) => `${type} a${at} = ${at + 1}; repeated ${type} b${at} = ${at + 101}; ` +
  `map<string, ${type}> c${at} = ${at + 201};`).join('\n')} } enum E { Z = 0; Y = 1; X = -1; }`
const ours = three(text.replace('syntax = "proto3";', '')).codec
const theirs = protobufjs.parse(text, { keepCase: true }).root.lookupType('M')

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const string = fc.string({ unit: 'grapheme' })
const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value),
  float: fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value),
  int32,
  int64,
  uint32,
  uint64,
  sint32: int32,
  sint64: int64,
  fixed32: uint32,
  fixed64: uint64,
  sfixed32: int32,
  sfixed64: int64,
  bool: fc.boolean(),
  string,
  bytes: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  E: fc.constantFrom('Z', 'Y', 'X')
}
const { message } = fc.letrec((tie) => ({
  message: fc.oneof({ maxDepth: 2, depthSize: 'small' }, fc.constant({}), fc.record(Object.fromEntries(TYPES.flatMap((type, at) => {
    const value = type === 'M' ? tie('message') : values[type] as fc.Arbitrary<unknown>
    return [[`a${at}`, value], [`b${at}`, fc.array(value, { maxLength: 3 })], [`c${at}`, fc.dictionary(string.filter((key) => key !== '__proto__'), value, { maxKeys: 2 })]]
  })), { requiredKeys: [] }))
}))

/** Without what is at its default. */
function lean (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lean)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, lean(each)] as const)
    .filter(([key, each]) => !/^[abc]\d+$/.test(key) || !isDefault(each, key)))
}

const isDefault = (value: unknown, key: string): boolean => value === 0 || value === '0' || value === '' || value === false || value === 'Z' ||
  (key !== 'a16' && typeof value === 'object' && Object.keys(value as object).length === 0)

t.test('random messages: what we write, another implementation reads, and the other way round', async () => {
  fc.assert(fc.property(message, (value) => {
    const { bytes } = ours.fromJson(value)
    if (ours.check({ bytes, indexes: [0] }) !== null) throw new Error('our own bytes have a flaw')
    const read = theirs.toObject(theirs.decode(bytes), { longs: String, enums: String, bytes: String })
    const written = Buffer.from(theirs.encode(theirs.fromObject(value as Record<string, unknown>)).finish())
    if (ours.check({ bytes: written, indexes: [0] }) !== null) throw new Error('their bytes have a flaw')
    const shown: unknown = JSON.parse(ours.toJson({ bytes: written, indexes: [0] }))
    return isDeepStrictEqual(lean(read), lean(value)) && isDeepStrictEqual(lean(shown), lean(value)) &&
      ours.fromJson(shown).bytes.equals(ours.fromJson(JSON.parse(ours.toJson({ bytes, indexes: [0] }))).bytes)
  }), { numRuns: 100 })
})

t.test('random bytes: nothing but a flaw, and what has none can be read', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), message, fc.nat(), fc.nat({ max: 255 }), (noise, value, at, byte) => {
    const changed = Buffer.from(ours.fromJson(value).bytes)
    if (changed.length > 0) changed[at % changed.length] = byte
    for (const bytes of [Buffer.from(noise), changed, changed.subarray(0, at % (changed.length + 1))]) {
      if (ours.check({ bytes, indexes: [0] }) === null) JSON.parse(ours.toJson({ bytes, indexes: [0] }))
    }
  }), { numRuns: 300 })
})
