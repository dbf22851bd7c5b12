/**
 * Schemas as their languages understand them: parsed when that is needed, and compared.
 */
import { hash } from 'node:crypto'
import { contentOf, exactContract, sameContract, sameReferences, type Content } from './content.ts'
import { SchemaError, type Format, type ParsedSchema } from './format.ts'
import type { Stored } from './ids.ts'
import type { SchemaContent, SchemaVersion } from './model.ts'
import { ParsedCache } from './parsed-cache.ts'
import { resolved } from './references.ts'
import { RegistryError } from './registry-error.ts'
import type { RegistryState } from './state.ts'
import { contextOf } from './subjects.ts'

const MAX_CHARACTERS = 1_000_000
/** Texts of the same words that are compared in earnest. */
const MAX_SIMILAR = 10

export class Library {
  readonly #formats: ReadonlyMap<string, Format>
  readonly #state: () => RegistryState
  readonly #cache: ParsedCache
  #cachedState: RegistryState | null = null
  #cachedRevision = 0

  constructor (formats: readonly Format[], state: () => RegistryState, cacheBytes?: number) {
    this.#formats = new Map(formats.map(format => [format.type, format]))
    this.#state = state
    this.#cache = new ParsedCache(cacheBytes)
  }

  get types (): string[] { return [...this.#formats.keys()] }

  /** Throws SchemaError. */
  parsed (schema: SchemaVersion): ParsedSchema {
    const state = this.#state()
    if (this.#cachedState !== state || this.#cachedRevision !== state.referenceRevision) {
      this.#cache.clear()
      this.#cachedState = state
      this.#cachedRevision = state.referenceRevision
    }
    // By content: versions of it in other subjects of the context are the same.
    const context = contextOf(schema.subject)
    const content = state.idsOf(context).contentOf(schema.id)
    const key = content?.schema === schema.schema ? content.key : contentOf(schema).key
    return this.#cache.get(`${key} ${context}`, () => this.#parse(schema.subject, schema, false))
  }

  /** What somebody sent. Throws 42201 42209. */
  parse (subject: string, content: SchemaContent, strict: boolean): ParsedSchema {
    if (!this.#formats.has(content.schemaType)) {
      throw new RegistryError(42201, `Invalid schema type ${content.schemaType}. Types are ${this.types.join(', ')}.`)
    }
    if (content.schema === '') throw new RegistryError(42201, 'Empty schema')
    if (content.schema.length > MAX_CHARACTERS) {
      throw new RegistryError(42209, `The schema has ${content.schema.length} characters, of ${MAX_CHARACTERS} at most.`)
    }
    try {
      return this.#parse(subject, content, strict)
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
      throw new RegistryError(42201, `Input schema is an invalid ${content.schemaType} schema: ${error.message}`, { cause: error })
    }
  }

  #parse (subject: string, { schemaType, schema, references }: SchemaContent, strict: boolean): ParsedSchema {
    const format = this.#formats.get(schemaType)
    if (format === undefined) throw new SchemaError(`Schemas of type ${schemaType} are not known here.`)
    const state = this.#state()
    const found = resolved(references, subject, (subject, version) => state.versionsOf(subject).get(version)?.view)
    return format.parse({ text: schema, references: found }, strict)
  }

  /** The version of the subject that has this content, the newest first; one with the same metadata and rules goes before others. */
  find (subject: string, content: SchemaContent, parsed: ParsedSchema,
    { normalize, deleted }: { readonly normalize: boolean, readonly deleted: boolean }): Stored | undefined {
    const versions = this.#state().versionsOf(subject)
    const find = (among: readonly Stored[]): Stored | undefined => {
      const candidates = among.toReversed().filter(one => one.content.schemaType === content.schemaType &&
        sameReferences(one.content.references, content.references) && sameContract(content, one.content))
      const exact = candidates.filter(one => exactContract(content, one.content))
      return this.#same(exact, content, parsed, normalize) ?? this.#same(candidates, content, parsed, normalize)
    }
    return find(versions.live) ?? (deleted ? find(versions.all) : undefined)
  }

  #same (among: readonly Stored[], content: SchemaContent, parsed: ParsedSchema, normalize: boolean): Stored | undefined {
    if (among.length === 0) return undefined
    const canonical = canonicalHash(parsed, normalize)
    return among.find(one => one.content.schema === content.schema) ??
      among.find(one => this.#canonical(one.content, one.view, normalize) === canonical)
  }

  /** The content that already has an id in the context and is the same; this one if there is none. */
  known (context: string, content: Content, parsed: ParsedSchema, normalize: boolean): Content {
    const ids = this.#state().idsOf(context)
    const same = ids.interned(content)
    if (same !== content) return same
    const canonical = canonicalHash(parsed, normalize)
    let tries = MAX_SIMILAR
    for (const one of ids.similarTo(content)) {
      if (tries-- === 0) break
      const id = ids.idOf(one)
      if (id === undefined || one.schemaType !== content.schemaType) continue
      if (!sameReferences(one.references, content.references) || !exactContract(one, content)) continue
      if (this.#canonical(one, ids.versionOf(id)!, normalize) === canonical) return one
    }
    return content
  }

  #canonical (content: Content, view: SchemaVersion, normalize: boolean): string | null {
    const name = normalize ? 'normalized' : 'canonical'
    if (content[name] === undefined) {
      try {
        content[name] = canonicalHash(this.parsed(view), normalize)
      } catch (error) {
        if (!(error instanceof SchemaError)) throw error
        return null // as another registry took it, or what it refers to is gone: equal to nothing but its own text
      }
    }
    return content[name]
  }
}

const canonicalHash = (parsed: ParsedSchema, normalize: boolean): string => hash('sha1', parsed.canonical(normalize), 'base64')
