/**
 * What one Fetch brought, as JSON: made once, and shared by all who read it.
 */
import { batchesIn } from '../../protocol/batch.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { recordsIn } from '../../protocol/records.ts'
import type { Chunks } from '../../protocol/schema.ts'
import { recordJson, type Decode } from './json.ts'

/** Consecutive records of one partition, as JSON. Immutable and shared between readers. */
export interface Block {
  /** The offset that was asked for; the first record may lie behind it where compaction left a gap. */
  readonly from: number
  /** The offset after the last record, where the next block begins. */
  readonly next: number
  readonly offsets: readonly number[]
  /** One line of JSON for each offset. */
  readonly lines: readonly string[]
  /** Where doors keep the frames they have encoded from the whole block, by sub-protocol. */
  readonly frames: Map<string, Buffer>
}

/** JSON that is made at once: a few kilobytes of a compressed batch can hold any amount of it. Readers come back for the rest. */
const MAX_BLOCK_BYTES = 4 * 1024 * 1024

/** The records from offset `from` on in what a Fetch brought, or the first of them. */
export function render (topic: string, partition: number, from: number, chunks: Chunks, decode: Decode | null = null): Block {
  const topicJson = JSON.stringify(topic)
  const offsets: number[] = []
  const lines: string[] = []
  let next = from
  let bytes = 0
  for (const chunk of chunks) {
    for (const batch of batchesIn(chunk)) {
      next = Math.max(next, batch.nextOffset)
      if (batch.isControl) continue
      let last = offsets.at(-1) ?? -1
      try {
        for (const record of recordsIn(batch)) {
          const { offset } = record
          if (offset < from) continue
          if (offset <= last || offset >= batch.nextOffset) throw new ProtocolError(`offset ${offset} is out of order`)
          if (bytes >= MAX_BLOCK_BYTES) return { from, next: offset, offsets, lines, frames: new Map() }
          const line = recordJson(topicJson, partition, record, topic, decode)
          bytes += line.length
          last = offset
          offsets.push(offset)
          lines.push(line)
        }
      } catch (error) {
        // One batch that cannot be read is shown as such; the readers move on behind it.
        const offset = Math.max(from, last + 1, batch.baseOffset)
        // All that it was to hold has been shown: what is wrong stands behind its records.
        if (offset >= batch.nextOffset) continue
        offsets.push(offset)
        lines.push(unreadableJson(topicJson, partition, offset, batch.nextOffset, error as Error))
      }
    }
  }
  return { from, next, offsets, lines, frames: new Map() }
}

function unreadableJson (topicJson: string, partition: number, offset: number, next: number, error: Error): string {
  const code = error instanceof KafkaError ? error.code : 'CORRUPT_MESSAGE'
  return `{"topic":${topicJson},"partition":${partition},"offset":${offset},"error":{"code":"${code}",` +
    `"message":${JSON.stringify(`The records from here to offset ${next - 1} cannot be read: ${error.message}`)}}}`
}

export const emptyBlock = (offset: number): Block => ({ from: offset, next: offset, offsets: [], lines: [], frames: new Map() })

/** Roughly what a block holds; strings of one-byte characters take one byte each. */
export function sizeOf (block: Block): number {
  let size = 256
  for (const line of block.lines) size += line.length + 32
  return size
}
