import t from 'tap'
import { CONTROL, LOG_APPEND_TIME, TRANSACTIONAL, type RecordBatch } from '../../../protocol/batch.ts'
import { KafkaError } from '../../../protocol/errors.ts'
import { buildBatch } from '../../../protocol/records.ts'
import { topicConfig, type TopicConfig } from '../../../storage/embedded/configs.ts'
import { InvalidRecordsError, checkBatch } from '../../../storage/embedded/validation.ts'
import { T0, batchOf, batchOfSize, keyedBatch } from '../../support/batches.ts'

/** Where the fields of a header are that the batches here lie in. */
const AT = { magic: 16, attributes: 21, lastOffsetDelta: 23, baseTimestamp: 27, maxTimestamp: 35, recordCount: 57 } as const
const HEADER_BYTES = 61

const configOf = (own: Record<string, string> = {}): TopicConfig =>
  topicConfig(new Map(Object.entries(own)), { retentionMs: -1, segmentBytes: 1024 ** 3 })

/** What is said against a batch; null where nothing is. */
function objection (batch: RecordBatch, own: Record<string, string> = {}, nowMs = T0): KafkaError | null {
  try {
    checkBatch(batch, 'greetings', configOf(own), nowMs)
    return null
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
}

/** A batch with something else in it than its checksum was made for, or, `resealed`, with one that is right again. */
function altered (change: (bytes: Buffer) => void, batch = batchOf(['a', 'b'])): RecordBatch {
  change(batch.bytes)
  return batch
}

function resealed (change: (bytes: Buffer) => void, batch?: RecordBatch): RecordBatch {
  const changed = altered(change, batch)
  changed.seal()
  return changed
}

const counted = (records: number, lastOffsetDelta = records - 1, batch?: RecordBatch): RecordBatch => resealed(bytes => {
  bytes.writeInt32BE(records, AT.recordCount)
  bytes.writeInt32BE(lastOffsetDelta, AT.lastOffsetDelta)
}, batch)

const idempotent = (producerId: number, baseSequence: number): RecordBatch => batchOf(['a'], { producerId, producerEpoch: 0, baseSequence })

t.test('a batch that keeps the rules is taken, however it is compressed', async t => {
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) t.equal(objection(batchOf(['a', 'b'], { compression })), null, compression)
  t.equal(objection(idempotent(0, 0)), null)
  t.equal(objection(idempotent(-1, -1)), null)
})

type Refusal = readonly [code: string, said: RegExp, batch: RecordBatch, config?: Record<string, string>]

const refusals: { readonly [what: string]: Refusal } = {
  'an older format': ['INVALID_RECORD', /format 1 .* produce with format 2/, resealed(bytes => { bytes[AT.magic] = 1 })],
  'a flipped bit': ['CORRUPT_MESSAGE', /checksum/, altered(bytes => { bytes[bytes.length - 1]! ^= 1 })],
  'more bytes than a batch may have': ['MESSAGE_TOO_LARGE', /1001 bytes.*greetings is 1000/, batchOfSize(1001), { 'max.message.bytes': '1000' }],
  'more bytes than a segment has': ['RECORD_LIST_TOO_LARGE', /1025 bytes.*greetings is 1024/, batchOfSize(1025), { 'segment.bytes': '1024' }],
  'an offset of its own': ['INVALID_RECORD', /must be 0, but is 5/, batchOf(['a'], { baseOffset: 5 })],
  'a marker of transactions': ['INVALID_RECORD', /control/, batchOf(['a'], { attributes: CONTROL })],
  'a part of a transaction': ['INVALID_TXN_STATE', /not supported/, batchOf(['a'], { attributes: TRANSACTIONAL })],
  'a producer without a sequence': ['INVALID_RECORD', /Producer 7 .* -1/, idempotent(7, -1)],
  'no records': ['INVALID_RECORD', /claims 0 records/, counted(0)],
  'fewer than no records': ['INVALID_RECORD', /claims -1 records/, counted(-1)],
  'a count that is not that of its offsets': ['INVALID_RECORD', /2 records, but its last offset delta is 7/, counted(2, 7)],
  'more records than it holds': ['INVALID_RECORD', /claims 3 records, but/, counted(3)],
  'fewer records than it holds': ['INVALID_RECORD', /claims 1 records, but/, counted(1)],
  'records that do not fit it': ['INVALID_RECORD', /claims 2 records, but/, resealed(bytes => { bytes[HEADER_BYTES] = 0x7e })],
  'a length that has no end': ['INVALID_RECORD', /cannot be read/, resealed(bytes => bytes.fill(0xff, HEADER_BYTES))],
  'a compression that does not exist': ['UNSUPPORTED_COMPRESSION_TYPE', /Compression 5/, resealed(bytes => bytes.writeInt16BE(5, AT.attributes))],
  'the log\'s own time': ['INVALID_TIMESTAMP', /LogAppendTime/, batchOf(['a'], { attributes: LOG_APPEND_TIME })],
  'that even where the log gives it': ['INVALID_TIMESTAMP', /LogAppendTime/, batchOf(['a'], { attributes: LOG_APPEND_TIME }),
    { 'message.timestamp.type': 'LogAppendTime' }]
}

