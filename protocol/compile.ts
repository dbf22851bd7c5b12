/**
 * Compiles a message and a version into closures that read and write it. Done once per (message, version), on first use;
 * there is no generated source and no `eval`.
 *
 * A reader always returns every field of every version: what the version lacks is at its default. A writer refuses a
 * value that the version has no place for, unless the field is `ignorable` (Kafka's rule, and the net under a gateway
 * that speaks to clients of many ages).
 */
import type { Api, Chunks, Fields, Input, Output, Spec } from './schema.ts'
import { initialOf, isInitial } from './defaults.ts'
import { ProtocolError, type Reader } from './reader.ts'
import { Writer } from './writer.ts'

export interface Codec<Out, In> {
  readonly read: (reader: Reader) => Out
  readonly write: (writer: Writer, value: In) => void
}

type Read = (reader: Reader) => unknown
type Write = (writer: Writer, value: unknown) => void
type Struct = Record<string, unknown>

/** Where a struct keeps the tagged fields that this build does not know, so that they survive a round trip. */
export const unknownTags: unique symbol = Symbol('unknown tagged fields')

type UnknownTags = Map<number, Buffer>

export function requestCodec<A extends Api> (api: A, version: number): Codec<Output<A['request']>, Input<A['request']>> {
  return codec(api.request, version, version >= api.flexible)
}

export function responseCodec<A extends Api> (api: A, version: number): Codec<Output<A['response']>, Input<A['response']>> {
  return codec(api.response, version, version >= api.flexible)
}

const compiled = new WeakMap<Fields, Map<number, Codec<never, never>>>()

/** The codec of a bare struct: a header, a payload inside `bytes`, a record of an internal topic. */
export function codec<F extends Fields> (fields: F, version: number, flexible: boolean): Codec<Output<F>, Input<F>> {
  let versions = compiled.get(fields)
  if (versions === undefined) compiled.set(fields, versions = new Map())
  const key = flexible ? version : ~version
  let found = versions.get(key) as Codec<Output<F>, Input<F>> | undefined
  if (found === undefined) {
    const { read, write } = compileStruct(fields, version, flexible)
    found = { read: read as (reader: Reader) => Output<F>, write: write as (writer: Writer, value: Input<F>) => void }
    versions.set(key, found as unknown as Codec<never, never>)
  }
  return found
}

// ---- structs

interface Member {
  readonly name: string
  readonly spec: Spec
  readonly read: Read
  readonly write: Write
  readonly initial: () => unknown
}

function compileStruct (fields: Fields, version: number, flexible: boolean): { read: Read, write: Write } {
  const present: Member[] = []
  const tagged: Member[] = []
  const absent: Member[] = []
  for (const [name, { spec }] of Object.entries(fields)) {
    const inVersion = version >= spec.since && version <= spec.until && (spec.tag === null || flexible)
    const member = { name, spec, initial: initialOf(spec), ...(inVersion ? compileField(spec, version, flexible) : unreachable) }
    if (!inVersion) absent.push(member)
    else if (spec.tag !== null) tagged.push(member)
    else present.push(member)
  }
  tagged.sort((a, b) => a.spec.tag! - b.spec.tag!)
  const readTags = flexible ? tagReader(tagged) : null
  const writeTags = flexible ? tagWriter(tagged) : null

  return {
    read (reader) {
      const value: Struct = {}
      for (const member of present) value[member.name] = member.read(reader)
      for (const member of tagged) value[member.name] = member.initial()
      for (const member of absent) value[member.name] = member.initial()
      if (readTags !== null) readTags(reader, value)
      return value
    },
    write (writer, given) {
      const value = given as Struct
      for (const member of present) {
        const field = value[member.name]
        member.write(writer, field === undefined ? member.initial() : field)
      }
      for (const member of absent) refuseLost(member, value[member.name], version)
      if (writeTags !== null) writeTags(writer, value)
    }
  }
}

const unreachable = {
  read: (): never => { throw new TypeError('not in this version') },
  write: (): never => { throw new TypeError('not in this version') }
}

function refuseLost (member: Member, field: unknown, version: number): void {
  if (member.spec.ignorable || field === undefined || isInitial(member.spec, field)) return
  throw new ProtocolError(`version ${version} has no place for ${member.name}`)
}

