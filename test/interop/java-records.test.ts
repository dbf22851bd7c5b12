/** Record batches that we build, read by Kafka's own code. */
import t from 'tap'
import { buildBatch, type NewRecord } from '../../protocol/records.ts'
import { javaProgram } from './support/java.ts'
import { linesOf } from './support/lines.ts'

const READER = new URL('support/ReadBatches.java', import.meta.url).pathname

const text = 'a messenger who walks between the castle and everyone outside it; '
const headers = [{ key: 'Grüße', value: Buffer.from([0, 255]) }, { key: 'none', value: null }]
const records: readonly NewRecord[] = [
  { key: Buffer.from('k'), value: Buffer.from('first'), timestampMs: 1700000000000, headers },
  { key: null, value: null, timestampMs: 1600000000000 },
  { key: Buffer.alloc(0), value: Buffer.from(text.repeat(4000)), timestampMs: 1900000000000 },
  { key: null, value: Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)), timestampMs: 0, offsetDelta: 1000 }
]

const base64 = (bytes: Buffer | null): string | null => bytes === null ? null : bytes.toString('base64')

t.test('every codec, with the offsets, times, sequences and headers that we gave', async t => {
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
  const batches = codecs.map(compression => buildBatch(records, { compression, baseOffset: 5_000_000_000, producerId: 9, producerEpoch: 1, baseSequence: 3 }))
  const rows = linesOf(await javaProgram(READER, [], { input: batches.map(batch => batch.bytes.toString('hex')).join('\n') }))
  t.strictSame(rows.map(row => JSON.parse(row) as unknown), codecs.flatMap(codec => records.map(({ key, value, timestampMs, headers, offsetDelta }, i) => ({
    codec,
    offset: 5_000_000_000 + (offsetDelta ?? i),
    timestampMs,
    sequence: 3 + (offsetDelta ?? i),
    key: base64(key),
    value: base64(value),
    ...headers && { headers: headers.map(header => ({ key: header.key, value: base64(header.value) })) }
  }))))
})
