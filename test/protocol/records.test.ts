import t from 'tap'
import fc from 'fast-check'
import { RecordBatch, writeBatchHeader, BATCH_HEADER_BYTES } from '../../protocol/batch.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { buildBatch, countRecords, recordsIn, type NewRecord } from '../../protocol/records.ts'
import { recordedBatches } from './support/batches.ts'

const text = (value: string): Buffer => Buffer.from(value)
const plain = (value: string | null): NewRecord => ({ key: null, value: value === null ? null : text(value), timestampMs: 7 })

t.test('records are what Kafka reads in the same batch', async t => {
  for (const { title, bytes, batch, records } of recordedBatches().values()) {
    if (batch['magic'] === 2) t.strictSame([...recordsIn(new RecordBatch(bytes))], records, title)
  }
})

t.test('a batch of the same records is byte for byte what Kafka writes', async t => {
  const recorded = recordedBatches()
  const mixed = recorded.get('none, mixed records')!
  t.equal(buildBatch(mixed.records, { leaderEpoch: -1 }).bytes.toString('hex'), mixed.bytes.toString('hex'))
  const idempotent = recorded.get('idempotent')!
  t.equal(buildBatch(idempotent.records, {
    baseOffset: 1000, producerId: 4_000_000_000, producerEpoch: 7, baseSequence: 2147483646, leaderEpoch: 3
  }).bytes.toString('hex'), idempotent.bytes.toString('hex'))
  const gaps = recorded.get('offsets with gaps')!
  const base = gaps.records[0]!.offset
  const records = gaps.records.map(record => ({ ...record, offsetDelta: record.offset - base }))
  t.equal(buildBatch(records, { baseOffset: base }).bytes.toString('hex'), gaps.bytes.toString('hex'))
})

t.test('whatever goes into a batch comes out', async () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array)))
  const record = fc.record({
    key: bytes,
    value: bytes,
    headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: bytes }), { maxLength: 3 }),
    timestampMs: fc.oneof(fc.integer({ min: -1, max: 2_000_000_000_000 }), fc.constantFrom(0, 2 ** 52, -(2 ** 52) + 1))
  })
  const codec = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd')
  fc.assert(fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), codec, fc.nat(), (records, compression, baseOffset) => {
    const batch = buildBatch(records, { compression, baseOffset })
    const expected = records.map((one, i) => ({ offset: baseOffset + i, ...one }))
    const order = ({ offset, timestampMs, key, value, headers }: typeof expected[number]): unknown => [offset, timestampMs, key, value, headers]
    const same = JSON.stringify([...recordsIn(batch)].map(one => order(one as typeof expected[number]))) === JSON.stringify(expected.map(order))
    return batch.isSound && same && batch.maxTimestamp === Math.max(-1, ...records.map(one => one.timestampMs))
  }), { numRuns: 150 })
})

t.test('key, value and header value may be null, empty or neither', async t => {
  const headers = [{ key: 'a', value: null }, { key: 'b', value: text('') }, { key: '', value: text('c') }]
  const [first, second] = recordsIn(buildBatch([{ key: null, value: text(''), headers }, { key: text(''), value: null }], { nowMs: 5 }))
  t.strictSame(first, { offset: 0, timestampMs: 5, key: null, value: text(''), headers })
  t.strictSame(second, { offset: 1, timestampMs: 5, key: text(''), value: null, headers: [] })
})

