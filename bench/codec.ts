/**
 * What do reading and writing messages cost, compared with the least that could be done: copying the same bytes?
 *
 *   node bench/codec.ts
 */
import { requestCodec, responseCodec } from '../protocol/compile.ts'
import { Fetch } from '../protocol/messages/01-fetch.ts'
import { Metadata } from '../protocol/messages/03-metadata.ts'
import { Produce } from '../protocol/messages/00-produce.ts'
import { Reader } from '../protocol/reader.ts'
import { buildBatch, recordsIn } from '../protocol/records.ts'
import { Writer } from '../protocol/writer.ts'
import { median, printTable } from './support/figures.ts'

const ROUNDS = 7
const ROUND_MS = 120

/** Microseconds a call takes: the median of several rounds. */
function time (work: () => unknown): number {
  const rounds: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now()
    let calls = 0
    while (performance.now() - start < ROUND_MS) {
      for (let k = 0; k < 50; k++) work()
      calls += 50
    }
    rounds.push((performance.now() - start) * 1000 / calls)
  }
  return median(rounds)
}

const record = { key: Buffer.from('key'), value: Buffer.alloc(100, 'v') }
const batch = buildBatch(Array.from({ length: 150 }, () => record))

const produced = {
  acks: -1,
  timeoutMs: 30_000,
  topicData: [{ name: 'topic', partitionData: Array.from({ length: 6 }, (_, index) => ({ index, records: [batch.bytes] })) }]
}
const fetched = {
  sessionId: 0,
  responses: [{
    topic: 'topic',
    partitions: Array.from({ length: 6 }, (_, partitionIndex) => ({
      partitionIndex, errorCode: 0, highWatermark: 1000, logStartOffset: 0, abortedTransactions: null, records: [batch.bytes]
    }))
  }]
}
const described = {
  brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }],
  topics: Array.from({ length: 50 }, (_, i) => ({
    errorCode: 0,
    name: `topic-${i}`,
    partitions: Array.from({ length: 6 }, (_, partitionIndex) => ({ errorCode: 0, partitionIndex, leaderId: 1, replicaNodes: [1], isrNodes: [1] }))
  }))
}

const codecs = [
  ['Produce v9, 6 batches of 150 records', requestCodec(Produce, 9), produced],
  ['Fetch v12 answer, 6 batches of 150 records', responseCodec(Fetch, 12), fetched],
  ['Metadata v12 answer, 300 partitions', responseCodec(Metadata, 12), described]
] as const

const rows: (string | number)[][] = [['', 'bytes', 'copy µs', 'read µs', 'write µs', 'read/copy', 'write/copy']]
for (const [name, codec, value] of codecs) {
  const { write, read } = codec as { write: (writer: Writer, value: unknown) => void, read: (reader: Reader) => unknown }
  const encode = (): Buffer[] => {
    const writer = new Writer()
    write(writer, value)
    return writer.finish()
  }
  const bytes = Buffer.concat(encode())
  const copy = time(() => Buffer.from(bytes))
  const reading = time(() => read(new Reader(bytes)))
  const writing = time(encode)
  rows.push([name, String(bytes.length), copy, reading, writing, reading / copy, writing / copy])
}
printTable(rows)

const copy = time(() => Buffer.from(batch.bytes))
const check = time(() => batch.isSound)
const build = time(() => buildBatch(Array.from({ length: 150 }, () => record)))
const walk = time(() => { for (const one of recordsIn(batch)) if (one.offset < 0) throw new Error() })
console.log()
printTable([
  [`a batch of 150 records, ${batch.sizeBytes} bytes`, 'µs', 'of a copy'],
  ['copy', copy, 1],
  ['checksum', check, check / copy],
  ['build', build, build / copy],
  ['read every record', walk, walk / copy]
])
