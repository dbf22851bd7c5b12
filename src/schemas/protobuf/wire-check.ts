/**
 * Whether bytes are a message of a type. Nothing is built and nothing is copied: this runs for every record.
 *
 * Fields that the type does not know are no flaw, as long as they can be skipped: this is how Protobuf evolves. Neither is an
 * enum value without a name. A field that it does know has to have the right wire type, where Google's readers take it for an
 * unknown one and lose what it holds.
 */
import { isUtf8 } from 'node:buffer'

import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'

import type { Flaw } from '../format.ts'
import { sentenceOf } from '../format.ts'
import { MAX_ELEMENTS, MAX_PAYLOAD_DEPTH, MAX_VALUE_FIELDS } from './limits.ts'
import type { FieldPlan } from './wire-plan.ts'
import { END_GROUP, FIXED32, FIXED64, LENGTH, Plan, Plans, START_GROUP, VARINT } from './wire-plan.ts'
import type { Budget } from './words.ts'

const WIRE_NAMES = ['a varint', '8 bytes', 'a value with a length', 'the start of a group', 'the end of a group', '4 bytes', 'wire type 6', 'wire type 7']
const BAD = -1

/** Null if `bytes` are a message that `plan` describes. Paths are of names as the schema has them. */
export const checkMessage = (plan: Plan, bytes: Buffer): Flaw | null => new Walk(bytes).message(plan, bytes.length, 1, 0)

/** The same for bytes that a value is to be made of: also a flaw where that would be too large. */
export function checkSize (plan: Plan, bytes: Buffer): Flaw | null {
  const walk = new Walk(bytes)
  return walk.message(plan, bytes.length, 1, 0) ?? (walk.fields > MAX_VALUE_FIELDS
    ? flaw(`at most ${MAX_VALUE_FIELDS} fields, those at their defaults among them`, 'more')
    : null)
}

let descriptors: Plan | undefined

/** Whether bytes are a FileDescriptorProto, and not one of too many parts. Null, or a sentence. */
export function checkDescriptor (bytes: Buffer, budget: Budget): string | null {
  const walk = new Walk(bytes)
  descriptors ??= new Plans().of(FileDescriptorProtoSchema)
  const flaw = walk.message(descriptors, bytes.length, 1, 0)
  if (flaw !== null) return sentenceOf(flaw)
  budget.elements -= walk.messages
  return budget.elements < 0 ? `it has more than ${MAX_ELEMENTS} parts` : null
}

class Walk {
  messages = 0
  /** That the messages have, set or not. */
  fields = 0
  readonly #bytes: Buffer
  #at = 0

