/**
 * Walks the records of a batch without making anything of them: where key and value begin and end, and the headers only
 * where somebody asks. What is read here is what `recordsIn` reads.
 */
import { BATCH_HEADER_BYTES, type RecordBatch } from '../../protocol/batch.ts'
import { compressionOf } from '../../protocol/compression.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { ProtocolError, Reader } from '../../protocol/reader.ts'
import { MAX_RECORDS } from '../../protocol/records.ts'

/** Clients that are told MESSAGE_TOO_LARGE send in parts; those that send no bombs never hear it. */
export const MAX_PLAIN_BYTES = 32 * 1024 * 1024

export class RecordCursor {
  /** All records, decompressed. */
  readonly bytes: Buffer
  readonly count: number
  /** Of the record that the cursor is on; -1 before the first. */
  index = -1
  /** -1 where there is no key. */
  keyStart = -1
  keyEnd = -1
  /** -1 where there is no value. */
  valueStart = -1
  valueEnd = -1
  headerCount = 0
  #headersStart = 0
  #end = 0
  readonly #reader: Reader

  /** Throws KafkaError where the batch cannot be decompressed, or is too much. */
  constructor (batch: RecordBatch) {
    const { recordCount, compression } = batch
    if (recordCount < 0 || (compression !== 0 && recordCount > MAX_RECORDS)) {
      throw new KafkaError('MESSAGE_TOO_LARGE', `A batch of ${recordCount} records is not looked into; the limit is ${MAX_RECORDS}.`)
    }
    this.count = recordCount
    this.bytes = compressionOf(compression).decompress(batch.bytes.subarray(BATCH_HEADER_BYTES), MAX_PLAIN_BYTES)
    this.#reader = new Reader(this.bytes)
  }

  /** Moves on to the next record; false behind the last. Throws ProtocolError. */
  next (): boolean {
    const reader = this.#reader
    if (this.index >= 0) {
      // Headers count to the record: they are read as far as its end, and no further.
      this.#skipHeaders(reader)
      if (reader.position !== this.#end) throw new ProtocolError(`record ${this.index} of ${this.count} is longer than its length`)
    }
    if (this.index + 1 >= this.count) {
      if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes after the last of ${this.count} records`)
      return false
    }
    this.index++
    const end = reader.varint() + reader.position
    if (end > reader.end || end < reader.position) throw new ProtocolError(`record ${this.index} of ${this.count} ends at ${end} of ${reader.end}`)
    this.#end = end
    reader.int8() // attributes, all unused
    reader.varlong() // timestamp delta
    reader.varint() // offset delta
    const keyBytes = reader.varint()
    this.keyStart = keyBytes < 0 ? -1 : reader.advance(keyBytes)
    this.keyEnd = reader.position
    const valueBytes = reader.varint()
    this.valueStart = valueBytes < 0 ? -1 : reader.advance(valueBytes)
    this.valueEnd = reader.position
    this.headerCount = reader.varint()
    if (this.headerCount < 0 || this.headerCount * 2 > reader.remaining) {
      throw new ProtocolError(`a record with ${this.headerCount} headers in ${reader.remaining} bytes`)
    }
    this.#headersStart = reader.position
    return true
  }

  /** The value of the last header of this name; undefined if there is none. Throws ProtocolError. */
  header (name: Buffer): Buffer | null | undefined {
    if (this.headerCount === 0) return undefined
    const reader = new Reader(this.bytes, this.#headersStart, this.#end)
    let found: Buffer | null | undefined
    for (let i = 0; i < this.headerCount; i++) {
      const length = headerKeyLength(reader)
      const at = reader.advance(length)
      const isIt = length === name.length && this.bytes.compare(name, 0, length, at, at + length) === 0
      const size = reader.varint()
      const value = size < 0 ? null : reader.slice(size)
      if (isIt) found = value
    }
    return found
  }

  #skipHeaders (reader: Reader): void {
    for (let i = 0; i < this.headerCount; i++) {
      reader.advance(headerKeyLength(reader))
      const size = reader.varint()
      if (size > 0) reader.advance(size)
    }
  }
}

function headerKeyLength (reader: Reader): number {
  const length = reader.varint()
  if (length < 0) throw new ProtocolError('a record header without a key')
  return length
}
