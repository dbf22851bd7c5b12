/**
 * From JSON to Avro's binary encoding.
 *
 * avsc is not used for this: it wants other values than JSON has (wrapped or bare unions by its own rule, no int64 without a type
 * of one's own), makes code from the names in a schema, and says less of what is wrong. It is what the tests compare with.
 */
import { PayloadError } from '../format.ts'
import { MAX_EMPTY_ITEMS, MAX_VALUE_DEPTH } from './cursor.ts'
import { decimalBytes, isDecimalText, MAX_DECIMAL_BYTES, unscaledOf } from './decimal.ts'
import { isNumber, isObject, isRaw, numberText } from './json.ts'
import type { EncodedDefaults } from './encoded-defaults.ts'
import { isDecimal, type DecimalType } from './logical.ts'
import { Output } from './output.ts'
import type { Field, FixedType, PrimitiveType, RecordType, Type, UnionType } from './schema.ts'
import { chooseBranch, isLatin1, isUuid, longOf, NOT_FINITE } from './choose.ts'
import { describe, expectationOf } from './words.ts'

export type Encoding =
  /** Plain or tagged, whatever it is. */
  | 'any'
  /** Avro's own: strings for decimals are their bytes. */
  | 'tagged'
  /** As defaults are written in schemas: that, but without tags on unions. */
  | 'default'

/** Throws PayloadError. `defaults` keeps what has been encoded of the defaults of fields. */
export function encodeAvro (type: Type, value: unknown, encoding: Encoding, defaults: EncodedDefaults): Buffer {
  return new Encoder(encoding, defaults).all(type, value)
}

/** Fields, items and branches looked at: defaults and unions make many of little. */
const MAX_STEPS = 2_000_000
/** Of one field, with the defaults within it, in bytes. */
const MAX_DEFAULT = 1024 * 1024

class Encoder {
  #encoding: Encoding
  readonly #defaults: EncodedDefaults
  readonly #out = new Output()
  #path: (string | number)[] = []
  #depth = 0
  #deepest = 0
  #emptyItems = 0
  #steps = 0

  constructor (encoding: Encoding, defaults: EncodedDefaults) {
    this.#encoding = encoding
    this.#defaults = defaults
  }

  all (type: Type, value: unknown): Buffer {
    this.#value(type, value)
    return this.#out.take()
  }

  #fail (expected: string, found: string): never {
    throw new PayloadError({ path: pathOf(this.#path), expected, found })
  }

  #wrong (type: Type, value: unknown): never {
    this.#fail(expectationOf(type), describe(value))
  }

  #work (steps: number): void {
    this.#steps += steps
    if (this.#steps > MAX_STEPS) this.#fail('a value that can be encoded in bounded time', 'too many fields with defaults, or too many unions without tags')
  }

  #value (type: Type, value: unknown): void {
    switch (type.kind) {
      case 'null': return value === null ? undefined : this.#wrong(type, value)
      case 'boolean': return typeof value === 'boolean' ? this.#out.byte(value ? 1 : 0) : this.#wrong(type, value)
      case 'int': case 'long': return this.#out.long(longOf(type.kind, value) ?? this.#wrong(type, value))
      case 'float': case 'double': return this.#real(type, value)
      case 'string': return this.#string(type, value)
      case 'bytes': return isDecimal(type) ? this.#decimal(type, value) : this.#bytes(type, value)
      case 'fixed': return isDecimal(type) ? this.#decimal(type, value) : this.#fixed(type, value)
      case 'enum': {
        const index = typeof value === 'string' ? type.indexBySymbol.get(value) : undefined
        return index === undefined ? this.#wrong(type, value) : this.#out.long(index)
      }
      case 'array': return this.#array(type.items, Array.isArray(value) ? value : this.#wrong(type, value))
      case 'map': return this.#map(type.values, isObject(value) ? value : this.#wrong(type, value))
      case 'union': return this.#union(type, value)
      case 'record': return this.#record(type, isObject(value) ? value : this.#wrong(type, value))
    }
  }

