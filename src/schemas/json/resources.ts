/**
 * The texts of a schema and what its `$ref`s mean: RFC 3986 and JSON Schema core 8.2 (identifiers), without a network. What
 * is not in the text or in a registered reference is not there.
 */
import { SchemaError } from '../format.ts'
import type { ResolvedReference, Source } from '../format.ts'
import { parseSchemaText } from './text.ts'
import { DEFAULT_DRAFT, LIST_KEYWORDS, MAP_KEYWORDS, SCHEMA_KEYWORDS, draftOf, knows } from './draft.ts'
import type { Draft } from './draft.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** Where a schema stands. */
export interface Place {
  /** What JSON pointers begin at: the nearest schema with an `$id`, or the text. */
  readonly root: unknown
  /** An absolute URI without fragment. */
  readonly base: string
  readonly draft: Draft
  /** For messages, from the beginning of the text. */
  readonly path: string
}

export interface Target {
  readonly schema: unknown
  readonly place: Place
}

/** Of everything together: reading them takes some twenty milliseconds. */
export const MAX_SUBSCHEMAS = 5_000
/** Names without an `$id` are relative to this. */
const NOWHERE = 'schema:/'

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

export const escapePointer = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1')

export class Resources {
  readonly root: Target
  readonly #strict: boolean
  readonly #places = new Map<object, Place>()
  /** Without fragment. */
  readonly #byUri = new Map<string, Target>()
  /** URI#name. */
  readonly #anchors = new Map<string, Target>()
  /** `$dynamicAnchor`s by name; more than one makes a `$dynamicRef` depend on the way it was reached. */
  readonly #dynamic = new Map<string, Target[]>()
  readonly #references = new Map<string, ResolvedReference>()
  readonly #loaded = new Map<string, Target>()

  /** Throws SchemaError. */
  constructor (source: Source, strict: boolean) {
    this.#strict = strict
    for (const reference of source.references) this.#references.set(reference.name, reference)
    this.root = this.#add(source.text, NOWHERE, '')
    // A text may be meant by its `$id` only, so all of them are looked into.
    for (const reference of source.references) this.#load(reference.name)
  }

  place (schema: object): Place | undefined {
    return this.#places.get(schema)
  }

