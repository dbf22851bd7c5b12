/**
 * The records inside a batch: read lazily, built at once. Only what needs to look inside comes here (JSON, filters,
 * compaction, validation); appending and fetching never do.
 *
 * A record: length, attributes, timestamp delta, offset delta, key, value, headers; every integer a zigzag varint.
 */
import { BATCH_HEADER_BYTES, LOG_APPEND_TIME, NO_PRODUCER_ID, RecordBatch, writeBatchHeader } from './batch.ts'
import { MAX_DECOMPRESSED_BYTES, compressionCode, compressionOf, type Compression } from './compression.ts'
import { KafkaError } from './errors.ts'
import { ProtocolError, Reader } from './reader.ts'

export interface Header {
  readonly key: string
  readonly value: Buffer | null
}

/** A record in the log. Key, value and header values are views: copy them before keeping them past the batch. */
export interface LogRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

/** A record on its way into a batch. */
export interface NewRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: readonly Header[]
  readonly timestampMs?: number
  /** Distance from the batch's base offset; its position in the batch unless compaction left a gap. */
  readonly offsetDelta?: number
}

/**
 * Records of one batch that are looked at. Compression makes millions of empty ones out of a few kilobytes, within any limit
 * on bytes; clients put thousands into a batch.
 */
export const MAX_RECORDS = 1_000_000

