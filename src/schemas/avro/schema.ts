/**
 * What an Avro schema says (Apache Avro 1.12, "Specification", section Schema Declaration), checked and with its names
 * resolved: a type that is used by its name is the very object of its definition, so types that contain themselves are cycles.
 */
import type { Json } from './json.ts'

export const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type PrimitiveKind = typeof PRIMITIVES[number]

/** What the specification does not give a meaning to, in the order of the text; logical types are among them. */
export type Props = ReadonlyMap<string, Json>

/** Those that change how a value is shown; of the others only the name is of interest. One that does not fit its type is none. */
export type Logical =
  | { readonly name: 'decimal', readonly precision: number, readonly scale: number }
  | { readonly name: 'uuid' }
  | { readonly name: 'other', readonly word: string }

interface Annotated {
  readonly props: Props
  readonly logical: Logical | null
}

interface Named extends Annotated {
  /** With its namespace: `org.example.User`. */
  readonly fullName: string
  /** Null: none. */
  readonly namespace: string | null
  readonly doc: string | null
  /** Full names. */
  readonly aliases: readonly string[]
}

export interface PrimitiveType extends Annotated { readonly kind: PrimitiveKind }
export interface ArrayType extends Annotated { readonly kind: 'array', readonly items: Type }
export interface MapType extends Annotated { readonly kind: 'map', readonly values: Type }
export interface UnionType { readonly kind: 'union', readonly types: readonly Type[] }
export interface FixedType extends Named { readonly kind: 'fixed', readonly size: number }

export interface EnumType extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
  readonly indexBySymbol: ReadonlyMap<string, number>
  readonly default: string | null
}

export interface RecordType extends Named {
  readonly kind: 'record'
  /** Declared as `error`, which is a record in all but name. */
  readonly isError: boolean
  readonly fields: readonly Field[]
  readonly fieldByName: ReadonlyMap<string, Field>
}

export interface Field {
  readonly name: string
  readonly position: number
  readonly type: Type
  readonly doc: string | null
  /** Undefined: there is none. Null is one. */
  readonly default: Json | undefined
  readonly order: 'ascending' | 'descending' | 'ignore'
  readonly aliases: readonly string[]
  readonly props: Props
}

export type NamedType = RecordType | EnumType | FixedType
export type Type = PrimitiveType | ArrayType | MapType | UnionType | NamedType

export const isNamed = (type: Type): type is NamedType => type.kind === 'record' || type.kind === 'enum' || type.kind === 'fixed'

/** What tells the branches of a union apart, and what tags them in Avro's JSON encoding. */
export const labelOf = (type: Type): string => isNamed(type) ? type.fullName : type.kind

export const simpleName = (fullName: string): string => fullName.slice(fullName.lastIndexOf('.') + 1)

/** The types that a type is made of. */
export function partsOf (type: Type): readonly Type[] {
  switch (type.kind) {
    case 'array': return [type.items]
    case 'map': return [type.values]
    case 'union': return type.types
    case 'record': return type.fields.map(field => field.type)
    default: return []
  }
}
