/**
 * Whether what was written with one schema can be read with another: by structure, since in general nobody can tell. The
 * names of differences are those of Confluent's registry; what is compatible there is compatible here, unless a value that
 * the writer may write is one that the reader refuses. Exceptions, as there: `format` is not compared, and alternatives of
 * `oneOf` are not held against each other.
 *
 * A comparison that takes too long is a SchemaError: references in circles and alternatives in alternatives multiply.
 */
import type { RE2JS } from 're2js'
import { SchemaError } from '../format.ts'
import type { Incompatibility } from '../format.ts'
import type { CompatibilityPolicy } from '../model.ts'
import { compareArrays } from './compare-arrays.ts'
import { compareObjects } from './compare-objects.ts'
import { compareValues } from './compare-values.ts'
import { because, difference } from './difference.ts'
import type { Found } from './difference.ts'
import { compilePattern } from './pattern.ts'
import type { Subschema } from './subschema.ts'
import { isDetour, isNever, join, typesOf, viewOf } from './view.ts'
import type { View } from './view.ts'

/** A step is a look at one property, item or pair of schemas: about a microsecond. */
const MAX_STEPS = 20_000
const MAX_REPORTED = 100
/** Pairs of schemas that are compared within one another. */
const MAX_DEPTH = 200

const NONE: Found = []

export function incompatibilities (reader: Subschema, writer: Subschema, policy: CompatibilityPolicy): Found {
  return new Comparison(policy).compare(viewOf(writer), reader, '#').slice(0, MAX_REPORTED)
}

export class Comparison {
  readonly isLenient: boolean
  #steps = 0
  #depth = 0
  readonly #ids = new Map<Subschema, number>()
  readonly #known = new Map<string, Found>()
  /** Pairs that are being compared, and when they began: a pair within itself is taken for compatible. */
  readonly #pending = new Map<string, number>()
  /** The outermost pair that something since then was concluded from. */
  #assumed = Infinity
  readonly #patterns = new Map<string, RE2JS>()

  constructor (policy: CompatibilityPolicy) {
    this.isLenient = policy === 'LENIENT'
  }

  spend (steps: number): void {
    if ((this.#steps += steps) > MAX_STEPS) {
      throw new SchemaError('The schemas are too large, or their alternatives multiply too much, to be compared in bounded time')
    }
  }

  matches (pattern: string, name: string): boolean {
    let automaton = this.#patterns.get(pattern)
    if (automaton === undefined) this.#patterns.set(pattern, automaton = compilePattern(pattern, pattern))
    this.spend(1 + Math.floor(automaton.programSize() * name.length / 500))
    return automaton.test(name)
  }

  fits (writer: View, reader: Subschema): boolean {
    return this.compare(writer, reader, '#').length === 0
  }

  /** What of `writer` `reader` refuses. */
  compare (writer: View, given: Subschema, path: string): Found {
    let reader = given
    for (let detours = 0; isDetour(reader) && detours < MAX_DEPTH; detours++) reader = reader.refs[0]!
    if (reader.always === true || writer.parts.includes(reader) || isNever(writer)) return NONE
    this.spend(1)
    const parts = writer.parts.map(part => this.#id(part)).sort().join()
    const choices = writer.choices.map(choice => choice.map(one => this.#id(one)).join('|')).join()
    const pair = `${parts};${choices}>${this.#id(reader)}`
    const known = this.#known.get(pair)
    if (known !== undefined) return known
    const began = this.#pending.get(pair)
    if (began !== undefined) {
      this.#assumed = Math.min(this.#assumed, began)
      return NONE
    }
    if (this.#depth >= MAX_DEPTH) throw new SchemaError('The schemas are nested too deeply to be compared')
    const before = this.#assumed
    this.#assumed = Infinity
    this.#pending.set(pair, this.#depth++)
    const found = this.#compare(writer, reader, path)
    this.#pending.delete(pair)
    this.#depth--
    // What rests on a pair further out is known only once that one is.
    if (this.#assumed >= this.#depth) {
      this.#known.set(pair, found)
      this.#assumed = before
    } else this.#assumed = Math.min(this.#assumed, before)
    return found
  }

  #compare (writer: View, reader: Subschema, path: string): Found {
    const view = viewOf(reader)
    const found: Incompatibility[] = []
    for (const part of view.parts) {
      const own = this.#part(writer, part, path)
      // One more that all have to fit: the sum of what it asks for says less than that it is new.
      if (own.length > 0 && part !== reader && writer.parts.length > 1 && view.parts.length > writer.parts.length) {
        found.push(difference('PRODUCT_TYPE_EXTENDED', path, `The %s schema asks for more than the %s one, by allOf or a reference: ${because(own)}`))
      } else found.push(...own)
    }
    for (const choice of view.choices) {
      if (!choice.some(alternative => this.fits(writer, alternative))) found.push(this.#unmatched(writer, choice, path))
    }
    if (found.length === 0 || writer.choices.length === 0) return found
    return this.#split(writer, reader, path, found)
  }

  /** Each alternative of the writer by itself. */
  #split (writer: View, reader: Subschema, path: string, otherwise: Found): Found {
    const choice = writer.choices[0]!
    const results = choice.map(alternative => this.compare(join(writer, choice, alternative), reader, path))
    const failed = results.filter(result => result.length > 0)
    if (failed.length === 0) return NONE
    if (failed.length < results.length) {
      const lost = results.flatMap((result, index) => result.length > 0 ? [String(index)] : [])
      return [difference('SUM_TYPE_NARROWED', path,
        `The %s schema has nothing for ${lost.length} of the ${results.length} alternatives of the %s one: ${because(failed[0]!)}`, ...lost)]
    }
    return viewOf(reader).choices.length > 0
      ? [difference('COMBINED_TYPE_SUBSCHEMAS_CHANGED', path, 'The %s schema has nothing for any of the alternatives of the %s one')]
      : failed[0] ?? otherwise
  }

  #unmatched (writer: View, choice: readonly Subschema[], path: string): Incompatibility {
    const types = typesOf(writer)
    const alternatives = choice.map(alternative => typesOf(viewOf(alternative)))
    const isForeign = types !== null && alternatives.every(one => one !== null && [...one].every(type => !types.has(type)))
    if (isForeign) return difference('TYPE_CHANGED', path, `No alternative of the %s schema takes ${[...types].join(' or ')}, which the %s one has`, ...types)
    return writer.parts.length > 1 && writer.choices.length === 0
      ? difference('COMBINED_TYPE_CHANGED', path, 'The %s schema has alternatives, and none of them takes all that fits every subschema of the %s one')
      : difference('COMBINED_TYPE_SUBSCHEMAS_CHANGED', path, 'The %s schema has no alternative that takes all that the %s one lets through')
  }

  #part (writer: View, part: Subschema, path: string): Incompatibility[] {
    if (writer.parts.includes(part)) return []
    if (part.always === false) return [difference('TYPE_NARROWED', path, 'The %s schema lets nothing through, unlike the %s one')]
    const types = typesOf(writer)
    return [
      ...compareValues(this, writer, part, path),
      ...(types === null || types.has('array') ? compareArrays(this, writer, part, path) : []),
      ...(types === null || types.has('object') ? compareObjects(this, writer, part, path) : [])
    ]
  }

  #id (schema: Subschema): number {
    let id = this.#ids.get(schema)
    if (id === undefined) this.#ids.set(schema, id = this.#ids.size)
    return id
  }
}
