/** Payloads as values for rules (CEL), from bytes that check.ts has been over before. */
import { PayloadError, type Field as RuleField } from '../format.ts'
import type { Cursor } from './cursor.ts'
import { decimalText } from './decimal.ts'
import { isDecimal } from './logical.ts'
import type { Field, RecordType, Type } from './schema.ts'
import { uuidText } from './write-json.ts'

/** Few bytes can stand for many values: fields without any are in no payload. */
const MAX_VALUES = 200_000

export type Visit = (field: RuleField) => void

/** Throws PayloadError. */
export const readValue = (type: Type, cursor: Cursor, visit: Visit | undefined): unknown => new ValueReader(cursor, visit).value(type, '')

class ValueReader {
  readonly #cursor: Cursor
  readonly #visit: Visit | undefined
  #values = 0

  constructor (cursor: Cursor, visit: Visit | undefined) {
    this.#cursor = cursor
    this.#visit = visit
  }

  /** `within`: the field that it is the value of, itself or as a branch of a union. */
  value (type: Type, path: string, within?: { readonly record: RecordType, readonly field: Field }): unknown {
    if (++this.#values > MAX_VALUES) throw new PayloadError({ path, expected: `at most ${MAX_VALUES} values`, found: 'more' })
    const cursor = this.#cursor
    switch (type.kind) {
      case 'union': return this.value(type.types[cursor.readCount()]!, path, within)
      case 'record': return this.#record(type, path)
      case 'array': {
        const items: unknown[] = []
        this.#blocks(() => { items.push(this.value(type.items, this.#within(path, `[${items.length}]`))) })
        return items
      }
      case 'map': {
        const entries = new Map<string, unknown>()
        this.#blocks(() => {
          const key = cursor.readText()
          entries.set(key, this.value(type.values, this.#within(path, `[${JSON.stringify(key.slice(0, 64))}]`)))
        })
        return entries
      }
    }
    const value = this.#leaf(type)
    if (within !== undefined && this.#visit !== undefined) {
      const { record, field } = within
      this.#visit({ fullName: `${record.fullName}.${field.name}`, name: field.name, typeName: type.kind.toUpperCase(), tags: tagsOf(field), path, value })
    }
    return value
  }

  #leaf (type: Exclude<Type, { kind: 'union' | 'record' | 'array' | 'map' }>): unknown {
    const cursor = this.#cursor
    if (isDecimal(type)) {
      const { scale } = type.logical
      // Zeros that no bytes stand for.
      this.#values += scale >> 6
      return Number(decimalText(cursor.read(type.kind === 'fixed' ? type.size : cursor.readCount()), scale))
    }
    switch (type.kind) {
      case 'null': return null
      case 'boolean': return cursor.bytes[cursor.at++] !== 0
      case 'int': case 'long': return cursor.readBigInt()
      case 'float': return cursor.read(4).readFloatLE(0)
      case 'double': return cursor.read(8).readDoubleLE(0)
      case 'string': return cursor.readText()
      case 'bytes': return new Uint8Array(cursor.read(cursor.readCount()))
      case 'fixed': return type.logical?.name === 'uuid' ? uuidText(cursor.read(16)) : new Uint8Array(cursor.read(type.size))
      case 'enum': return type.symbols[cursor.readCount()]
    }
  }

  #record (type: RecordType, path: string): Map<string, unknown> {
    const fields = new Map<string, unknown>()
    for (const field of type.fields) {
      fields.set(field.name, this.value(field.type, this.#within(path, path === '' ? field.name : `.${field.name}`), { record: type, field }))
    }
    return fields
  }

  /** Nobody else asks for it. */
  #within (path: string, part: string): string {
    return this.#visit === undefined ? '' : path + part
  }

  #blocks (item: () => void): void {
    for (let count = this.#cursor.readCount(); count !== 0; count = this.#cursor.readCount()) {
      if (count < 0) {
        count = -count
        this.#cursor.readCount()
      }
      for (let i = 0; i < count; i++) item()
    }
  }
}

function tagsOf (field: Field): readonly string[] {
  const tags = field.props.get('confluent:tags')
  return Array.isArray(tags) ? (tags as readonly unknown[]).filter(tag => typeof tag === 'string') : []
}
