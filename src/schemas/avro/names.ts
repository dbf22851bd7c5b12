/** Names of types, and what they stand for (Avro specification, "Names"). */
import { SchemaError } from '../format.ts'
import { PRIMITIVES, type NamedType } from './schema.ts'

/** What the specification allows. */
const STRICT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** What Apache Avro for Java, and so Confluent's registry, takes: letters and digits of all scripts. */
const NAME = /^[\p{L}_][\p{L}\p{Nd}_]*$/u
const MAX_NAME_LENGTH = 1000

export interface FullName {
  readonly fullName: string
  readonly namespace: string | null
}

/** `name` as it is meant within `namespace`. */
export const qualified = (name: string, namespace: string | null): string => namespace !== null && !name.includes('.') ? `${namespace}.${name}` : name

export class Names {
  readonly #types = new Map<string, NamedType>()
  readonly #pattern: RegExp

  constructor (strict: boolean) {
    this.#pattern = strict ? STRICT_NAME : NAME
  }

  /** The namespace goes before the empty one. */
  find (name: string, namespace: string | null): NamedType | undefined {
    return this.#types.get(qualified(name, namespace)) ?? this.#types.get(name)
  }

  /** The one that had this name before; null if none. */
  define (type: NamedType): NamedType | null {
    const first = this.#types.get(type.fullName)
    if (first !== undefined) return first
    this.#types.set(type.fullName, type)
    return null
  }

  /** Throws SchemaError unless it is a name without dots. */
  check (name: unknown, what: string, place: string): asserts name is string {
    if (typeof name === 'string' && name.length <= MAX_NAME_LENGTH && this.#pattern.test(name)) return
    const found = name === undefined ? 'nothing' : JSON.stringify(name).slice(0, 100)
    throw new SchemaError(`Avro schema, at ${place === '' ? 'its root' : place}: ${what} is letters, digits and _ that begin with no digit, found ${found}`)
  }

  /** Of a definition. */
  fullName (name: unknown, namespace: string | null, kind: string, place: string): FullName {
    const what = `the name of a type ("${kind}" needs one)`
    if (typeof name !== 'string') this.check(name, what, place)
    const dot = (name as string).lastIndexOf('.')
    const space = (dot < 0 ? namespace : (name as string).slice(0, dot)) || null
    const simple = (name as string).slice(dot + 1)
    this.check(simple, what, place)
    for (const part of space?.split('.') ?? []) this.check(part, 'a part of a namespace', place)
    const fullName = space === null ? simple : `${space}.${simple}`
    if ((PRIMITIVES as readonly string[]).includes(fullName)) {
      throw new SchemaError(`Avro schema, at ${place === '' ? 'its root' : place}: a type may not be called "${fullName}"`)
    }
    return { fullName, namespace: space }
  }

  alias (alias: string, namespace: string | null, place: string): string {
    this.check(alias.slice(alias.lastIndexOf('.') + 1), 'an alias', place)
    return alias.startsWith('.') ? alias.slice(1) : qualified(alias, namespace)
  }
}