  constructor (bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Up to `end`, or to the end of the group `group`, which is 0 if this is none. */
  message (plan: Plan, end: number, depth: number, group: number): Flaw | null {
    if (depth > MAX_PAYLOAD_DEPTH) return flaw(`at most ${MAX_PAYLOAD_DEPTH} messages within each other`, 'more')
    this.messages++
    this.fields += plan.width
    const start = this.#at
    const seen: Set<number> | null = plan.required.length > 0 ? new Set() : null
    let isClosed = group === 0
    while (this.#at < end) {
      const tagAt = this.#at
      const tag = this.#uint32(end)
      const number = tag >>> 3
      if (tag === BAD || number === 0) return flaw(`a field of ${plan.name}`, tag === BAD ? `no tag at byte ${tagAt}` : `the number 0 at byte ${tagAt}`)
      const wire = tag & 7
      if (wire === END_GROUP) {
        if (number !== group) return flaw(`a field of ${plan.name}`, `the end of group ${number}, which has not begun, at byte ${tagAt}`)
        isClosed = true
        break
      }
      const field = plan.field(number)
      const found = field === undefined
        ? this.#skip(number, wire, end, depth)
        : this.#field(field, wire, end, depth)
      if (found !== null) return field === undefined ? found : within(this.#segment(field, start, tagAt), found)
      if (seen !== null && field !== undefined && field.required !== BAD) seen.add(field.required)
    }
    if (!isClosed) return flaw('the end of the group', this.#theEnd(end))
    if (seen === null || seen.size === plan.required.length) return null
    const missing = plan.required.find(({ required }) => !seen.has(required)) as FieldPlan
    return within(missing.name, flaw(`${missing.type}, which is required`, 'nothing'))
  }

  #field (field: FieldPlan, wire: number, end: number, depth: number): Flaw | null {
    if (wire !== field.wire) {
      if (wire === LENGTH && field.isPackable) return this.#packed(field, end)
      return flaw(field.type, WIRE_NAMES[wire] as string)
    }
    if (wire === START_GROUP) return this.message(field.message as Plan, end, depth + 1, field.number)
    if (wire !== LENGTH) return this.#number(wire, end) ? null : flaw(field.type, this.#theEnd(end))
    const last = this.#length(end)
    if (last === BAD) return flaw(field.type, `the end after ${end} bytes`)
    if (field.message !== null) return this.message(field.message, last, field.isMap ? depth : depth + 1, 0)
    const first = this.#at
    this.#at = last
    return field.isUtf8 && !this.#isText(first, last) ? flaw('string', 'bytes that are not UTF-8') : null
  }

  #packed (field: FieldPlan, end: number): Flaw | null {
    const last = this.#length(end)
    if (last === BAD) return flaw(`a list of ${field.type}`, `the end after ${end} bytes`)
    for (let index = 0; this.#at < last; index++) {
      if (!this.#number(field.wire, last)) return { path: `[${index}]`, expected: field.type, found: this.#theEnd(last) }
    }
    return null
  }

  #skip (number: number, wire: number, end: number, depth: number): Flaw | null {
    if (wire === START_GROUP) return this.message(NOTHING, end, depth + 1, number)
    if (wire === LENGTH) {
      const last = this.#length(end)
      if (last !== BAD) {
        this.#at = last
        return null
      }
    } else if ((wire === VARINT || wire === FIXED32 || wire === FIXED64) && this.#number(wire, end)) return null
    return flaw(`field ${number}, which the schema does not know, to be ${WIRE_NAMES[wire]}`, this.#theEnd(end))
  }

  /** Steps over a number; false if it is cut off, or a varint of more than 64 bits. */
  #number (wire: number, end: number): boolean {
    if (wire !== VARINT) {
      this.#at += wire === FIXED64 ? 8 : 4
      return this.#at <= end
    }
    for (let index = 0; index < 10 && this.#at < end; index++) {
      const byte = this.#bytes[this.#at++] as number
      if (byte < 0x80) return index < 9 || byte <= 1
    }
    return false
  }

  /** Reads a length: where what it belongs to ends. */
  #length (end: number): number {
    const length = this.#uint32(end)
    return length === BAD || length > end - this.#at ? BAD : this.#at + length
  }

  #uint32 (end: number): number {
    let value = 0
    let scale = 1
    for (let index = 0; index < 5 && this.#at < end; index++) {
      const byte = this.#bytes[this.#at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value <= 0xffff_ffff ? value : BAD
      scale *= 128
    }
    return BAD
  }

  #isText (first: number, last: number): boolean {
    const bytes = this.#bytes
    for (let at = first; at < last; at++) {
      if ((bytes[at] as number) >= 0x80) return isUtf8(bytes.subarray(at, last))
    }
    return true
  }

  #theEnd (end: number): string {
    return this.#at >= end ? `the end after ${end} bytes` : `a varint of more than 64 bits before byte ${this.#at}`
  }

  /** The name of a field that has a flaw, with its place if there may be several. What was before it is walked over once more. */
  #segment (field: FieldPlan, start: number, tagAt: number): string {
    if (!field.isRepeated) return field.name
    let index = 0
    this.#at = start
    while (this.#at < tagAt) {
      const tag = this.#uint32(tagAt)
      if (tag >>> 3 === field.number) index++
      if (this.#skip(tag >>> 3, tag & 7, tagAt, 0) !== null) break
    }
    return `${field.name}[${index}]`
  }
}

/** Of which every field is unknown. */
const NOTHING = new Plan('an unknown group')

const flaw = (expected: string, found: string): Flaw => ({ path: '', expected, found })

const within = (segment: string, { path, expected, found }: Flaw): Flaw =>
  ({ path: path === '' || path.startsWith('[') ? `${segment.replace(path === '' ? '' : /\[\d+\]$/, '')}${path}` : `${segment}.${path}`, expected, found })
