/**
 * Payloads that are made to hurt whoever looks into them: by the native door, into topics that ask for payloads of their schema, and
 * over HTTP where JSON becomes such a payload. In a process of its own, of which somebody else asks all the time whether it is alive.
 */
import t, { type Test } from 'tap'
import { errors } from '../../protocol/errors.ts'
import { buildBatch, MAX_RECORDS, type Header } from '../../protocol/records.ts'
import type { SchemaType } from '../../src/schemas/model.ts'
import { batchAround, codecs, tiny } from './bombs.ts'
import { openHostileHouse, told, type HostileHouse, type PartitionResponse } from './hostile-house.ts'

const MIB = 1024 * 1024
/** On a machine that has time: what others make it wait comes on top. */
const MAX_PAUSE_MS = 1500
const MAX_CPU_MS = 3000
const MAX_RESIDENT_MIB = 700

/** Branches. */
const UNION = 2400

const AVRO = {
  record: '{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}',
  nulls: '{"type":"array","items":"null"}',
  empty: '{"type":"array","items":{"type":"record","name":"E","fields":[]}}',
  maps: '{"type":"map","values":{"type":"map","values":"null"}}',
  text: '"string"',
  bytes: '{"type":"bytes","logicalType":"decimal","precision":5}',
  union: `{"type":"array","items":[${Array.from({ length: UNION }, (_, i) =>
    `{"type":"record","name":"R${i}","fields":[{"name":"f${i}","type":"int"}]}`).join(',')}]}`
}
const PROTO = `syntax = "proto2";
message M {
  optional M m = 1; repeated int32 n = 2 [packed = true]; optional string s = 3; repeated group G = 4 { repeated group G = 4 {} }
  map<string, M> p = 5; repeated N e = 6;
}
message N {}`
const JSON_SCHEMAS = {
  any: 'true',
  unique: '{"type":"array","uniqueItems":true}',
  twice: '{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/a"}},{"type":"array","items":{"$ref":"#/$defs/a"}}]}}}',
  names: '{"propertyNames":{"pattern":"^(a+)+$"},"additionalProperties":{"type":"integer"}}'
}

