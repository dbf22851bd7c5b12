/**
 * Subschemas to a function that tells whether a value fits: ajv writes it. What ajv is given is not the stranger's text but a
 * schema of our own, flat, without identifiers and with known keywords only; what is left of the text in generated code are
 * names of properties, and what they are told apart by.
 *
 * Large schemas become several functions: the time that writing one takes grows with the square of its size.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AnyValidateFunction, DataValidateFunction } from 'ajv/dist/types/index.js'
import type { ErrorObject } from 'ajv'
import type { RE2JS } from 're2js'
import { SchemaError } from '../format.ts'
import { FORMATS } from './formats.ts'
import { defineKeywords, sizesOf } from './keywords.ts'
import { Pattern, compilePattern } from './pattern.ts'
import { COUNT_LIMITS, NUMBER_LIMITS, Subschema } from './subschema.ts'
import { viewOf } from './view.ts'
import { NAMES_PER_UNIT, Work } from './work.ts'

type Emitted = boolean | Record<string, unknown>

/** Compiling so many takes some tens of milliseconds, nothing that is done for a record may wait longer. */
export const MAX_COMPILED = 1_000
/** Keeping track of what is evaluated takes time that grows with the square. */
const MAX_UNEVALUATED = 300
/** Of a function: more than that is another one. */
const MAX_INLINE = 24
/** Side by side in a function: properties, alternatives, required names. */
const MAX_WIDTH = 24
/** Of what cannot be taken apart. */
const MAX_SIBLINGS = 200

export interface Validator {
  /** Null if the value fits. `bytes` is the length of its text. Throws WorkExceeded, and RangeError where the stack ends. */
  validate (value: unknown, bytes: number): readonly ErrorObject[] | null
  /** Whether it looks for what is left over, where names of Object.prototype are no names. */
  readonly hasUnevaluated: boolean
}

/** Throws SchemaError. */
export function compile (root: Subschema, patterns: ReadonlyMap<string, RE2JS>): Validator {
  const work = new Work()
  const emitter = new Emitter()
  const schema = emitter.emit(root)
  const matcher = (source: string): Pattern => new Pattern(patterns.get(source) ?? compilePattern(source, source), source, work)
  const ajv = new Ajv2020({
    strict: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    logger: false,
    ownProperties: true,
    unevaluated: emitter.hasUnevaluated,
    loopRequired: emitter.hasEmptyName ? 0 : MAX_WIDTH,
    inlineRefs: false,
    verbose: true,
    messages: false,
    multipleOfPrecision: 9,
    formats: Object.fromEntries(FORMATS),
    // Optimising costs more than it brings, and more than the rest for large schemas.
    code: { optimize: false, regExp: Object.assign(matcher, { code: 'Pattern' }) }
  })
  const keywords = defineKeywords(ajv, work)
  try {
    const run = ajv.compile(schema)
    const functions = [...functionsOf(run), ...keywords]
    return {
      hasUnevaluated: emitter.hasUnevaluated,
      validate (value, bytes) {
        work.start(bytes)
        try {
          return run(value) ? null : run.errors ?? []
        } finally {
          forget(functions)
        }
      }
    }
  } catch (error) {
    if (error instanceof SchemaError) throw error
    if (!(error instanceof RangeError)) throw new SchemaError(`The schema cannot be compiled: ${(error as Error).message}`, { cause: error })
    throw new SchemaError('The schema is nested too deeply to be compiled: its references or its subschemas lead from one to the next too often')
  }
}

/** The one that was compiled, and those that it calls. */
function functionsOf (run: AnyValidateFunction): AnyValidateFunction[] {
  const functions = [run]
  for (const one of Object.values(run.schemaEnv.root.refs)) {
    if (typeof one === 'object' && 'validate' in one && typeof one.validate === 'function') functions.push(one.validate as AnyValidateFunction)
  }
  return functions
}

/** Each function keeps what it last said, and with it the value, also where another alternative fits. */
function forget (functions: ReadonlyArray<AnyValidateFunction | DataValidateFunction>): void {
  for (const one of functions) {
    one.errors = null
    if ('evaluated' in one && one.evaluated?.dynamicProps === true) delete one.evaluated.props
  }
}

