/**
 * What a reader has to know of a message to walk over its bytes.
 */
import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { ScalarType } from '@bufbuild/protobuf'

/** protobuf.dev/programming-guides/encoding */
export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const START_GROUP = 3
export const END_GROUP = 4
export const FIXED32 = 5

export interface FieldPlan {
  readonly number: number
  readonly name: string
  /** For people: `int32`, `message a.B`. */
  readonly type: string
  readonly wire: number
  readonly isRepeated: boolean
  /** Several values may stand together behind one length. */
  readonly isPackable: boolean
  readonly isUtf8: boolean
  /** Of a message, a group, or the entry of a map. */
  readonly message: Plan | null
  /** An entry is no level of its own. */
  readonly isMap: boolean
  /** The place among the required fields, or -1. */
  readonly required: number
}

/** Numbers below are looked up in an array. */
const NEAR = 64
const LEGACY_REQUIRED = 3

export class Plan {
  readonly name: string
  readonly required: FieldPlan[] = []
  /** How many fields there are. */
  width = 0
  readonly #near: Array<FieldPlan | undefined> = []
  readonly #far = new Map<number, FieldPlan>()

  constructor (name: string) {
    this.name = name
  }

  add (field: FieldPlan): void {
    this.width++
    if (field.number < NEAR) this.#near[field.number] = field
    else this.#far.set(field.number, field)
    if (field.required !== -1) this.required.push(field)
  }

  field (number: number): FieldPlan | undefined {
    return number < NEAR ? this.#near[number] : this.#far.get(number)
  }
}

/** Plans of messages, each made once. */
export class Plans {
  readonly #plans = new Map<DescMessage, Plan>()

  of (root: DescMessage): Plan {
    const done = this.#plans.get(root)
    if (done !== undefined) return done
    // A list of what is left to do and not a recursion: messages may refer to each other in chains of any length.
    const plan = this.#empty(root)
    for (let next = this.#left.pop(); next !== undefined; next = this.#left.pop()) {
      const [desc, unfinished] = next
      for (const field of desc.fields) unfinished.add(this.#field(field, unfinished.required.length))
    }
    return plan
  }

  readonly #left: Array<[DescMessage, Plan]> = []

  #empty (desc: DescMessage): Plan {
    let plan = this.#plans.get(desc)
    if (plan === undefined) {
      plan = new Plan(desc.typeName)
      this.#plans.set(desc, plan)
      this.#left.push([desc, plan])
    }
    return plan
  }

  #field (field: DescField, required: number): FieldPlan {
    const { number, name } = field
    const isRepeated = field.fieldKind === 'list'
    const base = {
      number,
      name,
      type: typeOf(field),
      isRepeated: isRepeated || field.fieldKind === 'map',
      isMap: field.fieldKind === 'map',
      isUtf8: false,
      isPackable: false,
      message: null,
      required: field.presence === LEGACY_REQUIRED ? required : -1
    }
    if (field.fieldKind === 'map') return { ...base, wire: LENGTH, message: this.#entry(field) }
    if (field.message !== undefined) {
      return { ...base, wire: field.delimitedEncoding ? START_GROUP : LENGTH, message: this.#empty(field.message) }
    }
    const scalar = field.scalar ?? ScalarType.INT32
    const wire = wireOf(scalar)
    return { ...base, wire, isPackable: isRepeated && wire !== LENGTH, isUtf8: scalar === ScalarType.STRING && field.utf8Validation }
  }

  #entry (field: DescField & { fieldKind: 'map' }): Plan {
    const entry = new Plan(`${field.parent.typeName}.${field.name}`)
    const part = { isRepeated: false, isPackable: false, isMap: false, required: -1 }
    const isText = (type: ScalarType | undefined): boolean => type === ScalarType.STRING && field.utf8Validation
    entry.add({
      ...part, number: 1, name: 'key', type: nameOf(field.mapKey), wire: wireOf(field.mapKey), isUtf8: isText(field.mapKey), message: null
    })
    entry.add({
      ...part,
      number: 2,
      name: 'value',
      type: field.message !== undefined ? `message ${field.message.typeName}` : nameOf(field.scalar ?? ScalarType.INT32),
      wire: field.message !== undefined ? LENGTH : wireOf(field.scalar ?? ScalarType.INT32),
      isUtf8: isText(field.scalar),
      message: field.message !== undefined ? this.#empty(field.message) : null
    })
    return entry
  }
}

function wireOf (type: ScalarType): number {
  switch (type) {
    case ScalarType.DOUBLE: case ScalarType.FIXED64: case ScalarType.SFIXED64: return FIXED64
    case ScalarType.FLOAT: case ScalarType.FIXED32: case ScalarType.SFIXED32: return FIXED32
    case ScalarType.STRING: case ScalarType.BYTES: return LENGTH
    default: return VARINT
  }
}

const nameOf = (type: ScalarType): string => ScalarType[type].toLowerCase()

/** What a field holds, for people; of a list one element. */
export function typeOf (field: DescField): string {
  if (field.fieldKind === 'map') return `map<${nameOf(field.mapKey)}, ${field.message?.typeName ?? field.enum?.typeName ?? nameOf(field.scalar as ScalarType)}>`
  if (field.message !== undefined) return `message ${field.message.typeName}`
  return field.enum !== undefined ? `enum ${field.enum.typeName}` : nameOf(field.scalar as ScalarType)
}
