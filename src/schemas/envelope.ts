/**
 * Which schema a payload was written with, as Confluent's serializers say it:
 *
 *   V0      00, id (int32, big-endian), payload                  before the payload
 *   V1      01, GUID (16 bytes), payload                         before the payload
 *   header  `__key_schema_id`, `__value_schema_id`: either       beside it
 *
 * Protobuf has the place of its message in the file right behind the id or GUID, wherever that is: a count and as many
 * indexes, all zigzag varints; a count of 0 is short for the first message. All of them are read, V0 is written.
 */
import type { Header } from '../../protocol/records.ts'
import { PayloadError, type Payload } from './format.ts'
import type { SchemaType } from './model.ts'
import type { Part } from './naming.ts'

export type Envelope = ById | ByGuid

interface Enveloped {
  /** What stands behind the framing. A view. */
  readonly rest: Buffer
  /** In the header form: what stands in the header behind the id. Null where `rest` has it all. */
  readonly inHeader: Buffer | null
}

export interface ById extends Enveloped {
  readonly kind: 'id'
  readonly id: number
}

export interface ByGuid extends Enveloped {
  readonly kind: 'guid'
  /** 8-4-4-4-12 hexadecimal digits. */
  readonly guid: string
}

/** Bytes before the payload. */
export const V0_BYTES = 5
export const V1_BYTES = 17

/** Protobuf messages in messages: far more than anybody nests them. */
const MAX_INDEXES = 100

export const headerNames = { key: '__key_schema_id', value: '__value_schema_id' } as const satisfies Record<Part, string>

const none: readonly number[] = []
const firstMessage: readonly number[] = [0]

/** Null if nothing says which schema it is. The header counts before the prefix, and the last one of a name alone, as for Confluent's readers. */
export function readEnvelope (bytes: Buffer, headers: readonly Header[], part: Part): Envelope | null {
  if (headers.length > 0) {
    const header = headers.findLast(({ key }) => key === headerNames[part])
    if (header !== undefined) return envelopeOf(header.value, bytes)
  }
  return prefixOf(bytes)
}

/** Of a record without such a header. */
export function prefixOf (bytes: Buffer): Envelope | null {
  if (bytes.length < V0_BYTES) return null
  if (bytes[0] === 0) return { kind: 'id', id: bytes.readInt32BE(1), rest: bytes.subarray(V0_BYTES), inHeader: null }
  if (bytes[0] !== 1 || bytes.length < V1_BYTES) return null
  return { kind: 'guid', guid: guidAt(bytes, 1), rest: bytes.subarray(V1_BYTES), inHeader: null }
}

/** Null where the header is there, but says nothing that can be read: what is in the payload does not count then. */
function envelopeOf (header: Buffer | null, rest: Buffer): Envelope | null {
  const said = header === null ? null : prefixOf(header)
  return said === null ? null : { ...said, rest, inHeader: said.rest }
}

function guidAt (bytes: Buffer, at: number): string {
  const digits = bytes.toString('hex', at, at + 16)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`
}

/**
 * The payload in `rest`, of a schema of this type. `inHeader` is that of the envelope. Throws PayloadError where Protobuf's
 * indexes cannot be read.
 */
export function payloadOf (type: SchemaType, rest: Buffer, inHeader: Buffer | null = null): Payload {
  if (type !== 'PROTOBUF') return { bytes: rest, indexes: none }
  if (inHeader !== null) return { bytes: rest, indexes: readIndexes(inHeader).indexes }
  const { indexes, end } = readIndexes(rest)
  return { bytes: rest.subarray(end), indexes }
}

/** `id`, `indexes` where it is Protobuf, and the payload: V0. */
export function frame (type: SchemaType, id: number, { bytes, indexes }: Payload): Buffer {
  const place = type === 'PROTOBUF' ? indexBytes(indexes) : none
  const framed = Buffer.allocUnsafe(V0_BYTES + place.length + bytes.length)
  framed[0] = 0
  framed.writeInt32BE(id, 1)
  framed.set(place, V0_BYTES)
  bytes.copy(framed, V0_BYTES + place.length)
  return framed
}

// ---- Protobuf's message indexes

function readIndexes (bytes: Buffer): { readonly indexes: readonly number[], readonly end: number } {
  if (bytes[0] === 0) return { indexes: firstMessage, end: 1 } // nearly always
  const cursor = { position: 0 }
  const count = readVarint(bytes, cursor)
  if (count < 0 || count > MAX_INDEXES) throw unreadable(`0 to ${MAX_INDEXES} of them`, String(count))
  const indexes: number[] = []
  for (let i = 0; i < count; i++) {
    const index = readVarint(bytes, cursor)
    if (index < 0) throw unreadable('an index of 0 or more', String(index))
    indexes.push(index)
  }
  return { indexes: count === 0 ? firstMessage : indexes, end: cursor.position }
}

function readVarint (bytes: Buffer, cursor: { position: number }): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[cursor.position++]
    if (byte === undefined) throw unreadable('a varint', `the end after ${bytes.length} bytes`)
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) {
      if (value > 0xffffffff) break
      return (value >>> 1) ^ -(value & 1)
    }
  }
  throw unreadable('a varint of 32 bits', 'a longer one')
}

function unreadable (expected: string, found: string): PayloadError {
  return new PayloadError({ path: '', expected: `Protobuf's message indexes before the payload: ${expected}`, found })
}

function indexBytes (indexes: readonly number[]): readonly number[] {
  if (indexes.length === 0 || (indexes.length === 1 && indexes[0] === 0)) return firstMessage
  const bytes: number[] = []
  for (const number of [indexes.length, ...indexes]) {
    let rest = number * 2
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(rest % 0x80 | 0x80)
    bytes.push(rest)
  }
  return bytes
}
