/**
 * Schemas that were parsed lately, within a bound on what they hold in memory. Nothing is parsed before someone asks.
 */
import { SchemaError, type ParsedSchema } from './format.ts'

export const CACHE_BYTES = 64 * 1024 * 1024
/** What an error that is kept counts. */
const ERROR_BYTES = 4096

interface Kept {
  readonly schema: ParsedSchema | SchemaError
  /** As it was counted: what is made when it is first used comes later. */
  sizeBytes: number
}

export class ParsedCache {
  readonly #kept = new Map<string, Kept>()
  readonly #limitBytes: number
  #sizeBytes = 0

  constructor (limitBytes = CACHE_BYTES) {
    this.#limitBytes = limitBytes
  }

  get size (): number { return this.#kept.size }
  get sizeBytes (): number { return this.#sizeBytes }

  /** Throws SchemaError, which is kept too: who sends what cannot be parsed does not make us try each time. */
  get (key: string, parse: () => ParsedSchema): ParsedSchema {
    let kept = this.#kept.get(key)
    if (kept === undefined) {
      kept = { schema: attempt(parse), sizeBytes: 0 }
    } else {
      this.#kept.delete(key) // to be the newest
    }
    this.#kept.set(key, kept)
    this.#count(kept)
    this.#evict()
    if (kept.schema instanceof SchemaError) throw kept.schema
    return kept.schema
  }

  clear (): void {
    this.#kept.clear()
    this.#sizeBytes = 0
  }

  #count (kept: Kept): void {
    const sizeBytes = kept.schema instanceof SchemaError ? ERROR_BYTES : kept.schema.sizeBytes
    this.#sizeBytes += sizeBytes - kept.sizeBytes
    kept.sizeBytes = sizeBytes
  }

  /** The newest one stays, however large it is: it is in use. */
  #evict (): void {
    for (const [key, { sizeBytes }] of this.#kept) {
      if (this.#sizeBytes <= this.#limitBytes || this.#kept.size === 1) return
      this.#kept.delete(key)
      this.#sizeBytes -= sizeBytes
    }
  }
}

function attempt (parse: () => ParsedSchema): ParsedSchema | SchemaError {
  try {
    return parse()
  } catch (error) {
    if (error instanceof SchemaError) return error
    throw error
  }
}
