/**
 * A schema in the words of draft 2020-12, whichever draft it was written in. Subschemas refer to each other as objects, in
 * circles where the text does.
 */

export type JsonType = 'array' | 'boolean' | 'integer' | 'null' | 'number' | 'object' | 'string'

export const NUMBER_LIMITS = ['maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'multipleOf'] as const
export const COUNT_LIMITS = [
  'maxLength', 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties', 'maxContains', 'minContains'
] as const
export type Limit = typeof NUMBER_LIMITS[number] | typeof COUNT_LIMITS[number]

// There are many subschemas, and most keywords are not there: what is empty is shared.
const NONE: readonly never[] = []
const NOTHING: ReadonlyMap<string, never> = new Map<string, never>()
const NO_LIMITS = {}

/** Filled once, by SubschemaBuilder; read-only for everyone else. */
export class Subschema {
  /** A JSON pointer as a fragment, `#/properties/a`; behind the name of the reference that it lies in, if it lies in one. */
  readonly path: string
  /** True and false are schemas too: everything, nothing. Null: see the rest. */
  readonly always: boolean | null
  refs: readonly Subschema[] = NONE
  /** A `$ref` that nothing stands beside. */
  isBare = false
  /** Null: any. */
  types: readonly JsonType[] | null = null
  /** `enum`, and `const` as an enum of one: a value has to be in each of them. */
  enums: readonly (readonly unknown[])[] = NONE
  limits: Readonly<Partial<Record<Limit, number>>> = NO_LIMITS
  pattern: string | null = null
  format: string | null = null
  uniqueItems = false
  prefixItems: readonly Subschema[] = NONE
  /** Behind `prefixItems`. Null: any. */
  items: Subschema | null = null
  contains: Subschema | null = null
  properties: ReadonlyMap<string, Subschema> = NOTHING
  patternProperties: ReadonlyMap<string, Subschema> = NOTHING
  additionalProperties: Subschema | null = null
  propertyNames: Subschema | null = null
  required: readonly string[] = NONE
  dependentRequired: ReadonlyMap<string, readonly string[]> = NOTHING
  dependentSchemas: ReadonlyMap<string, Subschema> = NOTHING
  unevaluatedItems: Subschema | null = null
  unevaluatedProperties: Subschema | null = null
  allOf: readonly Subschema[] = NONE
  anyOf: readonly Subschema[] = NONE
  oneOf: readonly Subschema[] = NONE
  not: Subschema | null = null
  if: Subschema | null = null
  then: Subschema | null = null
  else: Subschema | null = null
  hasDefault = false
  /** `confluent:tags`. */
  tags: readonly string[] = NONE

  constructor (path: string, always: boolean | null) {
    this.path = path
    this.always = always
  }
}
