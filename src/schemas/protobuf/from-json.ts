/**
 * JSON on its way into a message. The library does the mapping (protobuf.dev/programming-guides/json); what is done here is what
 * it does not: 64-bit integers that a double cannot hold, and saying where in the value a flaw is.
 */
import type { DescField, DescMessage, JsonValue, Registry } from '@bufbuild/protobuf'
import { fromJson, ScalarType } from '@bufbuild/protobuf'

import { PayloadError } from '../format.ts'
import { MAX_PAYLOAD_DEPTH, MAX_VALUE_FIELDS } from './limits.ts'
import { typeOf } from './wire-plan.ts'

const { isRawJSON } = JSON as unknown as { isRawJSON: (value: unknown) => value is { readonly rawJSON: string } }

const INTEGER = /^-?\d+(?:\.0+)?$/
const INTEGER_64 = /^-?\d+$/
const FLOAT = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity)$/
const DURATION = /^-?\d+(?:\.\d{1,9})?s$/
const LEGACY_REQUIRED = 3
/** What is within is tried again on each level. */
const MAX_BLAME_DEPTH = 8

/** With JSON of their own (protobuf.dev/programming-guides/json, "ProtoJSON format"). */
const CUSTOM = new Set(['Any', 'Timestamp', 'Duration', 'FieldMask', 'Struct', 'Value', 'ListValue', 'DoubleValue', 'FloatValue', 'Int64Value',
  'UInt64Value', 'Int32Value', 'UInt32Value', 'BoolValue', 'StringValue', 'BytesValue'].map((name) => `google.protobuf.${name}`))

/**
 * The value as the library takes it: as long as nothing is wrong with its shape. Throws PayloadError where a field is unknown,
 * given twice or missing, and where a text or number is not what it has to look like.
 */
export class JsonReader {
  readonly #registry: Registry
  readonly #fields = new WeakMap<DescMessage, Map<string, DescField>>()
  #left = 0

  constructor (registry: Registry) {
    this.#registry = registry
  }

  read (desc: DescMessage, value: unknown): JsonValue {
    this.#left = MAX_VALUE_FIELDS
    try {
      return this.#message(desc, value, '', 0)
    } catch (error) {
      throw error instanceof RangeError ? flaw('', 'JSON that is nested less deep', 'too many levels') : error
    }
  }

