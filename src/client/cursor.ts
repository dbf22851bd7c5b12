/**
 * A place in one or more topics, as opaque text that a reader keeps and hands back: the next offset of every partition.
 * It names each topic's id too, so that a topic which was deleted and created anew is not mistaken for the old one.
 */

export interface TopicPosition {
  /** Kafka's topic id, 22 characters of base64url. */
  readonly topicId: string
  /** The next offset to read, by partition. */
  readonly offsets: ReadonlyMap<number, number>
}

/** By topic name. */
export type Cursor = ReadonlyMap<string, TopicPosition>

/** The form's version: a reader may keep a cursor for longer than we keep the form. */
const PREFIX = 'c1.'
const MAX_LENGTH = 64 * 1024

export function encodeCursor (cursor: Cursor): string {
  const rows = [...cursor].map(([topic, { topicId, offsets }]) => [topic, topicId, [...offsets].flat()])
  return PREFIX + Buffer.from(JSON.stringify(rows)).toString('base64url')
}

/** Throws TypeError with a sentence for the caller. */
export function decodeCursor (text: string): Cursor {
  if (!text.startsWith(PREFIX) || text.length > MAX_LENGTH) throw invalid(text)
  let rows: unknown
  try {
    rows = JSON.parse(Buffer.from(text.slice(PREFIX.length), 'base64url').toString())
  } catch {
    throw invalid(text)
  }
  if (!Array.isArray(rows)) throw invalid(text)
  return new Map(rows.map(row => decodeRow(row, text)))
}

function decodeRow (row: unknown, text: string): [string, TopicPosition] {
  if (!Array.isArray(row) || row.length !== 3) throw invalid(text)
  const [topic, topicId, flat] = row as unknown[]
  if (typeof topic !== 'string' || typeof topicId !== 'string' || !Array.isArray(flat) || flat.length % 2 !== 0) throw invalid(text)
  const offsets = new Map<number, number>()
  for (let i = 0; i < flat.length; i += 2) {
    if (!isCount(flat[i]) || !isCount(flat[i + 1])) throw invalid(text)
    offsets.set(flat[i] as number, flat[i + 1] as number)
  }
  return [topic, { topicId, offsets }]
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

function invalid (text: string): TypeError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return new TypeError(`"${shown}" is not a cursor: pass one back exactly as you received it.`)
}
