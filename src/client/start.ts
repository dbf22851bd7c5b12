/**
 * Where a reader begins: `earliest`, `latest`, an ISO time, or a cursor from an earlier read. Turned into one offset per
 * partition with ListOffsets.
 */
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts'
import { newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { decodeCursor, type Cursor } from './cursor.ts'
import { failure } from './failures.ts'

export type Start =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'time', readonly timestampMs: number }
  | { readonly kind: 'cursor', readonly cursor: Cursor }

/** ListOffsets' names for the two ends of a log. */
export const LATEST = -1
export const EARLIEST = -2

/** Reads `?from=` and its kin. Throws TypeError with a sentence for the caller. */
export function parseStart (text: string): Start {
  if (text === 'earliest' || text === 'latest') return { kind: text }
  if (text.startsWith('c1.')) return { kind: 'cursor', cursor: decodeCursor(text) }
  const timestampMs = parseTime(text)
  if (Number.isNaN(timestampMs)) throw new TypeError(`"${text}" is not a place to start: use earliest, latest, an ISO 8601 time or a cursor.`)
  return { kind: 'time', timestampMs }
}

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+ -]\d{2}:?\d{2})?)?$/

/**
 * NaN where it is no ISO 8601 time. A time without a zone is UTC, as every time that we write: not this machine's own. In
 * a query string an unescaped "+" means a space, so before a zone's hours a space is a plus.
 */
export function parseTime (text: string): number {
  const match = ISO_8601.exec(text)
  if (match === null) return NaN
  return Date.parse(match[1] !== undefined && match[4] === undefined ? `${text}Z` : text.replace(' ', '+'))
}

/**
 * The offsets of `timestamp` (or EARLIEST, LATEST) in some partitions of a topic. A time after the last record is the end
 * of the partition. Rejects with KafkaError.
 */
export async function offsetsAt (
  dispatch: Dispatch, context: Context, topic: string, partitions: readonly number[], timestamp: number
): Promise<Map<number, number>> {
  const ask = async (indexes: readonly number[], time: number): Promise<Map<number, number>> => {
    const response = await dispatch(ListOffsets, complete(ListOffsets.request, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: indexes.map(partitionIndex => ({ partitionIndex, timestamp: time })) }]
    }), { ...context, version: newest(ListOffsets) })
    const found = new Map<number, number>()
    for (const { partitionIndex, errorCode, offset } of response.topics[0]?.partitions ?? []) {
      if (errorCode !== errors.NONE) throw failure(ListOffsets, errorCode, topic)
      found.set(partitionIndex, offset)
    }
    return found
  }
  const found = await ask(partitions, timestamp)
  const beyond = [...found].filter(([, offset]) => offset < 0).map(([partition]) => partition)
  if (beyond.length > 0) for (const [partition, end] of await ask(beyond, LATEST)) found.set(partition, end)
  return found
}