t.test('timestamps may lie anywhere, before 1970 and far from each other', async t => {
  const times = [0, -1, -9_000_000_000_000, 8_640_000_000_000_000, -(2 ** 52) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  const batch = buildBatch(times.map(timestampMs => ({ key: null, value: null, timestampMs })))
  t.strictSame([...recordsIn(batch)].map(record => record.timestampMs), times)
  t.equal(batch.maxTimestamp, Number.MAX_SAFE_INTEGER)
})

t.test('but not so far from each other that no integer holds the distance', async t => {
  const records = [Number.MAX_SAFE_INTEGER, -1].map(timestampMs => ({ key: null, value: null, timestampMs }))
  t.throws(() => buildBatch(records), { name: 'KafkaError', code: 'INVALID_TIMESTAMP' })
})

t.test('records keep the offsets that compaction left them', async t => {
  const records = [0, 5, 2_000_000].map(offsetDelta => ({ ...plain('x'), offsetDelta }))
  const batch = buildBatch(records, { baseOffset: 100 })
  t.strictSame([...recordsIn(batch)].map(record => record.offset), [100, 105, 2_000_100])
  t.match(batch, { recordCount: 3, lastOffset: 2_000_100 })
})

t.test('a batch whose records are all gone still holds its offsets', async t => {
  const batch = buildBatch([], { baseOffset: 10, lastOffsetDelta: 4, nowMs: 99 })
  t.match(batch, { recordCount: 0, lastOffset: 14, nextOffset: 15, maxTimestamp: 99, isSound: true })
  t.strictSame([...recordsIn(batch)], [])
})

t.test('a batch may hold more headers than a frame may hold elements', async t => {
  const headers = new Array(1000).fill({ key: 'h', value: null })
  const batch = buildBatch(new Array(300).fill({ key: null, value: null, headers }))
  let count = 0
  for (const record of recordsIn(batch)) count += record.headers.length
  t.equal(count, 300_000)
})

t.test('records are counted by their lengths, without being read', async t => {
  t.equal(countRecords(buildBatch([plain('a'), plain('bb'), plain(null)])), 3)
  t.equal(countRecords(buildBatch([], { lastOffsetDelta: 0 })), 0)
  t.equal(countRecords(around('0c ff ff ff ff ff ff 02 ff', 9)), 2, 'whatever is in them')
  t.equal(countRecords(around('0c 00 00 00 01 01', 1)), -1, 'one that is cut off')
  t.equal(countRecords(around('00', 1)), -1, 'one without a length')
  t.equal(countRecords(around('01', 1)), -1, 'a negative length')
})

t.test('reading is lazy', async t => {
  const batch = buildBatch([plain('good'), plain('bad')])
  const damaged = Buffer.from(batch.bytes)
  damaged[damaged.length - 1] = 0x7e // the last record claims 63 headers
  const records = recordsIn(new RecordBatch(damaged))
  t.equal(records.next().value?.value?.toString(), 'good')
  t.throws(() => records.next(), ProtocolError)
})

/** A batch around bytes that are meant to be records, as a stranger would send it: sealed, so that only reading can tell. */
function around (hex: string, recordCount: number): RecordBatch {
  const records = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return writeBatchHeader(Buffer.concat([Buffer.alloc(BATCH_HEADER_BYTES), records]), {
    baseOffset: 0,
    leaderEpoch: 0,
    attributes: 0,
    lastOffsetDelta: Math.max(0, recordCount - 1),
    baseTimestamp: 0,
    maxTimestamp: 0,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount
  })
}

t.test('records that are not sound are protocol errors', async t => {
  // length, attributes, timestamp delta, offset delta, key length, value length, header count
  t.equal([...recordsIn(around('0c 00 00 00 01 01 00', 1))].length, 1, 'the record that the others are made from')
  const unsound = [
    ['0c 00 00 00 01 01 00', 2, 'fewer records than announced'],
    ['0c 00 00 00 01 01 00 0c 00 00 00 01 01 00', 1, 'more records than announced'],
    ['0c 00 00 00 01 01 00', 2147483647, 'very many announced'],
    ['feffffff0f 00 00 00 01 01 00', 1, 'a record longer than the batch'],
    ['0b 00 00 00 01 01 00', 1, 'a negative length'],
    ['0a 00 00 00 01 01 00', 1, 'a length that is too short'],
    ['0e 00 00 00 01 01 00 00', 1, 'a length that is too long'],
    ['0c 00 00 00 feffffff0f', 1, 'a key longer than the batch'],
    ['0c 00 00 00 01 01 01', 1, 'less than no headers'],
    ['14 00 00 00 01 01 feffffff0f', 1, 'more headers than there are bytes'],
    ['10 00 00 00 01 01 02 01 01', 1, 'a header without a key'],
    ['0c 00 80', 1, 'a varint that does not end']
  ] as const
  for (const [hex, count, title] of unsound) t.throws(() => [...recordsIn(around(hex, count))], ProtocolError, title)
  t.throws(() => [...recordsIn(around('10 00 00 00 01 01 02 01 01', 1))], /a record header without a key/)
})

t.test('an unknown compression is refused by name', async t => {
  const batch = buildBatch([plain('x')])
  batch.bytes.writeInt16BE(5, 21)
  t.throws(() => [...recordsIn(batch)], { name: 'KafkaError', code: 'UNSUPPORTED_COMPRESSION_TYPE' })
})

t.test('no bytes whatever make reading fail with anything but an error of ours', async () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 5 }), fc.nat(4), (bytes, count, codec) => {
    const batch = around(Buffer.from(bytes).toString('hex'), count)
    batch.bytes.writeInt16BE(codec, 21)
    try {
      return [...recordsIn(batch)].length === count
    } catch (error) {
      return ['ProtocolError', 'KafkaError'].includes((error as Error).name)
    }
  }), { numRuns: 2000 })
})