  /** Throws SchemaError. `path` is where the reference stands. */
  resolve (ref: string, from: Place, path: string): Target {
    const hash = ref.indexOf('#')
    const name = hash < 0 ? ref : ref.slice(0, hash)
    const fragment = hash < 0 ? '' : ref.slice(hash + 1)
    const target = this.#document(ref, name, from)
    const found = target === undefined ? undefined : this.#fragment(target, fragment)
    if (found === undefined) {
      const known = [...this.#references.keys()].map(one => JSON.stringify(one)).join(', ') || 'none'
      throw new SchemaError(`${path}: the schema refers to ${JSON.stringify(ref)}, which is not there. Nothing is fetched: register it and name it ` +
        `in "references" (there: ${known.slice(0, 200)})`)
    }
    return found
  }

  /** `$dynamicRef` (2020-12) and `$recursiveRef` (2019-09): plain references as long as there is one candidate. */
  resolveDynamic (ref: string, from: Place, path: string): Target {
    const anchor = ref.slice(ref.indexOf('#') + 1)
    const candidates = anchor === '' ? [] : this.#dynamic.get(anchor) ?? []
    if (candidates.length > 1) {
      throw new SchemaError(`${path}: ${JSON.stringify(ref)} can mean ${candidates.length} schemas, depending on the way there, which is not supported: ` +
        'give each $dynamicAnchor a name of its own, or use $ref')
    }
    return this.resolve(ref, from, path)
  }

  #document (ref: string, name: string, from: Place): Target | undefined {
    if (this.#loaded.has(ref)) return this.#loaded.get(ref)
    if (name === '') return { schema: from.root, place: this.#rootPlace(from) }
    return this.#loaded.get(name) ?? this.#byUri.get(resolveUri(name, from.base))
  }

  #rootPlace (from: Place): Place {
    return isObject(from.root) ? this.#places.get(from.root) ?? from : from
  }

  #fragment (target: Target, fragment: string): Target | undefined {
    if (fragment === '') return target
    const text = decode(fragment)
    if (!text.startsWith('/')) return this.#anchors.get(`${target.place.base}#${text}`)
    let value = target.schema
    let path = target.place.path
    for (const token of text.slice(1).split('/')) {
      if (typeof value !== 'object' || value === null) return undefined
      const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
      if (!Object.hasOwn(value, key)) return undefined
      value = (value as JsonObject)[key]
      path += `/${token}`
    }
    if (typeof value === 'boolean') return { schema: value, place: { ...target.place, path } }
    if (!isObject(value)) return undefined
    // Below a keyword that is none of JSON Schema's, such as `components`.
    if (!this.#places.has(value)) this.#index(value, { ...target.place, path }, true)
    return { schema: value, place: this.#places.get(value)! }
  }

  #load (name: string): void {
    if (this.#loaded.has(name)) return
    const { text } = this.#references.get(name)!
    this.#loaded.set(name, this.#add(text, resolveUri(name, this.root.place.base), name))
  }

  #add (text: string, base: string, label: string): Target {
    const schema = parseSchemaText(text, label)
    if (typeof schema !== 'boolean' && !isObject(schema)) {
      throw new SchemaError(`${label === '' ? 'The schema' : label}: expected an object, true or false`)
    }
    const place: Place = { root: schema, base: withoutFragment(base), draft: DEFAULT_DRAFT, path: `${label}#` }
    if (!this.#byUri.has(place.base)) this.#byUri.set(place.base, { schema, place })
    if (!isObject(schema)) return { schema, place }
    this.#index(schema, place, false)
    const target = { schema, place: this.#places.get(schema)! }
    if (target.place.base !== place.base && label !== '') this.#byUri.set(place.base, target)
    return target
  }

  /** Notes where each schema in it stands. Nothing is looked at twice, so it ends. */
  #index (schema: JsonObject, around: Place, isInside: boolean): void {
    if (this.#places.has(schema)) return
    if (this.#places.size >= MAX_SUBSCHEMAS) throw new SchemaError(`The schema has too many parts: more than ${MAX_SUBSCHEMAS} subschemas`)
    const place = this.#identify(schema, around, isInside)
    this.#places.set(schema, place)
    const visit = (value: unknown, path: string): void => {
      if (isObject(value)) this.#index(value, { ...place, path: `${place.path}/${path}` }, true)
    }
    for (const keyword of Object.keys(schema)) {
      const value = schema[keyword]
      if (typeof value !== 'object' || value === null) continue
      if (SCHEMA_KEYWORDS.has(keyword)) visit(value, keyword)
      if (LIST_KEYWORDS.has(keyword) && Array.isArray(value)) value.forEach((one, index) => visit(one, `${keyword}/${index}`))
      if (MAP_KEYWORDS.has(keyword) && isObject(value)) for (const key of Object.keys(value)) visit(value[key], `${keyword}/${escapePointer(key)}`)
    }
  }

  #identify (schema: JsonObject, around: Place, isInside: boolean): Place {
    let { draft } = around
    if (typeof schema['$schema'] === 'string') {
      const known = draftOf(schema['$schema'])
      if (known !== undefined) draft = known
      else if (this.#strict) throw new SchemaError(`${around.path}: no draft of JSON Schema is called ${JSON.stringify(schema['$schema'])}`)
    }
    const id = schema[draft === 4 ? 'id' : '$id']
    let place: Place = { ...around, draft }
    // Up to draft-07, what stands beside a $ref is not there (core 8.3).
    if (typeof id === 'string' && !(draft <= 7 && isInside && '$ref' in schema)) {
      if (id.startsWith('#')) {
        if (draft <= 7) this.#anchors.set(`${around.base}${id}`, { schema, place })
      } else {
        place = { ...place, base: withoutFragment(resolveUri(id, around.base)), root: schema }
        this.#byUri.set(place.base, { schema, place })
      }
    }
    for (const keyword of ['$anchor', '$dynamicAnchor']) {
      const name = schema[keyword]
      if (typeof name !== 'string' || !knows(draft, keyword)) continue
      this.#anchors.set(`${place.base}#${name}`, { schema, place })
      if (keyword === '$dynamicAnchor') this.#dynamic.set(name, [...this.#dynamic.get(name) ?? [], { schema, place }])
    }
    return place
  }
}

const withoutFragment = (uri: string): string => uri.replace(/#.*$/s, '')

function resolveUri (uri: string, base: string): string {
  if (URL.canParse(uri, base)) return new URL(uri, base).href
  return URL.canParse(uri) ? new URL(uri).href : uri
}

function decode (fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}