/** Reads the records of a batch one by one. Throws ProtocolError, or KafkaError if its compression is not sound or it holds too much. */
export function * recordsIn (batch: RecordBatch, limitBytes = MAX_DECOMPRESSED_BYTES): Generator<LogRecord, void, void> {
  const { baseOffset, baseTimestamp, recordCount } = batch
  const appendTimeMs = (batch.attributes & LOG_APPEND_TIME) !== 0 ? batch.maxTimestamp : null
  if (batch.compression !== 0 && recordCount > MAX_RECORDS) {
    throw new KafkaError('MESSAGE_TOO_LARGE', `A batch of ${recordCount} records is not looked into; the limit is ${MAX_RECORDS}.`)
  }
  const plain = compressionOf(batch.compression).decompress(batch.bytes.subarray(BATCH_HEADER_BYTES), limitBytes)
  const reader = new Reader(plain)
  for (let i = 0; i < recordCount; i++) {
    const end = reader.varint() + reader.position
    if (end > reader.end || end < reader.position) throw new ProtocolError(`record ${i} of ${recordCount} ends at ${end} of ${reader.end}`)
    reader.int8() // attributes, all unused
    const timestampMs = appendTimeMs ?? baseTimestamp + reader.varlong()
    if (appendTimeMs !== null) reader.varlong()
    const offset = baseOffset + reader.varint()
    const key = readBytes(reader)
    const value = readBytes(reader)
    const headers = readHeaders(reader)
    if (reader.position !== end) throw new ProtocolError(`record ${i} of ${recordCount} is longer than its length`)
    yield { offset, timestampMs, key, value, headers }
  }
  if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes after the last of ${recordCount} records`)
}

function readBytes (reader: Reader): Buffer | null {
  const length = reader.varint()
  return length < 0 ? null : reader.slice(length)
}

const noHeaders: readonly Header[] = []

function readHeaders (reader: Reader): readonly Header[] {
  const count = reader.varint()
  if (count === 0) return noHeaders
  // Against the bytes left, and not by `checkCount`: its limit is for frames, which are read at once; batches are read record by record.
  if (count < 0 || count * 2 > reader.remaining) throw new ProtocolError(`a record with ${count} headers in ${reader.remaining} bytes`)
  const headers: Header[] = []
  for (let i = 0; i < count; i++) {
    const length = reader.varint()
    if (length < 0) throw new ProtocolError('a record header without a key')
    headers.push({ key: reader.text(length), value: readBytes(reader) })
  }
  return headers
}

/**
 * How many records an uncompressed batch holds, stepping from length to length without reading them; -1 if the lengths
 * do not add up to the batch.
 */
export function countRecords (batch: RecordBatch): number {
  const reader = new Reader(batch.bytes, BATCH_HEADER_BYTES)
  let count = 0
  while (reader.remaining > 0) {
    const length = reader.varint()
    if (length <= 0 || length > reader.remaining) return -1
    reader.advance(length)
    count++
  }
  return count
}

// ---- building

export interface BatchOptions {
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  readonly compression?: Compression['name']
  readonly attributes?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  /** Timestamp of records that bring none, in ms since the epoch. */
  readonly nowMs?: number
  /** What timestamps are counted from; the first record's unless the batch carries a delete horizon there (KIP-534). */
  readonly baseTimestampMs?: number
  /** When compaction has removed the last records of a batch, the delta that the batch must keep. */
  readonly lastOffsetDelta?: number
}

/**
 * Builds one batch. `records` must not be empty unless `lastOffsetDelta` says what the batch stands for. Throws KafkaError
 * INVALID_TIMESTAMP where the distance between two timestamps is not a safe integer.
 */
export function buildBatch (records: readonly NewRecord[], options: BatchOptions = {}): RecordBatch {
  const nowMs = options.nowMs ?? Date.now()
  const baseTimestamp = options.baseTimestampMs ?? records[0]?.timestampMs ?? nowMs
  let maxTimestamp = records.length > 0 ? -1 : baseTimestamp
  let size = 0
  const sizes: number[] = []
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    const timestampMs = record.timestampMs ?? nowMs
    maxTimestamp = Math.max(maxTimestamp, timestampMs)
    const timestampDelta = timestampMs - baseTimestamp
    if (!Number.isSafeInteger(timestampDelta)) {
      throw new KafkaError('INVALID_TIMESTAMP', `The timestamp ${timestampMs} is too far from that of the batch, ${baseTimestamp}.`)
    }
    const body = bodySize(record, timestampDelta, record.offsetDelta ?? i)
    sizes.push(body)
    size += varlongSize(body) + body
  }

  const code = compressionCode(options.compression ?? 'none')
  const bytes = Buffer.allocUnsafe(BATCH_HEADER_BYTES + size)
  let position = BATCH_HEADER_BYTES
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    position = writeRecord(bytes, position, record, sizes[i]!, (record.timestampMs ?? nowMs) - baseTimestamp, record.offsetDelta ?? i)
  }
  const whole = code === 0 ? bytes : compressed(bytes, code)
  return writeBatchHeader(whole, {
    baseOffset: options.baseOffset ?? 0,
    leaderEpoch: options.leaderEpoch ?? -1,
    attributes: (options.attributes ?? 0) | code,
    lastOffsetDelta: options.lastOffsetDelta ?? records.at(-1)?.offsetDelta ?? records.length - 1,
    baseTimestamp,
    maxTimestamp,
    producerId: options.producerId ?? NO_PRODUCER_ID,
    producerEpoch: options.producerEpoch ?? -1,
    baseSequence: options.baseSequence ?? -1,
    recordCount: records.length
  })
}

function compressed (plain: Buffer, code: number): Buffer {
  const body = compressionOf(code).compress(plain.subarray(BATCH_HEADER_BYTES))
  return Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), body])
}

function bodySize (record: NewRecord, timestampDelta: number, offsetDelta: number): number {
  let size = 1 + varlongSize(timestampDelta) + varlongSize(offsetDelta) + bytesSize(record.key) + bytesSize(record.value)
  const headers = record.headers ?? noHeaders
  size += varlongSize(headers.length)
  for (const { key, value } of headers) {
    const keyBytes = Buffer.byteLength(key)
    size += varlongSize(keyBytes) + keyBytes + bytesSize(value)
  }
  return size
}

function bytesSize (bytes: Buffer | null): number {
  return bytes === null ? 1 : varlongSize(bytes.length) + bytes.length
}

function writeRecord (into: Buffer, at: number, record: NewRecord, size: number, timestampDelta: number, offsetDelta: number): number {
  at = writeVarlong(into, size, at)
  into[at++] = 0
  at = writeVarlong(into, timestampDelta, at)
  at = writeVarlong(into, offsetDelta, at)
  at = writeBytes(into, record.key, at)
  at = writeBytes(into, record.value, at)
  const headers = record.headers ?? noHeaders
  at = writeVarlong(into, headers.length, at)
  for (const { key, value } of headers) {
    at = writeVarlong(into, Buffer.byteLength(key), at)
    at += into.write(key, at)
    at = writeBytes(into, value, at)
  }
  return at
}

function writeBytes (into: Buffer, bytes: Buffer | null, at: number): number {
  if (bytes === null) return writeVarlong(into, -1, at)
  at = writeVarlong(into, bytes.length, at)
  bytes.copy(into, at)
  return at + bytes.length
}

// Zigzag varints without the 32-bit limit of JavaScript's shifts. The sign is the lowest bit of the first byte; it is added
// there and not before, because with it a safe integer would need 54 bits.

const magnitude = (value: number): number => value >= 0 ? value : -value - 1

function varlongSize (value: number): number {
  if (value >= 0 && value < 64) return 1
  let size = 1
  for (let rest = Math.floor(magnitude(value) / 64); rest > 0; rest = Math.floor(rest / 128)) size++
  return size
}

function writeVarlong (into: Buffer, value: number, at: number): number {
  if (value >= 0 && value < 64) {
    into[at] = value * 2
    return at + 1
  }
  const whole = magnitude(value)
  let byte = (whole % 64) * 2 + (value < 0 ? 1 : 0)
  for (let rest = Math.floor(whole / 64); rest > 0; rest = Math.floor(rest / 128)) {
    into[at++] = byte | 0x80
    byte = rest % 128
  }
  into[at++] = byte
  return at
}
