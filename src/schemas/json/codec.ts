/**
 * Payloads of JSON Schema: JSON text, checked against the schema. What is stored is what was sent, digit for digit; for the
 * check, numbers are doubles, as they are for most who read them.
 */
import type { ErrorObject } from 'ajv'
import type { RE2JS } from 're2js'
import { PayloadError, SchemaError } from '../format.ts'
import type { Codec, Field, Flaw, Payload } from '../format.ts'
import { flawOf } from './flaw.ts'
import type { Subschema } from './subschema.ts'
import { MAX_DEPTH, clampedValueOf, mayOverflow, onOneLine, textOf, valueOf } from './text.ts'
import { compile } from './validator.ts'
import type { Validator } from './validator.ts'
import { readValue } from './value.ts'
import { WorkExceeded } from './work.ts'

export class JsonCodec implements Codec {
  readonly #root: Subschema
  readonly #validator: Validator

  /** Throws SchemaError. */
  constructor (root: Subschema, patterns: ReadonlyMap<string, RE2JS>) {
    this.#root = root
    this.#validator = compile(root, patterns)
  }

  check ({ bytes }: Payload): Flaw | null {
    try {
      const text = textOf(bytes)
      return this.#check(valueOf(text), text, bytes.length)
    } catch (error) {
      if (error instanceof PayloadError) return error.flaw
      throw error
    }
  }

  /** Not checked against the schema: whoever reads wants to see what is there. */
  toJson ({ bytes }: Payload): string {
    const text = textOf(bytes)
    valueOf(text)
    return onOneLine(text)
  }

  fromJson (value: unknown): Payload {
    const bytes = Buffer.from(stringify(value))
    const flaw = this.check({ bytes, indexes: [] })
    if (flaw !== null) throw new PayloadError(flaw)
    return { bytes, indexes: [] }
  }

  toValue ({ bytes }: Payload, visit?: (field: Field) => void): unknown {
    const text = textOf(bytes)
    valueOf(text)
    return readValue(text, this.#root, visit)
  }

  #check (value: unknown, text: string, bytes: number): Flaw | null {
    if (this.#validator.hasUnevaluated) {
      const flaw = inherited(value)
      if (flaw !== null) return flaw
    }
    const errors = this.#errors(value, bytes)
    if (!Array.isArray(errors)) return errors as Flaw | null
    if (mayOverflow(text)) {
      const clamped = this.#errors(clampedValueOf(text), bytes)
      if (!Array.isArray(clamped)) return clamped as Flaw | null
    }
    return flawOf(errors as ErrorObject[], value)
  }

  #errors (value: unknown, bytes: number): readonly ErrorObject[] | Flaw | null {
    try {
      return this.#validator.validate(value, bytes)
    } catch (error) {
      if (error instanceof WorkExceeded) {
        return {
          path: '',
          expected: 'a value that the schema can be applied to in bounded time',
          found: 'one that takes more: its alternatives or patterns multiply'
        }
      }
      // Generated code is not ours: whatever it fails with, the value has not been found to fit.
      const found = error instanceof RangeError ? 'one that leads it around in a circle, or too deep' : `one that the validator fails on: ${String(error)}`
      return { path: '', expected: 'a value that the schema can be applied to', found }
    }
  }
}

function stringify (value: unknown): string {
  try {
    const text = JSON.stringify(value) as string | undefined
    if (text !== undefined) return text
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new PayloadError({ path: '', expected: `JSON of at most ${MAX_DEPTH} levels`, found: 'more' })
  }
  throw new PayloadError({ path: '', expected: 'JSON', found: 'nothing' })
}

/** A property by a name that every object answers to is taken for an evaluated one by generated code. */
function inherited (value: unknown): Flaw | null {
  const pending = [value]
  for (const one of pending) {
    if (typeof one !== 'object' || one === null) continue
    for (const [key, child] of Object.entries(one)) {
      if (key in Object.prototype) {
        return { path: '', expected: 'names that unevaluatedProperties can be applied to', found: `a property ${JSON.stringify(key)}` }
      }
      pending.push(child)
    }
  }
  return null
}

/** For `codec`, which is made when it is first asked for: a schema that cannot be compiled says so each time. */
export function lazily<T> (make: () => T): () => T {
  let made: { readonly value: T } | { readonly error: SchemaError } | null = null
  return () => {
    if (made === null) {
      try {
        made = { value: make() }
      } catch (error) {
        if (!(error instanceof SchemaError)) throw error
        made = { error }
      }
    }
    if ('error' in made) throw made.error
    return made.value
  }
}
