/**
 * What is known of the values that a schema lets through, for comparing it with another: all of `parts` hold, and of each of
 * `choices` at least one alternative does. References and `allOf` are opened, choices of one are none.
 */
import { Subschema } from './subschema.ts'
import type { JsonType, Limit } from './subschema.ts'

export interface View {
  readonly parts: readonly Subschema[]
  readonly choices: readonly (readonly Subschema[])[]
}

export const ANYTHING: Subschema = new Subschema('#', true)
/** A name of a property, whatever else is said of it. */
export const ANY_STRING: Subschema = Object.assign(new Subschema('#', null), { types: ['string'] })

/** Of what fits all of them at once. */
export function viewOf (...schemas: readonly Subschema[]): View {
  if (schemas.length !== 1) return open(schemas)
  let view = VIEWS.get(schemas[0]!)
  if (view === undefined) VIEWS.set(schemas[0]!, view = open(schemas))
  return view
}

const VIEWS = new WeakMap<Subschema, View>()

function open (schemas: readonly Subschema[]): View {
  const parts = new Set<Subschema>()
  const choices: (readonly Subschema[])[] = []
  const seen = new Set<Subschema>()
  const enter = (one: Subschema): void => {
    if (seen.has(one) || one.always === true) return
    seen.add(one)
    if (!isDetour(one)) parts.add(one)
    one.refs.forEach(enter)
    one.allOf.forEach(enter)
    for (const alternatives of [one.anyOf, one.oneOf]) {
      if (alternatives.length === 1) enter(alternatives[0]!)
      else if (alternatives.length > 1) choices.push(alternatives)
    }
  }
  schemas.forEach(enter)
  const leftovers = [...parts].flatMap(part => leftover(part))
  return { parts: [...parts, ...leftovers], choices }
}

export const join = (view: View, without: readonly Subschema[], alternative: Subschema): View => {
  const added = viewOf(alternative)
  return {
    parts: [...new Set([...view.parts, ...added.parts])],
    choices: [...view.choices.filter(choice => choice !== without), ...added.choices]
  }
}

/**
 * `unevaluatedProperties` and `unevaluatedItems` as what they come to when everything beside them is taken for evaluated:
 * an `additionalProperties` that knows the names in all of them.
 */
function leftover (part: Subschema): Subschema[] {
  if (part.unevaluatedProperties === null && part.unevaluatedItems === null) return []
  const made = new Subschema(part.path, null)
  made.additionalProperties = part.unevaluatedProperties
  made.items = part.unevaluatedItems
  const properties = new Map<string, Subschema>()
  const patterns = new Map<string, Subschema>()
  const prefixItems: Subschema[] = []
  const seen = new Set([part])
  for (const one of seen) {
    for (const name of one.properties.keys()) properties.set(name, ANYTHING)
    for (const pattern of one.patternProperties.keys()) patterns.set(pattern, ANYTHING)
    if (one.additionalProperties !== null) made.additionalProperties = null
    while (prefixItems.length < one.prefixItems.length) prefixItems.push(ANYTHING)
    if (one.items !== null || one.contains !== null) made.items = null
    const beside = [...one.refs, ...one.allOf, ...one.anyOf, ...one.oneOf, ...one.dependentSchemas.values(), one.if, one.then, one.else]
    for (const next of beside) if (next !== null) seen.add(next)
  }
  return [Object.assign(made, { properties, patternProperties: patterns, prefixItems })]
}

/** Whether it says nothing but that something else holds. */
export const isDetour = (one: Subschema): boolean => one.refs.length === 1 && one.isBare

/** Null: any. A number that may be an integer only is no `number` here. */
export function typesOf (view: View): ReadonlySet<JsonType> | null {
  let types = TYPES.get(view)
  if (types === undefined) TYPES.set(view, types = narrow(view))
  return types
}

const TYPES = new WeakMap<View, ReadonlySet<JsonType> | null>()

function narrow ({ parts }: View): ReadonlySet<JsonType> | null {
  let types: Set<JsonType> | null = null
  for (const part of parts) {
    for (const allowed of [part.types, ...part.enums.map(values => values.map(typeOf))]) {
      if (allowed === null) continue
      const narrowed = new Set<JsonType>()
      if (types === null) for (const type of allowed) narrowed.add(type)
      else {
        for (const type of types) {
          if (allowed.includes(type) || (type === 'integer' && allowed.includes('number'))) narrowed.add(type)
          else if (type === 'number' && allowed.includes('integer')) narrowed.add('integer')
        }
      }
      types = narrowed
    }
  }
  if (types?.has('number') === true) types.delete('integer')
  return types
}

/** Whether nothing fits. */
export function isNever (view: View): boolean {
  return view.parts.some(part => part.always === false) || typesOf(view)?.size === 0
}

export function typeOf (value: unknown): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (Number.isInteger(value)) return 'integer'
  return typeof value as JsonType
}

/** The tightest that any part says; undefined if none does. */
export function limitOf ({ parts }: View, limit: Limit): number | undefined {
  const values = parts.map(part => part.limits[limit]).filter(value => value !== undefined)
  return values.length === 0 ? undefined : /^max|Maximum$/.test(limit) ? Math.min(...values) : Math.max(...values)
}
