/**
 * Compaction: of all records with one key, the youngest stays. Works on sealed segments; the last one is never touched.
 *
 * First the keys of what has come since the last pass are read into a map of their last offsets, then the segments are
 * written anew without the records that the map overrules, small neighbours together. A new segment replaces the first
 * of its group in one rename; the others are removed afterwards. A crash in between leaves some batches in two files,
 * which is harmless: reading goes on in the second where it stopped in the first, and the next pass tidies up.
 *
 * A tombstone (a key with a null value) outlives what it deletes by `delete.retention.ms`, counted from the first pass
 * that met it and kept in its batch as the delete horizon (KIP-534).
 */
import { DELETE_HORIZON, type RecordBatch } from '../../protocol/batch.ts'
import { compressionOf } from '../../protocol/compression.ts'
import { buildBatch, recordsIn, type LogRecord } from '../../protocol/records.ts'
import { type FileSystem } from './fs.ts'
import { type Log } from './log.ts'
import { Segment } from './segment.ts'

/** Keys that one pass takes into memory; the rest waits for the next. */
const MAX_KEY_BYTES = 64 * 1024 * 1024
const BYTES_PER_KEY = 64

export interface CompactionState {
  /** Where the last pass stopped: everything before it holds each key once. */
  cleanedTo: number
}

/** Compacts a log if enough of it is new. Returns how many bytes that saved. */
export async function compact (log: Log, fs: FileSystem, state: CompactionState, nowMs: number): Promise<number> {
  const { minCleanableDirtyRatio, minCompactionLagMs, segmentBytes } = log.config
  const sealed = log.segments.slice(0, -1)
  const cleanable: Segment[] = []
  for (const segment of sealed) {
    if (nowMs - await segment.youngestTimestamp() < minCompactionLagMs) break
    cleanable.push(segment)
  }
  const dirty = cleanable.filter(segment => segment.nextOffset > state.cleanedTo)
  const total = sizeOf(cleanable)
  if (dirty.length === 0 || sizeOf(dirty) / total < minCleanableDirtyRatio) return 0

  const { offsets, upTo } = await readKeys(dirty, state.cleanedTo)
  let after = 0
  for (const group of groupsOf(cleanable.filter(segment => segment.baseOffset < upTo), segmentBytes)) {
    const compacted = await rewrite(group, fs, log, offsets, nowMs)
    after += compacted.size
    await log.replace(group, compacted)
  }
  state.cleanedTo = upTo
  return total - after
}

const sizeOf = (segments: readonly Segment[]): number => segments.reduce((sum, segment) => sum + segment.size, 0)

const nameOf = (key: Buffer): string => key.toString('latin1')

async function readKeys (segments: readonly Segment[], from: number): Promise<{ offsets: Map<string, number>, upTo: number }> {
  const offsets = new Map<string, number>()
  let bytes = 0
  for (const segment of segments) {
    for await (const batches of segment.batches(Math.max(from, segment.baseOffset))) {
      for (const batch of batches) {
        if (batch.isControl) continue
        for (const { key, offset } of recordsIn(batch)) {
          if (key === null) continue
          const name = nameOf(key)
          if (!offsets.has(name)) bytes += key.length + BYTES_PER_KEY
          offsets.set(name, offset)
        }
        if (bytes > MAX_KEY_BYTES) return { offsets, upTo: batch.nextOffset }
      }
    }
  }
  return { offsets, upTo: segments.at(-1)!.nextOffset }
}

/** Neighbours that fit one segment even if nothing is dropped. */
function groupsOf (segments: readonly Segment[], segmentBytes: number): Segment[][] {
  const groups: Segment[][] = []
  let room = 0
  for (const segment of segments) {
    const group = groups.at(-1)
    if (group !== undefined && segment.size <= room && segment.nextOffset - group[0]!.baseOffset <= 0x7fffffff) {
      group.push(segment)
      room -= segment.size
    } else {
      groups.push([segment])
      room = segmentBytes - segment.size
    }
  }
  return groups
}

const WRITE_BYTES = 1024 * 1024

async function rewrite (group: readonly Segment[], fs: FileSystem, log: Log, offsets: ReadonlyMap<string, number>, nowMs: number): Promise<Segment> {
  const { path, baseOffset } = group[0]!
  const draft = `${path}.cleaned`
  await fs.remove(draft)
  const file = await fs.open(draft, true)
  let pending: Buffer[] = []
  let pendingBytes = 0
  let written = 0
  const flush = async (): Promise<void> => {
    await file.write(pending, written)
    written += pendingBytes
    pending = []
    pendingBytes = 0
  }
  for (const segment of group) {
    for await (const batches of segment.batches()) {
      for (const batch of batches) {
        const kept = keep(batch, offsets, nowMs, log.config.deleteRetentionMs)
        if (kept === null) continue
        pending.push(kept.bytes)
        pendingBytes += kept.sizeBytes
      }
      if (pendingBytes > WRITE_BYTES) await flush()
    }
  }
  if (pendingBytes > 0) await flush()
  await file.sync()
  await file.close()
  await fs.rename(draft, path)
  await fs.syncDirectory(log.directory)
  const segment = await Segment.open(fs, log.directory, baseOffset, log.config.indexIntervalBytes)
  await segment.reindex()
  await segment.seal()
  segment.nextOffset = group.at(-1)!.nextOffset
  return segment
}

/** What stays of a batch: itself, a smaller one, or nothing. Offsets never change. */
function keep (batch: RecordBatch, offsets: ReadonlyMap<string, number>, nowMs: number, deleteRetentionMs: number): RecordBatch | null {
  if (batch.isControl) return batch
  const horizonMs = (batch.attributes & DELETE_HORIZON) !== 0 ? batch.baseTimestamp : null
  const all = [...recordsIn(batch)]
  const kept = all.filter(record => isWanted(record, offsets, horizonMs, nowMs))
  const needsHorizon = horizonMs === null && kept.some(record => record.value === null)
  if (kept.length === 0) return null
  if (kept.length === all.length && !needsHorizon) return batch
  const { baseOffset } = batch
  return buildBatch(kept.map(record => ({ ...record, offsetDelta: record.offset - baseOffset })), {
    baseOffset,
    leaderEpoch: batch.leaderEpoch,
    compression: compressionOf(batch.compression).name,
    attributes: needsHorizon ? batch.attributes | DELETE_HORIZON : batch.attributes,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    lastOffsetDelta: batch.lastOffsetDelta,
    ...(needsHorizon ? { baseTimestampMs: nowMs + deleteRetentionMs } : horizonMs !== null ? { baseTimestampMs: horizonMs } : {})
  })
}

function isWanted (record: LogRecord, offsets: ReadonlyMap<string, number>, horizonMs: number | null, nowMs: number): boolean {
  if (record.key === null) return false
  if ((offsets.get(nameOf(record.key)) ?? -1) > record.offset) return false
  return record.value !== null || horizonMs === null || nowMs < horizonMs
}