for (const [what, [code, said, batch, config]] of Object.entries(refusals)) {
  t.test(`${what} is refused with ${code}`, async t => {
    const error = objection(batch, config)
    t.equal(error?.code, code)
    t.match(error?.message, said)
  })
}

t.test('the limits themselves are within them', async t => {
  t.equal(objection(batchOfSize(1024), { 'max.message.bytes': '1024', 'segment.bytes': '1024' }), null)
})

t.test('a time too far ahead or behind is refused, and said of which records (KIP-467)', async t => {
  const limits = { 'message.timestamp.after.max.ms': '100', 'message.timestamp.before.max.ms': '200' }
  const at = (...times: readonly number[]): RecordBatch => buildBatch(times.map(timestampMs => ({ key: null, value: null, timestampMs })))
  t.equal(objection(at(T0 + 100, T0 - 200, -1), limits), null, 'no time is none that is wrong')
  for (const [batch, wrong] of [[at(T0, T0 + 101), [1]], [at(T0 - 201, T0, T0 - 201), [0, 2]]] as const) {
    const error = objection(batch, limits) as InvalidRecordsError
    t.equal(error.code, 'INVALID_TIMESTAMP')
    t.strictSame(error.records.map(({ batchIndex }) => batchIndex), wrong)
    t.match(error.message, `${wrong.length} of ${batch.recordCount} records were refused`)
  }
  t.equal(objection(at(T0 + 101), { ...limits, 'message.timestamp.type': 'LogAppendTime' }), null, 'where the log gives its own, nobody asks')
  t.equal(objection(at(0)), null, 'by default the past is free')
  t.equal(objection(at(T0 + 3_600_001))?.code, 'INVALID_TIMESTAMP', 'and the future is one hour')
})

t.test('a header that lies about times is refused, also where no record is wrong', async t => {
  const lie = resealed(bytes => bytes.writeBigInt64BE(BigInt(T0 + 1e10), AT.maxTimestamp))
  t.match(objection(lie), { code: 'INVALID_TIMESTAMP', message: /A timestamp from/ })
  const unsafe = resealed(bytes => bytes.writeBigInt64BE(-(2n ** 60n), AT.baseTimestamp))
  t.equal(objection(unsafe)?.code, 'INVALID_TIMESTAMP', 'one that no number can be')
})

t.test('a compacted topic asks every record for a key', async t => {
  const compacted = { 'cleanup.policy': 'compact,delete' }
  t.equal(objection(keyedBatch([['a', '1'], ['', null]]), compacted), null, 'an empty key is one')
  for (const compression of ['none', 'gzip'] as const) {
    const rows = [null, 'a', null].map(key => ({ key: key === null ? null : Buffer.from(key), value: null, timestampMs: T0 }))
    const error = objection(buildBatch(rows, { compression }), compacted)
    t.ok(error instanceof InvalidRecordsError)
    t.match(error, { code: 'INVALID_RECORD', records: [{ batchIndex: 0, batchIndexErrorMessage: /needs a key/ }, { batchIndex: 2 }] }, compression)
  }
  const garbage = resealed(bytes => bytes.fill(0, HEADER_BYTES), keyedBatch([['a', '1']], { compression: 'gzip' }))
  t.match(objection(garbage, compacted), { code: 'INVALID_RECORD', message: /cannot be read/ }, 'what nobody can read is the producer\'s fault')
  t.equal(objection(garbage), null, 'and is looked at nowhere else')
})
