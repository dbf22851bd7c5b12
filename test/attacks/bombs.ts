/** Batches of which a little would become very much. */
import { RecordBatch } from '../../protocol/batch.ts'
import { compressionCode, compressionOf, type Compression } from '../../protocol/compression.ts'
import { buildBatch } from '../../protocol/records.ts'

export const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const

/** A batch that claims `count` records, with anything in it, sealed. */
export function batchAround (codec: Compression['name'], count: number, plain: Buffer): RecordBatch {
  const bytes = Buffer.concat([buildBatch([{ key: null, value: null }]).bytes.subarray(0, 61), compressionOf(compressionCode(codec)).compress(plain)])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt16BE(compressionCode(codec), 21)
  bytes.writeInt32BE(count - 1, 23)
  bytes.writeInt32BE(count, 57)
  const batch = new RecordBatch(bytes)
  batch.seal()
  return batch
}

/** The smallest records that there are, one after the other. */
export function tiny (count: number): Buffer {
  const parts: number[] = []
  for (let i = 0; i < count; i++) {
    const delta: number[] = []
    for (let rest = i * 2; ; rest >>>= 7) {
      if (rest < 128) { delta.push(rest); break }
      delta.push((rest & 127) | 128)
    }
    parts.push((5 + delta.length) * 2, 0, 0, ...delta, 1, 1, 0)
  }
  return Buffer.from(parts)
}
