/**
 * Snapshots of a partition's producers, so that a start need not read the whole log for them: `<offset>.snapshot` holds
 * what was known of everything before that offset. Written when a segment is rolled and at a clean stop, behind a
 * checksum; one that is damaged is passed over for the one before it.
 */
import { join } from 'node:path'
import { crc32c } from '../../protocol/crc32c.ts'
import { readPayload, writePayload } from '../../protocol/payload.ts'
import { array, int16, int32, int64, payload } from '../../protocol/schema.ts'
import type { FileSystem } from '../log/fs.ts'
import { Producers } from './producers.ts'

const ProducerSnapshot = payload('ProducerSnapshot', { versions: [0, 0], flexible: 0 }, {
  producers: array({
    producerId: int64,
    epoch: int16,
    usedAtMs: int64,
    batches: array({ firstSequence: int32, lastSequence: int32, baseOffset: int64, lastOffset: int64, timestampMs: int64 })
  })
})

const CHECKSUM_BYTES = 4
/** The newest and the one before it. */
const KEPT = 2

export async function writeSnapshot (fs: FileSystem, directory: string, offset: number, producers: Producers): Promise<void> {
  const rows = producers.snapshot(offset)
  const body = writePayload(ProducerSnapshot, 0, { producers: rows })
  const checksum = Buffer.alloc(CHECKSUM_BYTES)
  checksum.writeUInt32BE(crc32c(body))
  await fs.replaceFile(join(directory, nameOf(offset)), Buffer.concat([checksum, body]))
  for (const old of (await offsetsIn(fs, directory)).slice(KEPT)) await fs.remove(join(directory, nameOf(old)))
}

/**
 * The newest snapshot that is sound, and the offset from which the log has to be read. One beyond `endOffset` tells of
 * records that a crash has taken: it is removed, lest it be believed once the log has grown past it again.
 */
export async function readSnapshot (fs: FileSystem, directory: string, endOffset: number): Promise<{ producers: Producers, offset: number } | null> {
  for (const offset of await offsetsIn(fs, directory)) {
    const path = join(directory, nameOf(offset))
    if (offset > endOffset) {
      await fs.remove(path)
      continue
    }
    const bytes = await fs.readFile(path)
    const body = bytes.subarray(CHECKSUM_BYTES)
    if (bytes.length < CHECKSUM_BYTES || bytes.readUInt32BE() !== crc32c(body)) continue
    return { producers: Producers.restore(readPayload(ProducerSnapshot, body).producers), offset }
  }
  return null
}

const nameOf = (offset: number): string => `${String(offset).padStart(20, '0')}.snapshot`

/** Newest first. */
async function offsetsIn (fs: FileSystem, directory: string): Promise<number[]> {
  const names = (await fs.list(directory)).filter(name => /^\d{20}\.snapshot$/.test(name))
  return names.map(name => Number(name.slice(0, 20))).sort((a, b) => b - a)
}