class Emitter {
  hasUnevaluated = false
  /** Whether a property without a name is required: ajv overlooks it, unless it asks for one after the other. */
  hasEmptyName = false
  readonly #functions = new Map<Subschema, string>()
  readonly #queue: Subschema[] = []
  /** Of what a $ref leads to, and so has to be a function. */
  readonly #targets = new Set<Subschema>()
  #count = 0
  /** Subschemas in the function that is being written, and since the last $cost in it. */
  #inline = 0
  #uncounted = 0

  emit (root: Subschema): Emitted {
    this.#findTargets(root)
    const $defs: Record<string, Emitted> = {}
    const entry = this.#reference(root)
    for (let next = this.#queue.pop(); next !== undefined; next = this.#queue.pop()) {
      this.#inline = 0
      $defs[this.#functions.get(next)!] = this.#counted(next)
    }
    return { ...entry, $defs }
  }

  #findTargets (root: Subschema): void {
    const seen = new Set([root])
    for (const one of seen) {
      for (const target of one.refs) this.#targets.add(target)
      for (const child of childrenOf(one)) seen.add(child)
      if (one.unevaluatedItems !== null || one.unevaluatedProperties !== null) this.hasUnevaluated = true
    }
    const limit = this.hasUnevaluated ? MAX_UNEVALUATED : MAX_COMPILED
    if (seen.size > limit) {
      const why = this.hasUnevaluated ? ' with unevaluatedItems or unevaluatedProperties' : ''
      throw new SchemaError(`The schema has ${seen.size} subschemas, and payloads are checked against at most ${limit}${why}`)
    }
  }

  #reference (to: Subschema): { $ref: string } {
    let name = this.#functions.get(to)
    if (name === undefined) {
      name = String(this.#count++)
      this.#functions.set(to, name)
      this.#queue.push(to)
    }
    return { $ref: `#/$defs/${name}` }
  }

