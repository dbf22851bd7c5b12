/**
 * Compaction: of all records with one key, the youngest stays. Works on sealed segments; the last one is never touched.
 *
 * First the keys of what has come since the last pass are read into a map of their last offsets, then the segments are
 * written anew without the records that the map overrules, small neighbours together, and replaced.
 *
 * A tombstone (a key with a null value) outlives what it deletes by `delete.retention.ms`, counted from the first pass
 * that met it and kept in its batch as the delete horizon (KIP-534).
 */
import { DELETE_HORIZON, type RecordBatch } from '../../protocol/batch.ts'
import { compressionOf } from '../../protocol/compression.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { buildBatch, recordsIn, type LogRecord } from '../../protocol/records.ts'
import { Contents } from './contents.ts'
import type { FileSystem } from './fs.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'
import type { Draft } from './segments.ts'
import { DRAFT } from './tidy.ts'

/** Keys that one pass takes into memory; the rest waits for the next. */
const MAX_KEY_BYTES = 64 * 1024 * 1024
const BYTES_PER_KEY = 64

export interface CompactionState {
  /** Where the last pass stopped: everything before it holds each key once. */
  cleanedTo: number
}

/** Compacts a log if enough of it is new. Returns how many bytes that saved. */
export async function compact (log: Log, fs: FileSystem, state: CompactionState, nowMs: number): Promise<number> {
  return log.failure === null ? await log.mending(() => pass(log, fs, state, nowMs)) : 0
}

async function pass (log: Log, fs: FileSystem, state: CompactionState, nowMs: number): Promise<number> {
  const { minCleanableDirtyRatio, minCompactionLagMs, segmentBytes } = log.config
  const cleanable: Segment[] = []
  for (const segment of log.segments.slice(0, -1)) {
    if (minCompactionLagMs > 0 && nowMs - (await segment.youngest()).timestampMs < minCompactionLagMs) break
    cleanable.push(segment)
  }
  const dirty = cleanable.filter(segment => segment.nextOffset > state.cleanedTo)
  if (dirty.length === 0 || sizeOf(dirty) / sizeOf(cleanable) < minCleanableDirtyRatio) return 0

  const keys = await readKeys(dirty, state.cleanedTo)
  let saved = 0
  for (const group of groupsOf(cleanable.filter(segment => segment.baseOffset < keys.upTo), segmentBytes)) {
    const draft = await rewrite(group, fs, { keys, nowMs, deleteRetentionMs: log.config.deleteRetentionMs })
    const before = sizeOf(group)
    if (!await log.replace(group, draft)) return saved
    saved += before - draft.contents.size
  }
  state.cleanedTo = keys.upTo
  return saved
}

/** What one pass goes by. */
interface Rules {
  readonly keys: Keys
  readonly nowMs: number
  readonly deleteRetentionMs: number
}

interface Keys {
  /** The last offset of every key. */
  readonly offsets: ReadonlyMap<string, number>
  /** Nothing is known of records from this offset on. */
  readonly upTo: number
}

const sizeOf = (segments: readonly Segment[]): number => segments.reduce((sum, segment) => sum + segment.size, 0)

const nameOf = (key: Buffer): string => key.toString('latin1')

async function readKeys (segments: readonly Segment[], from: number): Promise<Keys> {
  const offsets = new Map<string, number>()
  let bytes = 0
  for (const segment of segments) {
    for await (const batches of segment.batches(Math.max(from, segment.baseOffset))) {
      for (const batch of batches) {
        for (const { key, offset } of readable(batch) ?? []) {
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

/** Writes the segments of a group anew, as one. */
async function rewrite (group: readonly Segment[], fs: FileSystem, rules: Rules): Promise<Draft> {
  const { path, baseOffset, indexIntervalBytes } = group[0]!
  await fs.remove(path + DRAFT)
  const file = await fs.open(path + DRAFT, true)
  const contents = new Contents(baseOffset, indexIntervalBytes)
  try {
    let written = 0
    let pending: Buffer[] = []
    const flush = async (): Promise<void> => {
      if (pending.length > 0) await file.write(pending, written)
      written = contents.size
      pending = []
    }
    for (const segment of group) {
      for await (const batches of segment.batches()) {
        for (const batch of batches) {
          const kept = keep(batch, rules)
          if (kept === null) continue
          pending.push(kept.bytes)
          contents.note(kept)
        }
        if (contents.size - written > WRITE_BYTES) await flush()
      }
    }
    await flush()
    await file.sync()
    return { file, contents }
  } catch (error) {
    await file.close()
    await fs.remove(path + DRAFT)
    throw error
  }
}

/** What stays of a batch: itself, a smaller one, or nothing. Offsets never change. */
function keep (batch: RecordBatch, { keys, nowMs, deleteRetentionMs }: Rules): RecordBatch | null {
  const all = batch.baseOffset < keys.upTo ? readable(batch) : null
  if (all === null) return batch
  const horizonMs = (batch.attributes & DELETE_HORIZON) !== 0 ? batch.baseTimestamp : null
  const kept = all.filter(record => isWanted(record, keys.offsets, horizonMs, nowMs))
  const needsHorizon = horizonMs === null && kept.some(record => record.value === null)
  if (kept.length === 0) return null
  if (kept.length === all.length && !needsHorizon) return batch
  const { baseOffset, leaderEpoch, attributes, producerId, producerEpoch, baseSequence, lastOffsetDelta } = batch
  return buildBatch(kept.map(record => ({ ...record, offsetDelta: record.offset - baseOffset })), {
    baseOffset,
    leaderEpoch,
    compression: compressionOf(batch.compression).name,
    attributes: needsHorizon ? attributes | DELETE_HORIZON : attributes,
    producerId,
    producerEpoch,
    baseSequence,
    lastOffsetDelta,
    ...(needsHorizon ? { baseTimestampMs: nowMs + deleteRetentionMs } : horizonMs !== null ? { baseTimestampMs: horizonMs } : {})
  })
}

/** The records of a batch that can be judged by their keys. One that nobody can read stays as it is, as control batches do. */
function readable (batch: RecordBatch): LogRecord[] | null {
  if (batch.isControl) return null
  try {
    return [...recordsIn(batch)]
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof KafkaError) return null
    throw error
  }
}

function isWanted ({ key, value, offset }: LogRecord, offsets: Keys['offsets'], horizonMs: number | null, nowMs: number): boolean {
  if (key === null) return false
  if ((offsets.get(nameOf(key)) ?? -1) > offset) return false
  return value !== null || horizonMs === null || nowMs < horizonMs
}