// ---- tagged fields (KIP-482)

const MAX_TAGS = 64

function tagReader (tagged: readonly Member[]): (reader: Reader, value: Struct) => void {
  const byTag = new Map(tagged.map(member => [member.spec.tag!, member]))
  return (reader, value) => {
    const count = reader.uvarint()
    if (count === 0) return
    if (count > MAX_TAGS) throw new ProtocolError(`${count} tagged fields in one struct`)
    // A tag that we do not know costs more to keep than to send: tags count as elements.
    reader.checkCount(count, 2)
    let previous = -1
    for (let i = 0; i < count; i++) {
      const tag = reader.uvarint()
      if (tag <= previous) throw new ProtocolError(`tag ${tag} after tag ${previous}`)
      previous = tag
      const size = reader.uvarint()
      const member = byTag.get(tag)
      if (member === undefined) {
        const unknown = (value as { [unknownTags]?: UnknownTags })[unknownTags] ??= new Map()
        unknown.set(tag, reader.slice(size))
        continue
      }
      if (size > reader.remaining) throw new ProtocolError(`tag ${tag} claims ${size} bytes, ${reader.remaining} are left`)
      const end = reader.position + size
      value[member.name] = member.read(reader)
      if (reader.position !== end) throw new ProtocolError(`tag ${tag} is ${size} bytes long, but its value is not`)
    }
  }
}