/** Zigzag, as Avro writes numbers; a bigint has more than 32 bits. */
function varint (value: bigint): number[] {
  const bytes: number[] = []
  let rest = value >= 0n ? value * 2n : -value * 2n - 1n
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

const framed = (id: number, ...parts: readonly (Buffer | string | readonly number[])[]): Buffer => {
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  return Buffer.concat([head, ...parts.map(part => Buffer.from(part as Buffer))])
}

const batchOf = (value: Buffer | null, headers: readonly Header[] = []): ReturnType<typeof buildBatch> => buildBatch([{ key: null, value, headers }])

/** A topic for each schema, all of which ask for payloads. Gives the ids. */
async function topicsFor (
  t: Test, { ask, register }: HostileHouse, schemas: Readonly<Record<string, readonly [SchemaType, string]>>
): Promise<Record<string, number>> {
  const ids: Record<string, number> = {}
  for (const [topic, [type, schema]] of Object.entries(schemas)) {
    const answer = await register(`${topic}-value`, type, schema)
    t.equal(answer.status, 200, `${topic}: ${answer.body}`)
    ids[topic] = (JSON.parse(answer.body) as { id: number }).id
    await ask('PUT', `/topics/${topic}`, {})
    t.equal((await ask('PUT', `/topics/${topic}/validation`, { value: 'payload' })).status, 200)
  }
  return ids
}

const refusals: readonly number[] = [errors.INVALID_RECORD, errors.MESSAGE_TOO_LARGE, errors.CORRUPT_MESSAGE]
const isRefused = ({ errorCode }: PartitionResponse): boolean => refusals.includes(errorCode)

async function unhurt (t: Test, { costs, ask, produce, output }: HostileHouse, topic: string, good: Buffer): Promise<void> {
  t.comment(told(costs))
  t.strictSame(output().split('\n').filter(line => line.includes('"level":"error"')).slice(0, 3), [], 'nothing happened that nobody foresaw')
  for (const [name, { pauseMs, cpuMs, residentMiB }] of costs) {
    if (pauseMs > MAX_PAUSE_MS) t.fail(`${name}: nobody else was answered for ${pauseMs.toFixed()} ms`)
    if (cpuMs > MAX_CPU_MS) t.fail(`${name}: ${cpuMs} ms of CPU`)
    if (residentMiB > MAX_RESIDENT_MIB) t.fail(`${name}: ${residentMiB.toFixed()} MiB`)
  }
  costs.clear()
  t.equal((await ask('GET', '/readyz')).status, 200)
  t.equal((await produce(topic, batchOf(good))).errorCode, errors.NONE, 'and what is good gets in')
}

const house = await openHostileHouse(t)

t.test('a few bytes that say that they are many', async t => {
  const { measured, produce, ask } = house
  const ids = await topicsFor(t, house, {
    ...Object.fromEntries(Object.entries(AVRO).map(([name, schema]) => [`avro-${name}`, ['AVRO', schema] as const])),
    proto: ['PROTOBUF', PROTO]
  })
  const million = (byte: number): Buffer => Buffer.alloc(900_000, byte)
  const avro: readonly (readonly [schema: keyof typeof AVRO, what: string, ...(Buffer | readonly number[])[]])[] = [
    ['nulls', '2^62 nulls', varint(2n ** 62n), [0]],
    ['nulls', '2^31 nulls', varint(2n ** 31n), [0]],
    ['nulls', 'nulls in a block of -2^63 items', varint(-(2n ** 63n)), varint(0n), [0]],
    ['nulls', 'blocks of 99,999 nulls', Buffer.concat(Array.from({ length: 200_000 }, () => Buffer.from(varint(99_999n)))), [0]],
    ['empty', 'a thousand million records without fields', varint(1_000_000_000n), [0]],
    ['maps', 'maps of maps', varint(2n ** 40n), [0]],
    ['text', 'a string of 2^40 bytes', varint(2n ** 40n)],
    ['text', 'a string of -1 bytes', varint(-1n)],
    ['text', 'a string of 2^63-1 bytes', varint(2n ** 63n - 1n)],
    ['text', 'a varint without end', million(0xff)],
    ['record', 'records in records', million(2)],
    ['bytes', 'a decimal of 900,000 bytes', varint(900_000n), million(0x7f)],
    ['union', 'a branch that is none', varint(1n), varint(2n ** 40n)]
  ]
  for (const [schema, what, ...parts] of avro) {
    const answer = await measured(`Avro: ${what}`, () => produce(`avro-${schema}`, batchOf(framed(ids[`avro-${schema}`]!, ...parts))))
    t.ok(isRefused(answer), `Avro: ${what}: ${answer.errorCode}`)
  }
  const proto: readonly (readonly [what: string, ...(Buffer | readonly number[])[]])[] = [
    ['messages in messages', Buffer.from('0affffff7f'.repeat(100_000), 'hex')],
    ['groups in groups', million(0x23)],
    ['groups that nobody knows', million(0x0b)],
    ['groups that are closed only', million(0x0c)],
    ['a string of 2^31 bytes', [0x1a, 0x80, 0x80, 0x80, 0x80, 0x08]],
    ['a string of 2^63 bytes', [0x1a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['varints without end', [0x12], million(0xff)],
    ['a number of field that is none', million(0x00)],
    ['no UTF-8', [0x1a, 0x02, 0xc3, 0x28]]
  ]
  for (const [what, ...parts] of proto) {
    const answer = await measured(`Protobuf: ${what}`, () => produce('proto', batchOf(framed(ids['proto']!, [0], ...parts))))
    t.ok(isRefused(answer) || (what === 'no UTF-8' && answer.errorCode === errors.NONE), `Protobuf: ${what}: ${answer.errorCode}`)
  }
  // These say nothing wrong, but are many: they may be taken.
  for (const [what, bytes] of [['empty messages', Buffer.from('3200'.repeat(400_000), 'hex')], ['empty groups', Buffer.from('2324'.repeat(400_000), 'hex')],
    ['empty entries', Buffer.from('2a00'.repeat(400_000), 'hex')], ['fields that nobody knows', Buffer.from('f80101'.repeat(300_000), 'hex')]] as const) {
    await measured(`Protobuf: ${what}`, () => produce('proto', batchOf(framed(ids['proto']!, [0], bytes))))
  }
  await measured('Protobuf: many, as JSON', () => ask('GET', '/topics/proto/records?from=earliest'))
  for (const [what, indexes] of [['2^31 of them', [0xfe, 0xff, 0xff, 0xff, 0x0f]], ['-1 of them', [0x01]], ['one that is -1', [0x02, 0x01]],
    ['one that is not there', [0x02, 0x7e]], ['a hundred', [0xc8, 0x01, ...new Array<number>(100).fill(0)]],
    ['a hundred and one', [0xca, 0x01, ...new Array<number>(101).fill(0)]],
    ['without end', [...million(0xff)]], ['none', []], ['half of one', [0x02]]] as const) {
    const answer = await measured(`indexes: ${what}`, () => produce('proto', batchOf(framed(ids['proto']!, indexes))))
    t.ok(isRefused(answer), `indexes: ${what}: ${answer.errorCode}`)
  }
  const items = Array.from({ length: 20_000 }, () => ({ [`f${UNION - 1}`]: 1 }))
  t.match(await measured('a union of records, 20,000 times', () => ask('POST', '/topics/avro-union', items)), { body: /./ })
  await unhurt(t, house, 'avro-text', framed(ids['avro-text']!, [2, 97]))
})

t.test('JSON that is deep, wide or long', async t => {
  const { measured, produce, ask } = house
  const ids = await topicsFor(t, house, Object.fromEntries(Object.entries(JSON_SCHEMAS).map(([name, schema]) => [name, ['JSON', schema] as const])))
  const nested = (depth: number, open: string, inner: string, close: string): string => open.repeat(depth) + inner + close.repeat(depth)
  const wide = (count: number, one: (i: number) => string): string => Array.from({ length: count }, (_, i) => one(i)).join(',')
  const cases: readonly (readonly [topic: keyof typeof JSON_SCHEMAS, what: string, text: string, isRefused: boolean])[] = [
    ['any', 'brackets', nested(400_000, '[', '', ']'), true],
    ['any', 'open brackets', '['.repeat(900_000), true],
    ['any', 'objects in objects', nested(100_000, '{"a":', '1', '}'), true],
    ['any', 'a number of 900,000 digits', '9'.repeat(900_000), false],
    ['any', 'an exponent', '1e999999999', false],
    ['any', 'prototypes', '{"__proto__":{"a":1},"constructor":{"prototype":1},"toString":1}', false],
    ['any', 'names twice', `{${wide(50_000, () => '"a":1')}}`, false],
    ['any', 'no UTF-8', '"\u00ff"', false],
    ['unique', 'numbers that are alike', `[${wide(100_000, i => String(i))}]`, false],
    ['unique', 'objects that are alike', `[${wide(40_000, i => `{"a":{"b":${i}}}`)}]`, false],
    ['twice', 'two ways at each level', nested(200, '[', '1', ']'), true],
    ['twice', 'two ways at each level, wide', `[${wide(100_000, () => '[[[[]]]]')}]`, false],
    ['names', 'a long name', `{"${'a'.repeat(800_000)}!":1}`, true],
    ['names', 'many names', `{${wide(60_000, i => `"${'a'.repeat(i % 10 + 1)}":${i}`)}}`, false]
  ]
  for (const [topic, what, text, refused] of cases) {
    const answer = await measured(`native: ${what}`, () => produce(topic, batchOf(framed(ids[topic]!, text))))
    t.ok(isRefused(answer) || (!refused && answer.errorCode === errors.NONE), `native: ${what}: ${answer.errorCode}`)
    const { status, body } = await measured(`HTTP: ${what}`, () => ask('POST', `/topics/${topic}`, text))
    // What is no JSON is a string there.
    t.ok([201, 400, 413, 422].includes(status), `HTTP: ${what}: ${status} ${body.slice(0, 200)}`)
  }
  for (const topic of Object.keys(JSON_SCHEMAS)) await measured(`${topic} read`, () => ask('GET', `/topics/${topic}/records?from=earliest`))
  await unhurt(t, house, 'any', framed(ids['any']!, '1'))
})

t.test('ids, GUIDs and headers that are rubbish', async t => {
  const { measured, produce } = house
  const ids = await topicsFor(t, house, { orders: ['AVRO', AVRO.text] })
  const id = ids['orders']!
  const good = framed(id, [2, 97])
  for (const other of [-1, 0, 0x7fff_ffff, -0x8000_0000, id + 1]) {
    t.ok(isRefused(await measured(`id ${other}`, () => produce('orders', batchOf(framed(other, [2, 97]))))), `id ${other}`)
  }
  for (const value of [Buffer.alloc(0), Buffer.from([0]), Buffer.from([0, 0, 0, 0]), Buffer.from([1]), Buffer.alloc(16, 1),
    Buffer.concat([Buffer.from([1]), Buffer.alloc(16, 0xff), Buffer.from([2, 97])]), Buffer.from('{"a":1}'), Buffer.alloc(900_000), Buffer.alloc(900_000, 1)]) {
    t.ok(isRefused(await measured(`prefix ${value.subarray(0, 20).toString('hex')}`, () => produce('orders', batchOf(value)))))
  }
  const header = (value: Buffer | null): Header => ({ key: '__value_schema_id', value })
  const said = Buffer.alloc(5)
  said.writeInt32BE(id, 1)
  t.equal((await produce('orders', batchOf(Buffer.from([2, 97]), [header(said)]))).errorCode, errors.NONE, 'as it should be')
  for (const rubbish of [null, Buffer.alloc(0), Buffer.from([0]), Buffer.alloc(5, 0xff), Buffer.alloc(17, 1), Buffer.from('not a schema id'),
    Buffer.alloc(900_000), Buffer.alloc(900_000, 1)]) {
    const answer = await measured(`header ${rubbish?.subarray(0, 10).toString('hex')}`, () => produce('orders', batchOf(good, [header(rubbish)])))
    t.ok(isRefused(answer), `header ${rubbish?.subarray(0, 10).toString('hex')}: ${answer.errorCode}`)
  }
  const crowd = Array.from({ length: 40_000 }, () => header(Buffer.alloc(5, 0xff)))
  t.ok(isRefused(await measured('40,000 headers', () => produce('orders', batchOf(good, crowd)))))
  const right = batchOf(Buffer.from([2, 97]), [...crowd, header(said)])
  t.equal((await measured('40,000 headers, the last of which is right', () => produce('orders', right))).errorCode, errors.NONE)
  const unknown = (from: number): ReturnType<typeof buildBatch> =>
    buildBatch(Array.from({ length: 40_000 }, (_, i) => ({ key: null, value: framed(from + i, [2, 97]) })))
  for (let round = 0; round < 5; round++) {
    t.ok(isRefused(await measured('40,000 ids that nobody knows', () => produce('orders', unknown(1_000_000 * (round + 1))))))
  }
  await unhurt(t, house, 'orders', good)
})

t.test('CVE-2023-34455: compressed batches into a topic that is looked into', async t => {
  const { measured, produce } = house
  const ids = await topicsFor(t, house, { orders: ['AVRO', AVRO.text] })
  const zeros = Buffer.alloc(512 * MIB)
  for (const codec of codecs) {
    const bomb = batchAround(codec, 1, codec === 'zstd' || codec === 'gzip' ? zeros : zeros.subarray(0, 64 * MIB))
    const answer = await measured(`${codec}: ${bomb.sizeBytes} bytes`, () => produce('orders', bomb))
    t.equal(answer.errorCode, errors.MESSAGE_TOO_LARGE, `${codec}: ${answer.errorMessage}`)
  }
  const empty = tiny(1)
  for (const codec of codecs) {
    const more = batchAround(codec, MAX_RECORDS + 1, Buffer.alloc(empty.length * (MAX_RECORDS + 1), empty))
    t.equal((await measured(`${codec}: more than a million empty records`, () => produce('orders', more))).errorCode, errors.MESSAGE_TOO_LARGE, codec)
    const million = batchAround(codec, MAX_RECORDS, tiny(MAX_RECORDS))
    const answer = await measured(`${codec}: a million empty records`, () => produce('orders', million))
    t.ok(answer.errorCode === errors.NONE || isRefused(answer), `${codec}: ${answer.errorCode} ${answer.errorMessage}`)
    const wrong = batchAround(codec, 10, Buffer.alloc(MIB, 0xff))
    t.ok(isRefused(await measured(`${codec}: rubbish`, () => produce('orders', wrong))), codec)
  }
  await unhurt(t, house, 'orders', framed(ids['orders']!, [2, 97]))
})