  #message (desc: DescMessage, value: unknown, path: string, depth: number): JsonValue {
    if (depth >= MAX_PAYLOAD_DEPTH) throw flaw(path, `at most ${MAX_PAYLOAD_DEPTH} messages within each other`, 'more')
    this.#left -= desc.fields.length
    if (this.#left < 0) throw flaw(path, `at most ${MAX_VALUE_FIELDS} fields, those at their defaults among them`, 'more')
    if (CUSTOM.has(desc.typeName)) return this.#custom(desc, value, path, depth)
    if (!isObject(value)) throw flaw(path, `an object, for message ${desc.typeName}`, foundOf(value))
    const fields = this.#fieldsOf(desc)
    const seen = new Set<unknown>()
    const plain: Record<string, JsonValue> = {}
    for (const [key, each] of Object.entries(value)) {
      const at = join(path, key)
      const field = fields.get(key)
      if (field === undefined) {
        const extension = /^\[.*\]$/.test(key) ? this.#registry.getExtension(key.slice(1, -1)) : undefined
        if (extension?.extendee.typeName !== desc.typeName) {
          throw flaw(at, `a field of ${desc.typeName}: ${namesOf(desc)}`, `field ${JSON.stringify(key.slice(0, 80))}`)
        }
        set(plain, key, plainNumbers(each))
        continue
      }
      if (seen.has(field)) throw flaw(at, `field ${field.name} once`, 'it twice, by both of its names')
      seen.add(field)
      if (field.oneof !== undefined && each !== null) {
        if (seen.has(field.oneof)) throw flaw(at, `one field of oneof ${field.oneof.name}`, 'several')
        seen.add(field.oneof)
      }
      if (each === null && field.presence === LEGACY_REQUIRED) throw flaw(at, `${typeOf(field)}, which is required`, 'null')
      set(plain, key, each === null ? null : this.#field(field, each, at, depth))
    }
    for (const field of desc.fields) {
      if (field.presence === LEGACY_REQUIRED && !seen.has(field)) {
        throw flaw(join(path, field.jsonName), `${typeOf(field)}, which is required`, 'nothing')
      }
    }
    return plain
  }

  #field (field: DescField, value: unknown, path: string, depth: number): JsonValue {
    if (field.fieldKind === 'list') {
      if (!Array.isArray(value)) throw flaw(path, `an array of ${typeOf(field)}`, foundOf(value))
      return value.map((each: unknown, index) => this.#single(field, each, `${path}[${index}]`, depth))
    }
    if (field.fieldKind !== 'map') return this.#single(field, value, path, depth)
    if (!isObject(value)) throw flaw(path, `an object, for ${typeOf(field)}`, foundOf(value))
    const plain: Record<string, JsonValue> = {}
    for (const [key, each] of Object.entries(value)) set(plain, key, this.#single(field, each, `${path}[${JSON.stringify(key.slice(0, 80))}]`, depth))
    return plain
  }

  #single (field: DescField, value: unknown, path: string, depth: number): JsonValue {
    if (field.message !== undefined && value !== null) return this.#message(field.message, value, path, depth + 1)
    return scalar(field.scalar, value, () => flaw(path, typeOf(field), foundOf(value)))
  }

  #custom (desc: DescMessage, value: unknown, path: string, depth: number): JsonValue {
    const refuse = (): PayloadError => flaw(path, `${desc.typeName} as JSON has it`, foundOf(value))
    if (desc.typeName === 'google.protobuf.Any' && isObject(value) && typeof value['@type'] === 'string') {
      const url = value['@type']
      const held = this.#registry.getMessage(url.slice(url.lastIndexOf('/') + 1))
      if (held === undefined) throw flaw(join(path, '@type'), 'a message that the schema or one of its references has', JSON.stringify(url.slice(0, 80)))
      const { '@type': type, ...rest } = value
      if (CUSTOM.has(held.typeName)) return { '@type': type, value: this.#message(held, rest['value'], join(path, 'value'), depth + 1) } as JsonValue
      return { ...this.#message(held, rest, path, depth + 1) as object, '@type': url }
    }
    if (desc.typeName === 'google.protobuf.Duration' && !(typeof value === 'string' && DURATION.test(value))) throw refuse()
    if (/^google\.protobuf\.\w+(?<!Any|Struct|List)Value$/.test(desc.typeName)) return scalar(desc.fields[0]?.scalar, value, refuse)
    return plainNumbers(value)
  }

  #fieldsOf (desc: DescMessage): Map<string, DescField> {
    let fields = this.#fields.get(desc)
    if (fields === undefined) {
      fields = new Map([...desc.fields.map((field): [string, DescField] => [field.name, field]),
        ...desc.fields.map((field): [string, DescField] => [field.jsonName, field])])
      this.#fields.set(desc, fields)
    }
    return fields
  }
}

/** Numbers as strings where that keeps their digits; refuses what the library would take in silence: hexadecimal, surrogates. */
function scalar (type: ScalarType | undefined, value: unknown, refuse: () => PayloadError): JsonValue {
  const text = isRawJSON(value) ? value.rawJSON : typeof value === 'string' ? value : null
  switch (type) {
    case ScalarType.INT64: case ScalarType.UINT64: case ScalarType.SINT64: case ScalarType.FIXED64: case ScalarType.SFIXED64:
      if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value).toString()
      if (text !== null && !INTEGER_64.test(text)) throw refuse()
      return text ?? plainNumbers(value)
    case ScalarType.INT32: case ScalarType.UINT32: case ScalarType.SINT32: case ScalarType.FIXED32: case ScalarType.SFIXED32:
      if (text !== null && !INTEGER.test(text)) throw refuse()
      break
    case ScalarType.DOUBLE: case ScalarType.FLOAT:
      if (text === null) break
      if (!FLOAT.test(text) || (isRawJSON(value) && !Number.isFinite(Number(text)))) throw refuse()
      return Number.isFinite(Number(text)) ? Number(text) : text
    case ScalarType.STRING:
      if (typeof value === 'string' && !value.isWellFormed()) throw refuse()
      break
  }
  return plainNumbers(value)
}