function tagWriter (tagged: readonly Member[]): (writer: Writer, value: Struct) => void {
  return (writer, value) => {
    const unknown = (value as { [unknownTags]?: UnknownTags })[unknownTags]
    if (unknown === undefined && !tagged.some(member => isTold(member, value))) return writer.uvarint(0)
    const known = tagged.filter(member => isTold(member, value))
    writer.uvarint(known.length + (unknown?.size ?? 0))
    const entries = known.map(member => ({ tag: member.spec.tag!, chunks: encodeAlone(member.write, value[member.name]) }))
    for (const [tag, bytes] of unknown ?? []) entries.push({ tag, chunks: [bytes] })
    entries.sort((a, b) => a.tag - b.tag)
    for (const { tag, chunks } of entries) {
      writer.uvarint(tag)
      writer.uvarint(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
      for (const chunk of chunks) writer.raw(chunk)
    }
  }
}

function isTold ({ name, spec }: Member, value: Struct): boolean {
  const field = value[name]
  return field !== undefined && !isInitial(spec, field)
}

function encodeAlone (write: Write, value: unknown): Buffer[] {
  const writer = new Writer(64)
  write(writer, value)
  return writer.finish()
}

// ---- single fields

function compileField (spec: Spec, version: number, flexible: boolean): { read: Read, write: Write } {
  const nullable = version >= spec.nullableSince
  switch (spec.kind) {
    case 'string': return lengthPrefixed(flexible, 2, nullable, (r, n) => r.text(n), writeText)
    case 'bytes': return lengthPrefixed(flexible, 4, nullable, (r, n) => r.slice(n), writeBytes)
    case 'records': return lengthPrefixed(flexible, 4, nullable, (r, n) => [r.slice(n)], writeRecords)
    case 'array': return compileArray(spec.element!, version, flexible, nullable)
    case 'struct': {
      const inner = compileStruct(spec.fields!, version, flexible)
      return nullable ? nullableStruct(inner) : inner
    }
    default: return scalars[spec.kind]
  }
}

const scalars: { readonly [K in Exclude<Spec['kind'], 'string' | 'bytes' | 'records' | 'array' | 'struct'>]: { read: Read, write: Write } } = {
  bool: { read: r => r.bool(), write: (w, v) => w.bool(v as boolean) },
  int8: { read: r => r.int8(), write: (w, v) => w.int8(v as number) },
  int16: { read: r => r.int16(), write: (w, v) => w.int16(v as number) },
  uint16: { read: r => r.uint16(), write: (w, v) => w.uint16(v as number) },
  int32: { read: r => r.int32(), write: (w, v) => w.int32(v as number) },
  uint32: { read: r => r.uint32(), write: (w, v) => w.uint32(v as number) },
  int64: { read: r => r.int64(), write: (w, v) => w.int64(v as number) },
  float64: { read: r => r.float64(), write: (w, v) => w.float64(v as number) },
  uuid: { read: r => r.uuid(), write: (w, v) => w.uuid(v as string) }
}

/** The length of a string, byte field or array: compact (n + 1 as a varint, 0 is null) or fixed (-1 is null). */
interface Length {
  readonly read: (reader: Reader) => number
  readonly write: (writer: Writer, length: number) => void
}

const compact: Length = { read: r => r.uvarint() - 1, write: (w, n) => w.uvarint(n + 1) }
const fixed16: Length = {
  read: r => r.int16(),
  write (w, n) {
    if (n > 0x7fff) throw new ProtocolError(`a string of ${n} bytes does not fit this version`)
    w.int16(n)
  }
}
const fixed32: Length = { read: r => r.int32(), write: (w, n) => w.int32(n) }

function lengthPrefixed (
  flexible: boolean,
  width: 2 | 4,
  nullable: boolean,
  read: (reader: Reader, length: number) => unknown,
  write: (writer: Writer, length: Length, value: never) => void
): { read: Read, write: Write } {
  const length = flexible ? compact : width === 2 ? fixed16 : fixed32
  return {
    read (reader) {
      const size = length.read(reader)
      if (size >= 0) return read(reader, size)
      return refuseNegative(size, nullable)
    },
    write (writer, value) {
      if (value !== null) write(writer, length, value as never)
      else length.write(writer, nullLength(nullable))
    }
  }
}

function writeText (writer: Writer, length: Length, value: string): void {
  const size = Buffer.byteLength(value)
  length.write(writer, size)
  writer.text(value, size)
}

function writeBytes (writer: Writer, length: Length, value: Buffer): void {
  length.write(writer, value.length)
  writer.raw(value)
}

function writeRecords (writer: Writer, length: Length, chunks: Chunks): void {
  let size = 0
  for (const chunk of chunks) size += chunk.length
  length.write(writer, size)
  for (const chunk of chunks) writer.raw(chunk)
}

function compileArray (element: Spec, version: number, flexible: boolean, nullable: boolean): { read: Read, write: Write } {
  const length = flexible ? compact : fixed32
  const inner = compileField(element, version, flexible)
  const minBytes = Math.max(1, minSize(element, version, flexible))
  return {
    read (reader) {
      const count = length.read(reader)
      if (count < 0) return refuseNegative(count, nullable)
      reader.checkCount(count, minBytes)
      const values: unknown[] = []
      for (let i = 0; i < count; i++) values.push(inner.read(reader))
      return values
    },
    write (writer, value) {
      if (value === null) return length.write(writer, nullLength(nullable))
      const values = value as readonly unknown[]
      length.write(writer, values.length)
      for (const one of values) inner.write(writer, one)
    }
  }
}

/** A struct that may be null is preceded by one byte: -1 for null. */
function nullableStruct (inner: { read: Read, write: Write }): { read: Read, write: Write } {
  return {
    read: reader => reader.int8() < 0 ? null : inner.read(reader),
    write (writer, value) {
      writer.int8(value === null ? -1 : 1)
      if (value !== null) inner.write(writer, value)
    }
  }
}

function refuseNegative (length: number, nullable: boolean): null {
  if (length === -1 && nullable) return null
  throw new ProtocolError(length === -1 ? 'null where a value is required' : `a negative length: ${length}`)
}

function nullLength (nullable: boolean): -1 {
  if (nullable) return -1
  throw new ProtocolError('null where this version requires a value')
}

const fixedSizes: { readonly [K in Spec['kind']]?: number } = {
  bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4, int64: 8, float64: 8, uuid: 16
}

/** The fewest bytes a field can take: what an array's count is checked against. */
function minSize (spec: Spec, version: number, flexible: boolean): number {
  if (spec.kind === 'struct') {
    let size = flexible ? 1 : 0
    for (const { spec: inner } of Object.values(spec.fields!)) {
      if (inner.tag === null && version >= inner.since && version <= inner.until) size += minSize(inner, version, flexible)
    }
    return version >= spec.nullableSince ? 1 : size
  }
  return fixedSizes[spec.kind] ?? (flexible ? 1 : spec.kind === 'string' ? 2 : 4)
}
