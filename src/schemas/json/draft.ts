/**
 * Which draft of JSON Schema a text is written in, and what tells them apart. Sources: draft-04 (fge-json-schema-validation-00),
 * draft-06, draft-07 (handrews-json-schema-01), 2019-09, 2020-12.
 */

/** Newer ones are greater. */
export type Draft = 4 | 6 | 7 | 2019 | 2020

/** What a schema is that does not say what it is: as Confluent's registry has it. */
export const DEFAULT_DRAFT: Draft = 7

/** Without scheme and fragment: texts say http and https, with # and without. */
const DRAFTS: ReadonlyMap<string, Draft> = new Map<string, Draft>([
  ['json-schema.org/draft-04/schema', 4],
  ['json-schema.org/draft-06/schema', 6],
  ['json-schema.org/draft-07/schema', 7],
  ['json-schema.org/draft/2019-09/schema', 2019],
  ['json-schema.org/draft/2020-12/schema', 2020]
])

/** Undefined for a dialect that nobody here knows. */
export const draftOf = (uri: string): Draft | undefined => DRAFTS.get(uri.replace(/^https?:\/\//, '').replace(/#$/, ''))

/** The draft that first knew a keyword. What is not here has been there from draft-04 on. */
const SINCE: Readonly<Record<string, Draft>> = {
  const: 6,
  contains: 6,
  propertyNames: 6,
  if: 7,
  then: 7,
  else: 7,
  dependentRequired: 2019,
  dependentSchemas: 2019,
  maxContains: 2019,
  minContains: 2019,
  unevaluatedItems: 2019,
  unevaluatedProperties: 2019,
  $anchor: 2019,
  $recursiveRef: 2019,
  prefixItems: 2020,
  $dynamicAnchor: 2020,
  $dynamicRef: 2020
}

/** The draft that last knew it. `dependencies` lives on: the later meta-schemas ask nobody to use it for something else. */
const UNTIL: Readonly<Record<string, Draft>> = { additionalItems: 2019, $recursiveRef: 2019 }

export const knows = (draft: Draft, keyword: string): boolean =>
  draft >= (SINCE[keyword] ?? 4) && draft <= (UNTIL[keyword] ?? 2020)

/** Keywords whose value is a schema, a list of schemas, or schemas by name: where a schema may lie. */
export const SCHEMA_KEYWORDS: ReadonlySet<string> = new Set([
  'additionalItems', 'additionalProperties', 'contains', 'contentSchema', 'else', 'if', 'items', 'not', 'propertyNames', 'then',
  'unevaluatedItems', 'unevaluatedProperties'
])
export const LIST_KEYWORDS: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems'])
export const MAP_KEYWORDS: ReadonlySet<string> = new Set(['$defs', 'definitions', 'dependencies', 'dependentSchemas', 'patternProperties', 'properties'])
