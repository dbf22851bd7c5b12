/**
 * Produce: what is appended, what is refused and how that is told.
 */
import type { Test } from 'tap'
import { CONTROL, LOG_APPEND_TIME, RecordBatch } from '../../../protocol/batch.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { buildBatch, recordsIn, type BatchOptions, type NewRecord } from '../../../protocol/records.ts'
import { Client, EARLIEST, LATEST, TOPIC_IDS_SINCE, batchOf, batchesOf, byNameOrId, eventually, nameOf, type Engine, type TopicRef } from './kit.ts'

const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const HOUR_MS = 3_600_000
/** Where a header field begins. */
const AT = { batchLength: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, recordCount: 57 } as const
const ZSTD_SINCE = 7
const RECORD_ERRORS_SINCE = 8

export function produceSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  t.test('offsets begin at 0 and follow on each other, batch by batch', async t => {
    const topic = await client.topic()
    t.equal(await client.append(topic, ['a', 'b', 'c']), 0)
    t.equal(await client.append(topic, ['d']), 3)
    t.equal(await client.append(topic, ['e', 'f']), 4)
    t.equal(await client.offset(topic, LATEST), 6)
    t.strictSame(await client.values(topic), ['a', 'b', 'c', 'd', 'e', 'f'])
  })

  t.test('what is fetched is what was produced, byte for byte, but for its offset and leader epoch', async t => {
    const topic = await client.topic()
    const headers = [{ key: 'trace', value: Buffer.from([0, 255]) }, { key: 'none', value: null }]
    for (const [i, compression] of compressions.entries()) {
      const records = Array.from({ length: 50 }, (_, k) => ({ key: Buffer.from(`k${k}`), value: Buffer.from(`value ${k} `.repeat(20)), headers }))
      const sent = buildBatch(records, { compression })
      t.equal((await client.produce(topic, sent)).baseOffset, i * 50)
      const [got] = batchesOf(await client.fetch(topic, i * 50))
      t.equal(got!.baseOffset, i * 50)
      sent.stamp(got!.baseOffset, got!.leaderEpoch)
      t.strictSame(got!.bytes, sent.bytes, compression)
    }
  })

  t.test('every version appends', async t => {
    const topic = await client.topic()
    for (const [i, version] of client.versions(Produce).entries()) {
      const { errorCode, baseOffset } = await client.produce(topic, batchOf([`v${version}`]), { version })
      t.strictSame([nameOf(errorCode), baseOffset], ['NONE', i], `v${version}`)
    }
  })

  t.test('with acks 0 and 1 records are appended too', async t => {
    const topic = await client.topic()
    t.equal((await client.produce(topic, batchOf(['one']), { acks: 1 })).baseOffset, 0)
    await client.send(topic, batchOf(['zero']), { acks: 0 })
    await eventually(async () => await client.offset(topic, LATEST) === 2 ? true : null)
    t.strictSame(await client.values(topic), ['one', 'zero'])
  })

  t.test('a batch of a megabyte and one of many small records come back whole', async t => {
    const topic = await client.topic(1, { 'max.message.bytes': '8000000' })
    const large = Buffer.alloc(7_000_000, 'x')
    await client.append(topic, [{ key: null, value: large }])
    await client.append(topic, Array.from({ length: 20_000 }, (_, i) => String(i)))
    const [first, second] = batchesOf(await client.fetch(topic, 0))
    t.ok([...recordsIn(first!)][0]!.value!.equals(large))
    t.equal(second!.recordCount, 20_000)
  })

  const refusals: [sentence: string, batch: () => RecordBatch | Buffer, error: string, configs?: Record<string, string>][] = [
    ['a batch that does not match its checksum', () => altered(bytes => { bytes[bytes.length - 1]! ^= 1 }), 'CORRUPT_MESSAGE'],
    ['an old message format', () => altered(bytes => { bytes[AT.magic] = 1 }), 'INVALID_RECORD'],
    ['a pair of batches for one partition', () => Buffer.concat([batchOf(['a']).bytes, batchOf(['b']).bytes]), 'INVALID_RECORD'],
    ['no batch', () => Buffer.alloc(0), 'INVALID_RECORD'],
    ['a control batch', () => batchOf(['a'], { attributes: CONTROL }), 'INVALID_RECORD'],
    ['a count that is not that of its offsets', () => resealed(batch => batch.bytes.writeInt32BE(7, AT.lastOffsetDelta)), 'INVALID_RECORD'],
    ['no records at all', () => resealed(batch => {
      batch.bytes.writeInt32BE(0, AT.recordCount)
      batch.bytes.writeInt32BE(-1, AT.lastOffsetDelta)
    }), 'INVALID_RECORD'],
    ['a base offset other than 0', () => batchOf(['a'], { baseOffset: 5 }), 'INVALID_RECORD'],
    ['a producer without sequence numbers', () => batchOf(['a'], { producerId: 1, producerEpoch: 0, baseSequence: -1 }), 'INVALID_RECORD'],
    ['a batch that is larger than a segment', () => batchOf(['x'.repeat(1_100_000)]), 'RECORD_LIST_TOO_LARGE', {
      'segment.bytes': '1048576', 'max.message.bytes': '3000000'
    }],
    ['a time of the log\'s own, set by a producer,', () => batchOf(['a'], { attributes: LOG_APPEND_TIME }), 'INVALID_TIMESTAMP', {
      'message.timestamp.type': 'LogAppendTime'
    }],
    ['a batch that is too large', () => batchOf(['x'.repeat(2_000_000)]), 'MESSAGE_TOO_LARGE']
  ]
  for (const [sentence, batch, error, configs] of refusals) {
    t.test(`${sentence} is refused, and nothing is appended`, async t => {
      const topic = await client.topic(1, configs)
      const { errorCode, baseOffset } = await client.produce(topic, batch())
      t.strictSame([nameOf(errorCode), baseOffset], [error, -1])
      t.equal(await client.append(topic, ['next']), 0)
    })
  }

  t.test('what claims more records than it holds is refused', async t => {
    const topic = await client.topic()
    const batch = resealed(batch => {
      batch.bytes.writeInt32BE(3, AT.recordCount)
      batch.bytes.writeInt32BE(2, AT.lastOffsetDelta)
    })
    t.not(nameOf((await client.produce(topic, batch)).errorCode), 'NONE')
    t.equal(await client.offset(topic, LATEST), 0)
  })

  t.test('a compression that does not exist is refused', async t => {
    const topic = await client.topic()
    const batch = resealed(batch => batch.bytes.writeInt16BE(6, AT.attributes))
    t.not(nameOf((await client.produce(topic, batch)).errorCode), 'NONE')
    t.equal(await client.offset(topic, LATEST), 0)
  })

  t.test('zstd is refused below v7 (KIP-110)', async t => {
    const topic = await client.topic()
    const { errorCode } = await client.produce(topic, batchOf(['a'], { compression: 'zstd' }), { version: ZSTD_SINCE - 1 })
    t.equal(nameOf(errorCode), 'UNSUPPORTED_COMPRESSION_TYPE')
  })

  t.test('acks other than -1, 0 and 1 are refused', async t => {
    const topic = await client.topic()
    t.equal(nameOf((await client.produce(topic, batchOf(['a']), { acks: 2 })).errorCode), 'INVALID_REQUIRED_ACKS')
    t.equal(await client.offset(topic, LATEST), 0)
  })

  t.test('a compacted topic takes no record without a key, and says which ones had none (KIP-467)', async t => {
    const topic = await client.topic(1, { 'cleanup.policy': 'compact' })
    const key = Buffer.from('k')
    for (const compression of ['none', 'gzip'] as const) {
      const batch = buildBatch([{ key, value: null }, { key: null, value: key }, { key, value: key }, { key: null, value: null }], { compression })
      const refused = await client.produce(topic, batch)
      t.equal(nameOf(refused.errorCode), 'INVALID_RECORD', compression)
      t.strictSame(refused.recordErrors.map(({ batchIndex }) => batchIndex), [1, 3])
      t.strictSame((await client.produce(topic, batch, { version: RECORD_ERRORS_SINCE - 1 })).errorCode, refused.errorCode)
    }
    t.equal(await client.append(topic, [{ key, value: null }]), 0)
  })

  t.test('a time too far ahead of the server\'s, or where the topic says so behind it, is refused', async t => {
    const nowMs = Date.now()
    const at = (timestampMs: number): NewRecord => ({ key: null, value: Buffer.from('x'), timestampMs })
    const topic = await client.topic(1, { 'message.timestamp.before.max.ms': String(HOUR_MS) })
    for (const timestampMs of [nowMs + 2 * HOUR_MS, nowMs - 2 * HOUR_MS]) {
      const { errorCode, recordErrors } = await client.produce(topic, buildBatch([at(nowMs), at(timestampMs)]))
      t.strictSame([nameOf(errorCode), recordErrors.map(({ batchIndex }) => batchIndex)], ['INVALID_TIMESTAMP', [1]])
    }
    t.equal(await client.append(topic, [at(nowMs), at(nowMs - HOUR_MS / 2), at(-1)]), 0)
  })

  t.test('a topic of LogAppendTime gives records its own time, and tells it', async t => {
    const topic = await client.topic(1, { 'message.timestamp.type': 'LogAppendTime' })
    const before = Date.now()
    const { logAppendTimeMs } = await client.produce(topic, [{ key: null, value: null, timestampMs: 17 }, { key: null, value: null, timestampMs: 18 }])
    t.ok(logAppendTimeMs >= before - 1000 && logAppendTimeMs <= Date.now() + 1000, String(logAppendTimeMs))
    const [batch] = batchesOf(await client.fetch(topic, 0))
    t.equal(batch!.attributes & LOG_APPEND_TIME, LOG_APPEND_TIME)
    t.ok(batch!.isSound)
    t.strictSame(Array.from(recordsIn(batch!), ({ timestampMs }) => timestampMs), [logAppendTimeMs, logAppendTimeMs])
  })

  t.test('in other topics records keep the time of their producer', async t => {
    const topic = await client.topic()
    const { logAppendTimeMs } = await client.produce(topic, [{ key: null, value: null, timestampMs: 1_600_000_000_000 }])
    t.equal(logAppendTimeMs, -1)
    t.equal([...recordsIn(batchesOf(await client.fetch(topic, 0))[0]!)][0]!.timestampMs, 1_600_000_000_000)
  })

  t.test('a partition that is not there is refused, and does not hold up the others', async t => {
    const topic = await client.topic(2)
    for (const version of [TOPIC_IDS_SINCE - 1, TOPIC_IDS_SINCE].filter(version => client.supports(Produce, version))) {
      const gone: TopicRef = { name: `${topic.name}-gone`, id: Buffer.alloc(16, 7).toString('base64url') }
      const chunks = (): Buffer[] => [batchOf(['x']).bytes]
      const { responses } = await client.call(Produce, {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [
          { ...byNameOrId(gone, version), partitionData: [{ index: 0, records: chunks() }] },
          { ...byNameOrId(topic, version), partitionData: [{ index: 0, records: chunks() }, { index: 9, records: chunks() }, { index: 1, records: chunks() }] }
        ]
      }, { version })
      const results = responses.flatMap(({ partitionResponses }) => partitionResponses).map(({ index, errorCode }) => `${index} ${nameOf(errorCode)}`)
      const unknown = version < TOPIC_IDS_SINCE ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'UNKNOWN_TOPIC_ID'
      t.strictSame(results.sort(), [`0 ${unknown}`, '0 NONE', '1 NONE', '9 UNKNOWN_TOPIC_OR_PARTITION'].sort(), `v${version}`)
    }
  })

  t.test('the start of the log is told with every append', async t => {
    const topic = await client.topic()
    t.equal((await client.produce(topic, batchOf(['a']))).logStartOffset, await client.offset(topic, EARLIEST))
  })
}

/** A batch whose bytes were changed and whose checksum was not. */
function altered (change: (bytes: Buffer) => void): Buffer {
  const { bytes } = batchOf(['a'])
  change(bytes)
  return bytes
}

/** A batch that says something wrong under a checksum that is right. */
function resealed (change: (batch: RecordBatch) => void, options: BatchOptions = {}): RecordBatch {
  const batch = batchOf(['a'], options)
  change(batch)
  batch.seal()
  return batch
}