  #real (type: PrimitiveType, value: unknown): void {
    const isFloat = type.kind === 'float'
    let number = typeof value === 'number' || typeof value === 'bigint' ? Number(value) : isRaw(value) ? Number(value.rawJSON) : NOT_FINITE.get(value as string)
    if (number === undefined) this.#wrong(type, value)
    if (isFloat) number = Math.fround(number)
    if (typeof value !== 'string' && !Number.isFinite(number)) this.#fail(`${type.kind} within its range`, describe(value))
    if (isFloat) this.#out.float(number)
    else this.#out.double(number)
  }

  #string (type: Type, value: unknown): void {
    if (typeof value !== 'string') this.#wrong(type, value)
    if (!value.isWellFormed()) this.#fail('string', 'half of a surrogate pair, which is no Unicode text')
    this.#out.text(value)
  }

  #bytes (type: Type, value: unknown): void {
    if (typeof value !== 'string') this.#wrong(type, value)
    if (!isLatin1(value)) this.#fail('bytes: a string whose characters are bytes (U+0000 to U+00FF)', describe(value))
    this.#out.long(value.length)
    this.#out.raw(Buffer.from(value, 'latin1'))
  }

  #fixed (type: FixedType, value: unknown): void {
    if (typeof value !== 'string') this.#wrong(type, value)
    if (type.logical?.name === 'uuid' && isUuid(value)) return this.#out.raw(Buffer.from(value.replaceAll('-', ''), 'hex'))
    if (value.length !== type.size || !isLatin1(value)) {
      this.#fail(`${expectationOf(type)}: a string of ${type.size} characters from U+0000 to U+00FF`, `${describe(value)} of ${value.length}`)
    }
    this.#out.raw(Buffer.from(value, 'latin1'))
  }

  #decimal (type: DecimalType, value: unknown): void {
    const text = typeof value === 'bigint' ? String(value) : isNumber(value) ? numberText(value) : value
    if (typeof text !== 'string') this.#wrong(type, value)
    if (typeof value === 'string' && (this.#encoding !== 'any' || !isDecimalText(text))) {
      if (text.length === 0 || text.length > MAX_DECIMAL_BYTES) this.#fail(`decimal of 1 to ${MAX_DECIMAL_BYTES} bytes`, `${text.length} characters`)
      return type.kind === 'fixed' ? this.#fixed(type, value) : this.#bytes(type, value)
    }
    const unscaled = unscaledOf(text, type.logical.precision, type.logical.scale)
    const bytes = unscaled === null ? null : decimalBytes(unscaled, type.kind === 'fixed' ? type.size : null)
    if (bytes === null) this.#wrong(type, value)
    if (type.kind === 'bytes') this.#out.long(bytes.length)
    this.#out.raw(bytes)
  }

  #down (): void {
    this.#reach(++this.#depth)
  }

  #reach (depth: number): void {
    if (depth > MAX_VALUE_DEPTH) this.#fail(`at most ${MAX_VALUE_DEPTH} values within each other`, 'more')
    if (depth > this.#deepest) this.#deepest = depth
  }

  #countEmpty (items: number): void {
    this.#emptyItems += items
    if (this.#emptyItems > MAX_EMPTY_ITEMS) this.#fail(`at most ${MAX_EMPTY_ITEMS} items that take no bytes`, 'more')
  }

  #array (items: Type, value: readonly unknown[]): void {
    this.#down()
    if (value.length > 0) {
      this.#out.long(value.length)
      const start = this.#out.length
      value.forEach((item, i) => {
        this.#path.push(i)
        this.#value(items, item)
        this.#path.pop()
      })
      if (this.#out.length === start) this.#countEmpty(value.length)
    }
    this.#out.long(0)
    this.#depth--
  }

  #map (values: Type, value: object): void {
    this.#down()
    const entries = Object.entries(value)
    if (entries.length > 0) this.#out.long(entries.length)
    for (const [key, one] of entries) {
      this.#path.push(key)
      if (!key.isWellFormed()) this.#fail('string', 'half of a surrogate pair, which is no Unicode text')
      this.#out.text(key)
      this.#value(values, one)
      this.#path.pop()
    }
    this.#out.long(0)
    this.#depth--
  }

  #union (type: UnionType, value: unknown): void {
    this.#work(type.types.length * (isObject(value) ? 1 + Object.keys(value).length : 1))
    const choice = chooseBranch(type, value, this.#encoding)
    if (choice === null) this.#wrong(type, value)
    this.#out.long(choice.index)
    this.#value(type.types[choice.index]!, choice.value)
  }

  #record (type: RecordType, value: Readonly<Record<string, unknown>>): void {
    this.#down()
    this.#work(type.fields.length)
    for (const key of Object.keys(value)) {
      if (type.fieldByName.has(key)) continue
      this.#path.push(key)
      this.#fail(`a field of ${expectationOf(type)} (it has ${namesOf(type)})`, `${describe(value[key])} in a field that it does not have`)
    }
    for (const field of type.fields) {
      this.#path.push(field.name)
      if (Object.hasOwn(value, field.name)) this.#value(field.type, value[field.name])
      else this.#default(field)
      this.#path.pop()
    }
    this.#depth--
  }

  #default (field: Field): void {
    const known = this.#defaults.get(field)
    if (known !== undefined) {
      this.#reach(this.#depth + known.height)
      this.#countEmpty(known.emptyItems)
      return this.#out.raw(known.bytes)
    }
    if (field.default === undefined) this.#fail(`${expectationOf(field.type)} (the field has no default)`, 'nothing')
    const encoding = this.#encoding
    const path = this.#path
    const deepest = this.#deepest
    const emptyItems = this.#emptyItems
    const start = this.#out.length
    this.#encoding = 'default'
    // What is wrong within a default is said from the outermost one on.
    if (encoding !== 'default') this.#path = []
    this.#deepest = this.#depth
    try {
      this.#value(field.type, field.default)
      if (this.#out.length - start > MAX_DEFAULT) this.#fail(`at most ${MAX_DEFAULT} bytes`, 'more')
    } catch (error) {
      if (!(error instanceof PayloadError) || encoding === 'default') throw error
      const { path: within, expected, found } = error.flaw
      this.#path = path
      this.#fail(`a value, since the default that the schema gives this field does not fit: ${within === '' ? '' : `${within} is to be `}${expected}`, found)
    }
    if (this.#defaults.hasRoom(this.#out.length - start)) {
      this.#defaults.keep(field, { bytes: this.#out.since(start), height: this.#deepest - this.#depth, emptyItems: this.#emptyItems - emptyItems })
    }
    this.#encoding = encoding
    this.#path = path
    this.#deepest = Math.max(deepest, this.#deepest)
  }
}

function namesOf (type: RecordType): string {
  const names = type.fields.slice(0, 12).map(field => field.name.slice(0, 64))
  return names.length === 0 ? 'none' : `${names.join(', ')}${type.fields.length > 12 ? ', …' : ''}`
}

const pathOf = (path: readonly (string | number)[]): string => path.map(part =>
  typeof part === 'number' ? `[${part}]` : /^\w+$/.test(part) ? `.${part}` : `[${JSON.stringify(part.slice(0, 64))}]`).join('').replace(/^\./, '')
