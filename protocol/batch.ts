/**
 * A record batch (magic 2, KIP-98) seen from outside: its 61-byte header, over the bytes as they came. Records stay
 * compressed and untouched; only base offset, leader epoch and, where a topic asks for it, the log append time are ever
 * written, and the first two lie outside the checksum.
 */
import { crc32c } from './crc32c.ts'
import { ProtocolError } from './reader.ts'

export const BATCH_HEADER_BYTES = 61

/** Where each header field begins. */
const at = {
  baseOffset: 0,
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57
} as const

/** What `batchLength` does not count: itself and the base offset. */
export const LOG_OVERHEAD_BYTES = 12

export const COMPRESSION_MASK = 0b111
export const LOG_APPEND_TIME = 0b1000
export const TRANSACTIONAL = 0b10000
export const CONTROL = 0b100000
/** KIP-534: the base timestamp is the time from which the tombstones in the batch may go. */
export const DELETE_HORIZON = 0b1000000

export const NO_PRODUCER_ID = -1

export class RecordBatch {
  /** Exactly this batch, header included. */
  readonly bytes: Buffer

  constructor (bytes: Buffer) {
    this.bytes = bytes
  }

  get sizeBytes (): number { return this.bytes.length }
  get baseOffset (): number { return readInt64(this.bytes, at.baseOffset) }
  get lastOffset (): number { return this.baseOffset + this.lastOffsetDelta }
  get nextOffset (): number { return this.baseOffset + this.lastOffsetDelta + 1 }
  get leaderEpoch (): number { return this.bytes.readInt32BE(at.leaderEpoch) }
  get magic (): number { return this.bytes.readInt8(at.magic) }
  get attributes (): number { return this.bytes.readInt16BE(at.attributes) }
  get compression (): number { return this.attributes & COMPRESSION_MASK }
  get isTransactional (): boolean { return (this.attributes & TRANSACTIONAL) !== 0 }
  get isControl (): boolean { return (this.attributes & CONTROL) !== 0 }
  get lastOffsetDelta (): number { return this.bytes.readInt32BE(at.lastOffsetDelta) }
  get baseTimestamp (): number { return readInt64(this.bytes, at.baseTimestamp) }
  get maxTimestamp (): number { return readInt64(this.bytes, at.maxTimestamp) }
  get producerId (): number { return readInt64(this.bytes, at.producerId) }
  get producerEpoch (): number { return this.bytes.readInt16BE(at.producerEpoch) }
  get baseSequence (): number { return this.bytes.readInt32BE(at.baseSequence) }
  /** The sequence number of the last record; sequences wrap from 2^31 - 1 to 0. -1 where there are none. */
  get lastSequence (): number { return this.baseSequence < 0 ? -1 : (this.baseSequence + this.lastOffsetDelta) % 0x80000000 }
  get recordCount (): number { return this.bytes.readInt32BE(at.recordCount) }
  get crc (): number { return this.bytes.readUInt32BE(at.crc) }

  get isSound (): boolean {
    return this.sizeBytes >= BATCH_HEADER_BYTES && this.magic === 2 && crc32c(this.bytes.subarray(at.attributes)) === this.crc
  }

  /** Gives the batch its place in the log. Neither field is under the checksum. */
  stamp (baseOffset: number, leaderEpoch: number): void {
    writeInt64(this.bytes, at.baseOffset, baseOffset)
    this.bytes.writeInt32BE(leaderEpoch, at.leaderEpoch)
  }

  /** Sets the time of every record to `timestampMs` (`message.timestamp.type=LogAppendTime`) and the checksum anew. */
  stampAppendTime (timestampMs: number): void {
    this.bytes.writeInt16BE(this.attributes | LOG_APPEND_TIME, at.attributes)
    writeInt64(this.bytes, at.maxTimestamp, timestampMs)
    this.seal()
  }

  /** Writes the checksum of what the batch holds now. */
  seal (): void {
    this.bytes.writeUInt32BE(crc32c(this.bytes.subarray(at.attributes)), at.crc)
  }
}

/** The fields of a new batch's header; `bytes` already has its final size. */
export interface BatchHeader {
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Writes a header before records that are in place already, and seals the batch. */
export function writeBatchHeader (bytes: Buffer, header: BatchHeader): RecordBatch {
  bytes.writeInt32BE(bytes.length - LOG_OVERHEAD_BYTES, at.batchLength)
  bytes.writeInt8(2, at.magic)
  bytes.writeInt16BE(header.attributes, at.attributes)
  bytes.writeInt32BE(header.lastOffsetDelta, at.lastOffsetDelta)
  writeInt64(bytes, at.baseTimestamp, header.baseTimestamp)
  writeInt64(bytes, at.maxTimestamp, header.maxTimestamp)
  writeInt64(bytes, at.producerId, header.producerId)
  bytes.writeInt16BE(header.producerEpoch, at.producerEpoch)
  bytes.writeInt32BE(header.baseSequence, at.baseSequence)
  bytes.writeInt32BE(header.recordCount, at.recordCount)
  const batch = new RecordBatch(bytes)
  batch.stamp(header.baseOffset, header.leaderEpoch)
  batch.seal()
  return batch
}

/** The size of the batch that begins at `position`, or -1 if not even its length is there. */
export function batchSizeAt (buffer: Buffer, position: number): number {
  return position + LOG_OVERHEAD_BYTES > buffer.length ? -1 : buffer.readInt32BE(position + at.batchLength) + LOG_OVERHEAD_BYTES
}

/** The offset after the last record of the batch that begins at `position`, whose header is known to be there. */
export function nextOffsetAt (buffer: Buffer, position: number): number {
  return readInt64(buffer, position) + buffer.readInt32BE(position + at.lastOffsetDelta) + 1
}

/**
 * The whole batches in `buffer`, in order. A batch that is cut off at the end is left out: a fetch may end in one. Throws
 * ProtocolError where the length of a batch is impossible.
 */
export function * batchesIn (buffer: Buffer): Generator<RecordBatch, void, void> {
  let position = 0
  while (position < buffer.length) {
    const size = batchSizeAt(buffer, position)
    if (size === -1 || position + size > buffer.length) return
    if (size < BATCH_HEADER_BYTES) throw new ProtocolError(`a record batch of ${size} bytes at ${position}`)
    yield new RecordBatch(buffer.subarray(position, position + size))
    position += size
  }
}

// Offsets and timestamps in stored batches were checked when they were appended: the plain arithmetic is exact for them.

function readInt64 (buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * 0x100000000 + buffer.readUInt32BE(position + 4)
}

function writeInt64 (buffer: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 0x100000000)
  buffer.writeInt32BE(high, position)
  buffer.writeUInt32BE(value - high * 0x100000000, position + 4)
}
