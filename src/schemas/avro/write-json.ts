/**
 * Payloads as JSON text, straight from the bytes, which check.ts has been over before.
 *
 * Plain: what a person would write. A long is all its digits; a decimal is a string of its digits (`"12.34"`), because few JSON
 * parsers keep those of a number; a uuid is its text; dates and times stay the integers that they are; bytes and fixed are strings
 * of which each character is a byte (ISO 8859-1), as in Avro's own JSON encoding; what is no number is "NaN", "Infinity" or
 * "-Infinity"; of a union there is the value alone.
 * Tagged: Avro's JSON encoding (specification, "JSON Encoding"): a union's value stands in an object that names its branch, and
 * logical types are what they are made of.
 */
import { PayloadError } from '../format.ts'
import type { Cursor } from './cursor.ts'
import { decimalText } from './decimal.ts'
import { quote } from './json.ts'
import { isDecimal } from './logical.ts'
import { labelOf, type RecordType, type Type, type UnionType } from './schema.ts'

export type ToText = (cursor: Cursor) => string

/** Few bytes can stand for much, since names of fields are not in them: more than this, and than that for each byte, is refused. */
const MAX_JSON_LENGTH = 16 * 1024 * 1024
const MAX_LENGTH_PER_BYTE = 16

export class JsonWriters {
  readonly #tagged: boolean
  readonly #made = new Map<Type, ToText>()
  #written = 0
  #most = 0

  constructor (tagged: boolean) {
    this.#tagged = tagged
  }

  /** Throws PayloadError where it becomes too long. */
  write (type: Type, cursor: Cursor): string {
    this.#written = 0
    this.#most = Math.max(MAX_JSON_LENGTH, cursor.end * MAX_LENGTH_PER_BYTE)
    return this.#for(type)(cursor)
  }

  #count (text: string): string {
    this.#written += text.length + 1
    if (this.#written > this.#most) {
      throw new PayloadError({ path: '', expected: `at most ${this.#most} characters of JSON`, found: 'more' })
    }
    return text
  }

  #for (type: Type): ToText {
    const known = this.#made.get(type)
    if (known !== undefined) return known
    this.#made.set(type, cursor => made(cursor))
    const made = this.#make(type)
    this.#made.set(type, made)
    return made
  }

  #make (type: Type): ToText {
    if (!this.#tagged && isDecimal(type)) {
      const { scale } = type.logical
      const size = type.kind === 'fixed' ? type.size : null
      return cursor => this.#count(`"${decimalText(cursor.read(size ?? cursor.readCount()), scale)}"`)
    }
    switch (type.kind) {
      case 'null': return () => 'null'
      case 'boolean': return cursor => cursor.bytes[cursor.at++] === 0 ? 'false' : 'true'
      case 'int': case 'long': return cursor => this.#count(cursor.readLongText())
      case 'float': {
        const text = this.#tagged ? doubleText : floatText
        return cursor => this.#count(text(cursor.read(4).readFloatLE(0)))
      }
      case 'double': return cursor => this.#count(doubleText(cursor.read(8).readDoubleLE(0)))
      case 'bytes': return cursor => this.#count(quote(cursor.read(cursor.readCount()).toString('latin1')))
      case 'string': return cursor => this.#count(quote(cursor.readText()))
      case 'fixed': return !this.#tagged && type.logical?.name === 'uuid'
        ? cursor => this.#count(quote(uuidText(cursor.read(16))))
        : cursor => this.#count(quote(cursor.read(type.size).toString('latin1')))
      case 'enum': return this.#enum(type.symbols.map(quote))
      case 'array': return this.#blocks(this.#for(type.items), '[', ']', false)
      case 'map': return this.#blocks(this.#for(type.values), '{', '}', true)
      case 'union': return this.#union(type)
      case 'record': return this.#record(type)
    }
  }

  #enum (symbols: readonly string[]): ToText {
    return cursor => this.#count(symbols[cursor.readCount()]!)
  }

  #union (type: UnionType): ToText {
    const branches = type.types.map(branch => this.#for(branch))
    if (!this.#tagged) return cursor => branches[cursor.readCount()]!(cursor)
    const labels = type.types.map(branch => branch.kind === 'null' ? null : `{${quote(labelOf(branch))}:`)
    return cursor => {
      const index = cursor.readCount()
      const label = labels[index]!
      return label === null ? 'null' : `${this.#count(label)}${branches[index]!(cursor)}}`
    }
  }

  #record (type: RecordType): ToText {
    const labels = type.fields.map((field, i) => `${i === 0 ? '{' : ','}${quote(field.name)}:`)
    const fields = type.fields.map(field => this.#for(field.type))
    if (fields.length === 0) return () => this.#count('{}')
    return cursor => {
      let text = ''
      for (let i = 0; i < fields.length; i++) text += this.#count(labels[i]!) + fields[i]!(cursor)
      return `${text}}`
    }
  }

  #blocks (item: ToText, open: string, close: string, isMap: boolean): ToText {
    return cursor => {
      let text = open
      for (let count = cursor.readCount(); count !== 0; count = cursor.readCount()) {
        if (count < 0) {
          count = -count
          cursor.readCount()
        }
        for (let i = 0; i < count; i++) {
          if (text.length > 1) text += ','
          if (isMap) text += `${this.#count(quote(cursor.readText()))}:`
          text += item(cursor)
          this.#count('')
        }
      }
      return text + close
    }
  }
}

/** The fewest digits that are this float and no other: 0.1. As a double it is 0.10000000149011612, which is what Java writes. */
function floatText (value: number): string {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) <= 2 ** 24)) return doubleText(value)
  // The smallest ones have fewer digits.
  for (let digits = Math.abs(value) < 2 ** -126 ? 1 : 6; digits < 9; digits++) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return String(Number(text))
  }
  return String(Number(value.toPrecision(9)))
}

function doubleText (value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0' : String(value)
}

export const uuidText = (bytes: Buffer): string => {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
