import t from 'tap'
import { batchesIn, batchSizeAt, BATCH_HEADER_BYTES, nextOffsetAt, RecordBatch } from '../../protocol/batch.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { buildBatch, recordsIn } from '../../protocol/records.ts'
import { recordedBatches } from './support/batches.ts'

const sample = (text = 'hello'): RecordBatch => buildBatch([{ key: null, value: Buffer.from(text), timestampMs: 1 }])

t.test('a header says what Kafka says of the same batch', async t => {
  for (const { title, bytes, batch: expected } of recordedBatches().values()) {
    if (expected['magic'] !== 2) continue
    const batch = new RecordBatch(bytes)
    for (const [name, value] of Object.entries(expected)) t.equal(batch[name as keyof RecordBatch], value, `${title}: ${name}`)
    t.ok(batch.isSound, `${title}: sound`)
  }
})

t.test('batches of magic 0 and 1 are not sound', async t => {
  for (const title of ['magic 0', 'magic 1']) {
    const { bytes, batch: expected } = recordedBatches().get(title)!
    t.notOk(new RecordBatch(bytes).isSound, title)
    const longEnough = new RecordBatch(Buffer.concat([bytes, Buffer.alloc(BATCH_HEADER_BYTES)]))
    t.equal(longEnough.magic, expected['magic'])
    t.notOk(longEnough.isSound, `${title}, long enough for a header`)
  }
})

t.test('a single wrong bit anywhere under the checksum shows', async t => {
  const { bytes } = sample()
  for (let at = 16; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 1 << at % 8
    t.notOk(new RecordBatch(damaged).isSound, `byte ${at}`)
  }
  for (const length of [0, 10, 60]) t.notOk(new RecordBatch(bytes.subarray(0, length)).isSound, `cut off in the header, after ${length} bytes`)
  t.notOk(new RecordBatch(bytes.subarray(0, -1)).isSound, 'cut off in the records')
})

t.test('stamping gives the batch its place and leaves the checksum valid', async t => {
  const batch = sample()
  const { crc } = batch
  batch.stamp(2 ** 40 + 5, 17)
  t.match(batch, { baseOffset: 2 ** 40 + 5, lastOffset: 2 ** 40 + 5, nextOffset: 2 ** 40 + 6, leaderEpoch: 17, crc })
  t.ok(batch.isSound)
  t.equal([...recordsIn(batch)][0]?.offset, 2 ** 40 + 5)
})

t.test('the append time is that of every record, and is sealed', async t => {
  const batch = buildBatch([{ key: null, value: null, timestampMs: 1 }, { key: null, value: null, timestampMs: 2 }])
  const { crc } = batch
  batch.stampAppendTime(1_700_000_000_123)
  t.not(batch.crc, crc)
  t.ok(batch.isSound)
  t.strictSame([...recordsIn(batch)].map(record => record.timestampMs), [1_700_000_000_123, 1_700_000_000_123])
})

t.test('stamping the append time does what Kafka does', async t => {
  const batches = recordedBatches()
  const batch = new RecordBatch(batches.get('gzip, mixed records')!.bytes)
  batch.stampAppendTime(1700000099999)
  t.strictSame(batch.bytes.toString('hex'), batches.get('log append time')!.bytes.toString('hex'))
})

t.test('the last sequence wraps around', async t => {
  const batch = buildBatch(new Array(5).fill({ key: null, value: null }), { producerId: 1, producerEpoch: 0, baseSequence: 2147483645 })
  t.equal(batch.lastSequence, 1)
  t.equal(sample().lastSequence, -1, 'and there is none without a producer')
})

t.test('batches are found one after the other', async t => {
  const batches = [sample('a'), sample('bb'), sample('ccc')]
  const joined = Buffer.concat(batches.map(batch => batch.bytes))
  t.strictSame([...batchesIn(joined)].map(batch => batch.bytes.toString('hex')), batches.map(batch => batch.bytes.toString('hex')))
  t.equal([...batchesIn(joined)][1]?.bytes.buffer, joined.buffer, 'as views')
  t.strictSame([...batchesIn(Buffer.alloc(0))], [])
})

t.test('a batch that is cut off at the end is left out', async t => {
  const first = sample('a').bytes
  const joined = Buffer.concat([first, sample('bb').bytes])
  for (let end = first.length; end < joined.length; end++) {
    t.equal([...batchesIn(joined.subarray(0, end))].length, 1, `${end} of ${joined.length}`)
  }
})

t.test('an impossible length is a protocol error', async t => {
  for (const length of [-1, 0, 48, -2147483648]) {
    const { bytes } = sample()
    bytes.writeInt32BE(length, 8)
    t.throws(() => [...batchesIn(bytes)], ProtocolError, `${length}`)
  }
})

t.test('size and next offset can be read where a batch begins', async t => {
  const batch = buildBatch([{ key: null, value: null }, { key: null, value: null }], { baseOffset: 40 })
  const buffer = Buffer.concat([Buffer.alloc(7), batch.bytes])
  t.equal(batchSizeAt(buffer, 7), batch.sizeBytes)
  t.equal(nextOffsetAt(buffer, 7), 42)
  t.equal(batchSizeAt(buffer.subarray(0, 18), 7), -1, 'not if even the length is cut off')
})
