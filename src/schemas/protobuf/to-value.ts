/**
 * Payloads as values for rules (CEL): messages and maps are Maps, by the names that the schema has. Enums are their numbers, as CEL
 * has them; wrappers and Struct are what they stand for. A field that tells being unset from its default is left out when it is unset.
 */
import type { DescField, DescMessage, Message, Registry } from '@bufbuild/protobuf'
import { getExtension, ScalarType } from '@bufbuild/protobuf'
import type { ReflectMessage } from '@bufbuild/protobuf/reflect'
import { isReflectMessage, reflect } from '@bufbuild/protobuf/reflect'
import { fromText } from '@bufbuild/protobuf/txtpb'

import type { Field } from '../format.ts'

type Visit = (field: Field) => void

const WRAPPER = /^google\.protobuf\.(?:Double|Float|Int64|UInt64|Int32|UInt32|Bool|String|Bytes)Value$/

export const readValue = (desc: DescMessage, message: Message, registry: Registry, visit?: Visit): unknown =>
  new ValueReader(registry, visit).message(reflect(desc, message), '')

class ValueReader {
  readonly #registry: Registry
  readonly #visit: Visit | undefined
  readonly #tags = new Map<DescField, readonly string[]>()

  constructor (registry: Registry, visit: Visit | undefined) {
    this.#registry = registry
    this.#visit = visit
  }

  message (message: ReflectMessage, path: string): unknown {
    const { typeName, fields } = message.desc
    const [only] = fields
    if (WRAPPER.test(typeName) && only !== undefined) return plain(only, message.get(only))
    if (typeName === 'google.protobuf.Value') {
      const set = fields.find((field) => message.isSet(field))
      return set === undefined || set.fieldKind === 'enum' ? null : this.#value(set, message.get(set), path)
    }
    if ((typeName === 'google.protobuf.Struct' || typeName === 'google.protobuf.ListValue') && only !== undefined) {
      return this.#value(only, message.get(only), path)
    }
    const values = new Map<string, unknown>()
    for (const field of fields) {
      const hasPresence = field.fieldKind !== 'list' && field.fieldKind !== 'map' && field.presence !== 2
      if (hasPresence && !message.isSet(field)) continue
      const at = path === '' ? field.name : `${path}.${field.name}`
      const value = this.#value(field, message.get(field), at)
      values.set(field.name, value)
      if (this.#visit !== undefined && !Array.isArray(value) && !(value instanceof Map)) {
        this.#visit({
          fullName: `${typeName}.${field.name}`, name: field.name, typeName: confluentType(field), tags: this.#tagsOf(field), path: at, value
        })
      }
    }
    return values
  }

  #value (field: DescField, value: unknown, path: string): unknown {
    if (isReflectMessage(value)) return this.message(value, path)
    if (field.fieldKind === 'list') return [...value as Iterable<unknown>].map((each, index) => this.#element(field, each, `${path}[${index}]`))
    if (field.fieldKind !== 'map') return plain(field, value)
    const entries = new Map<unknown, unknown>()
    for (const [key, each] of value as Iterable<[unknown, unknown]>) {
      entries.set(typeof key === 'number' ? BigInt(key) : key, this.#element(field, each, `${path}[${JSON.stringify(String(key).slice(0, 64))}]`))
    }
    return entries
  }

  #element (field: DescField, value: unknown, path: string): unknown {
    return isReflectMessage(value) ? this.message(value, path) : plain(field, value)
  }

  #tagsOf (field: DescField): readonly string[] {
    let tags = this.#tags.get(field)
    if (tags === undefined) {
      tags = readTags(field, this.#registry)
      this.#tags.set(field, tags)
    }
    return tags
  }
}

function plain ({ enum: type, scalar }: DescField, value: unknown): unknown {
  if (typeof value === 'number' && (type !== undefined || (scalar !== ScalarType.DOUBLE && scalar !== ScalarType.FLOAT))) return BigInt(value)
  // 64-bit integers that the schema wants as strings in JavaScript: jstype = JS_STRING.
  return typeof value === 'string' && scalar !== ScalarType.STRING ? BigInt(value) : value
}

function confluentType ({ fieldKind, enum: type, scalar, message }: DescField): string {
  if (type !== undefined) return 'ENUM'
  if (fieldKind === 'message') return message.fields[0] === undefined ? 'NULL' : confluentType(message.fields[0])
  switch (scalar) {
    case ScalarType.STRING: return 'STRING'
    case ScalarType.BYTES: return 'BYTES'
    case ScalarType.BOOL: return 'BOOLEAN'
    case ScalarType.FLOAT: return 'FLOAT'
    case ScalarType.DOUBLE: return 'DOUBLE'
    case ScalarType.INT32: case ScalarType.UINT32: case ScalarType.SINT32: case ScalarType.FIXED32: case ScalarType.SFIXED32: return 'INT'
    default: return 'LONG'
  }
}

/** What `[(confluent.field_meta).tags = "PII"]` and `[(confluent.field_meta) = { tags: ["PII"] }]` say, as text or as bytes. */
function readTags ({ proto: { options } }: DescField, registry: Registry): readonly string[] {
  const meta = registry.getMessage('confluent.Meta')
  if (meta === undefined || options === undefined) return []
  const tags: string[] = []
  for (const { name: [first, second], stringValue, aggregateValue } of options.uninterpretedOption) {
    if (first?.isExtension !== true || !/^\.?(?:confluent\.)?field_meta$/.test(first.namePart)) continue
    if (second === undefined) tags.push(...tagsIn(fromText(meta, aggregateValue)))
    else if (second.namePart === 'tags') tags.push(Buffer.from(stringValue).toString())
  }
  const extension = registry.getExtension('confluent.field_meta')
  if (options.$unknown?.some(({ no }) => no === extension?.number) === true && extension !== undefined) {
    tags.push(...tagsIn(getExtension(options, extension)))
  }
  return tags
}

const tagsIn = (meta: unknown): readonly string[] => (meta as { tags?: string[] }).tags ?? []