  /** With what it costs, up to what is counted by itself. */
  #counted (one: Subschema): Emitted {
    const always = alwaysOf(one)
    if (always !== null) return always
    const outer = this.#uncounted
    this.#uncounted = 0
    const written = this.#write(one)
    // What asserts nothing stays as it is: ajv leaves it out.
    if (Object.keys(written).length > 0) written['$cost'] = this.#uncounted
    this.#uncounted = outer
    return written
  }

  /** Looked at once for a value that the parent looks at. */
  #once (one: Subschema): Emitted {
    const always = alwaysOf(one)
    if (always !== null) return always
    return this.#isFunction(one) ? this.#reference(one) : this.#write(one)
  }

  /** Looked at for each item or property. */
  #each (one: Subschema): Emitted {
    const always = alwaysOf(one)
    if (always !== null) return always
    return this.#isFunction(one) ? this.#reference(one) : this.#counted(one)
  }

  #isFunction (one: Subschema): boolean {
    return this.#targets.has(one) || this.#inline >= MAX_INLINE
  }

  #write (one: Subschema): Record<string, unknown> {
    this.#inline++
    this.#uncounted++
    const to: Record<string, unknown> = {}
    const allOf: Emitted[] = grouped(one.allOf, 'allOf').map(part => this.#once(part))
    for (const list of [one.oneOf, one.prefixItems, [...one.patternProperties], [...one.dependentSchemas], one.refs]) {
      if (list.length <= MAX_SIBLINGS) continue
      throw new SchemaError(`${one.path}: payloads are checked against at most ${MAX_SIBLINGS} subschemas side by side, and there are ${list.length}`)
    }
    if (one.refs[0] !== undefined) Object.assign(to, this.#reference(one.refs[0]))
    allOf.push(...one.refs.slice(1).map(ref => this.#reference(ref)))
    if (one.types !== null) to['type'] = one.types.length === 1 ? one.types[0] : one.types
    if (one.enums[0] !== undefined) to['enum'] = one.enums[0]
    allOf.push(...one.enums.slice(1).map(values => ({ enum: values })))
    for (const limit of [...NUMBER_LIMITS, ...COUNT_LIMITS]) if (one.limits[limit] !== undefined) to[limit] = one.limits[limit]
    if (one.pattern !== null) to['pattern'] = one.pattern
    if (one.format !== null && FORMATS.has(one.format)) to['format'] = one.format
    if (one.uniqueItems) to['uniqueItems'] = true
    if (one.prefixItems.length > 0) to['prefixItems'] = one.prefixItems.map(item => this.#once(item))
    for (const keyword of ['items', 'contains', 'propertyNames', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties'] as const) {
      const child = one[keyword]
      if (child !== null) to[keyword] = this.#each(child)
    }
    this.#properties(one, to, allOf)
    if (one.anyOf.length > 0) to['anyOf'] = grouped(one.anyOf, 'anyOf').map(part => this.#once(part))
    if (one.oneOf.length > 0) to['oneOf'] = one.oneOf.map(part => this.#once(part))
    for (const keyword of ['not', 'if', 'then', 'else'] as const) {
      const child = one[keyword]
      if (child !== null) to[keyword] = this.#once(child)
    }
    Object.assign(to, sizesOf(to, this.hasUnevaluated))
    // Where an array is shorter than prefixItems, ajv forgets the keywords for arrays that come behind it.
    if (one.prefixItems.length > 0) allOf.push(moved(to, ['contains', 'minContains', 'maxContains', 'uniqueItems']))
    if (allOf.length > 0) to['allOf'] = allOf
    return to
  }

  /** ajv overlooks a property that is called `__proto__`, and that one is missing whose name is empty, so it is said in other words. */
  #properties (one: Subschema, to: Record<string, unknown>, allOf: Emitted[]): void {
    if (one.required.length > 0) to['required'] = one.required
    this.#uncounted += Math.floor(one.required.length / NAMES_PER_UNIT)
    if (one.required.includes('')) this.hasEmptyName = true
    const patterns = [...one.patternProperties].map(([pattern, child]): [string, Emitted] => [pattern, this.#each(child)])
    const properties: [string, Emitted][] = []
    const isWide = one.properties.size > MAX_WIDTH
    for (const [name, child] of one.properties) {
      if (name === '__proto__') patterns.push([PROTO, this.#once(child)])
      // All names are told here, for additionalProperties; what they hold is told in parts.
      else properties.push([name, isWide || this.#once(child)])
    }
    if (isWide) {
      for (const part of chunks([...one.properties].filter(([name]) => name !== '__proto__'))) {
        const virtual = new Subschema(one.path, null)
        virtual.properties = new Map(part)
        allOf.push(this.#reference(virtual))
      }
    }
    if (properties.length > 0) to['properties'] = Object.fromEntries(properties)
    if (patterns.length > 0) to['patternProperties'] = Object.fromEntries(patterns)
    if (one.dependentRequired.size > 0) to['dependentRequired'] = one.dependentRequired
    const dependent: [string, Emitted][] = []
    for (const [name, child] of one.dependentSchemas) {
      const emitted = this.#once(child)
      if (name === '__proto__') allOf.push({ if: { type: 'object', required: [name] }, then: emitted })
      else dependent.push([name, emitted])
    }
    if (dependent.length > 0) to['dependentSchemas'] = Object.fromEntries(dependent)
  }
}

/** `not` of everything is nothing: ajv would write code for the rest that is not reached, and leave out what it needs from there. */
function alwaysOf ({ always, not }: Subschema): boolean | null {
  if (always !== null || not === null) return always
  const { parts, choices } = viewOf(not)
  return parts.length === 0 && choices.length === 0 ? false : null
}

function moved (from: Record<string, unknown>, keywords: readonly string[]): Record<string, unknown> {
  const to = Object.fromEntries(keywords.filter(keyword => keyword in from).map(keyword => [keyword, from[keyword]]))
  for (const keyword of keywords) delete from[keyword]
  return to
}

function chunks<T> (list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / MAX_WIDTH) }, (_, index) => list.slice(index * MAX_WIDTH, (index + 1) * MAX_WIDTH))
}

/** Many are some of some: of `allOf` and `anyOf` it makes no difference. */
function grouped (list: readonly Subschema[], keyword: 'allOf' | 'anyOf'): readonly Subschema[] {
  if (list.length <= MAX_WIDTH) return list
  return grouped(chunks(list).map(part => Object.assign(new Subschema(part[0]!.path, null), { [keyword]: part })), keyword)
}

export const PROTO = '^__proto__$'

export function * childrenOf (one: Subschema): Generator<Subschema> {
  yield * one.refs
  yield * one.prefixItems
  yield * one.properties.values()
  yield * one.patternProperties.values()
  yield * one.dependentSchemas.values()
  yield * one.allOf
  yield * one.anyOf
  yield * one.oneOf
  const others = [
    one.items, one.contains, one.additionalProperties, one.propertyNames, one.unevaluatedItems, one.unevaluatedProperties, one.not, one.if,
    one.then, one.else
  ]
  for (const child of others) if (child !== null) yield child
}