/** Any JSON, with doubles for numbers: for what is a double in Protobuf, or is refused anyway. */
function plainNumbers (value: unknown): JsonValue {
  if (isRawJSON(value)) return Number(value.rawJSON)
  if (Array.isArray(value)) return value.map(plainNumbers)
  if (!isObject(value)) return value as JsonValue
  const plain: Record<string, JsonValue> = {}
  for (const [key, each] of Object.entries(value)) set(plain, key, plainNumbers(each))
  return plain
}

/**
 * Where in `value`, which the library refuses, the flaw is: each field is tried alone, and what is refused is looked into. Only
 * what has been read by JsonReader can be asked about.
 */
export function blame (desc: DescMessage, value: JsonValue, registry: Registry, path = '', depth = 0): PayloadError | null {
  if (CUSTOM.has(desc.typeName) || !isObject(value) || depth > MAX_BLAME_DEPTH) return null
  for (const field of desc.fields) {
    const key = [field.jsonName, field.name].find((name) => Object.hasOwn(value, name))
    if (key === undefined) continue
    const each = value[key] as JsonValue
    const isTaken = (part: JsonValue): boolean => accepts(desc, set({}, key, part), registry)
    if (isTaken(each)) continue
    const at = join(path, key)
    if (field.fieldKind === 'list') {
      const index = (each as JsonValue[]).findIndex((one) => !isTaken([one]))
      if (index !== -1) return blameSingle(field, (each as JsonValue[])[index] as JsonValue, registry, `${at}[${index}]`, depth)
    } else if (field.fieldKind === 'map') {
      const entry = Object.entries(each as Record<string, JsonValue>).find(([name, one]) => !isTaken(set({}, name, one)))
      if (entry !== undefined) return blameSingle(field, entry[1], registry, `${at}[${JSON.stringify(entry[0].slice(0, 80))}]`, depth)
    }
    return blameSingle(field, each, registry, at, depth)
  }
  return null
}

const blameSingle = (field: DescField, value: JsonValue, registry: Registry, path: string, depth: number): PayloadError =>
  (field.message !== undefined ? blame(field.message, value, registry, path, depth + 1) : null) ?? flaw(path, expectedOf(field), foundOf(value))

function accepts (desc: DescMessage, value: JsonValue, registry: Registry): boolean {
  try {
    fromJson(desc, value, { registry })
    return true
  } catch {
    return false
  }
}

const expectedOf = (field: DescField): string => field.enum === undefined
  ? typeOf(field)
  : `one of ${field.enum.values.slice(0, 20).map(({ name }) => `"${name}"`).join(', ')}${field.enum.values.length > 20 ? ', …' : ''}`

function namesOf ({ fields }: DescMessage): string {
  if (fields.length === 0) return 'it has none'
  return `one of ${fields.slice(0, 20).map(({ jsonName }) => jsonName).join(', ')}${fields.length > 20 ? ', …' : ''}`
}

function foundOf (value: unknown): string {
  if (isRawJSON(value)) return `number ${value.rawJSON.slice(0, 80)}`
  if (value === null || value === undefined) return value === null ? 'null' : 'nothing'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  const text = JSON.stringify(value)
  return `${typeof value} ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value)

/** As an own property, whatever it is called. */
function set (object: Record<string, JsonValue>, key: string, value: JsonValue): Record<string, JsonValue> {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
  else object[key] = value
  return object
}

const join = (path: string, key: string): string => path === '' ? key.slice(0, 80) : `${path}.${key.slice(0, 80)}`

const flaw = (path: string, expected: string, found: string): PayloadError => new PayloadError({ path, expected, found })
