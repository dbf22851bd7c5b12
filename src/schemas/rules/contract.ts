/**
 * Data contracts: the rules of a schema that the gateway keeps for clients that cannot. Conditions in CEL, on the whole value or
 * on its fields, when it is written and when it is read. What rules of other kinds would do to a value, only a client can do
 * before it encodes it: they are kept and handed out, and not acted on.
 */
import type { Codec, Field, Flaw, ParsedSchema, Payload } from '../format.ts'
import { SchemaError } from '../format.ts'
import type { Metadata, Rule, RuleSet, SchemaContent, SchemaVersion } from '../model.ts'
import { lazily } from '../lazy.ts'
import type { Bindings, Budget, Expression, Size } from './cel.ts'
import { RuleError } from './rule-error.ts'
import { pathMatches } from './paths.ts'

export type Direction = 'WRITE' | 'READ'

interface Condition {
  readonly rule: Rule
  readonly ofFields: boolean
  readonly guard: Expression | null
  readonly expression: Expression
}

interface Limits {
  readonly size: Size
  readonly budget: Budget
}

export interface Unenforced {
  readonly rule: string
  readonly reason: string
}

const MAX_RULES = 100

const cel = lazily<typeof import('./cel.ts')>('./rules/cel')

/** Throws SchemaError that names the rule which is not one. */
export function checkRules (ruleSet: RuleSet | null): void {
  if (ruleSet === null) return
  const rules = [...ruleSet.domainRules ?? [], ...ruleSet.migrationRules ?? [], ...ruleSet.encodingRules ?? []]
  if (rules.length > MAX_RULES) throw new SchemaError(`A schema has ${MAX_RULES} rules at most; this one has ${rules.length}.`)
  const names = new Set<string>()
  for (const { name } of rules) {
    if (typeof name !== 'string' || name === '') throw new SchemaError('A rule needs a name.')
    if (names.has(name)) throw new SchemaError(`Two rules are named "${name}".`)
    names.add(name)
  }
  for (const rule of ruleSet.domainRules ?? []) if (whyNot(rule) === null) conditionOf(rule)
}

/** Rules that are kept and handed out, and that nobody but a client acts on. */
export function unenforced (ruleSet: RuleSet | null): readonly Unenforced[] {
  if (ruleSet === null) return []
  const left: Unenforced[] = []
  for (const rule of ruleSet.domainRules ?? []) {
    const reason = whyNot(rule)
    if (reason !== null) left.push({ rule: rule.name, reason })
  }
  for (const { name } of ruleSet.migrationRules ?? []) left.push({ rule: name, reason: 'migrations are made by clients' })
  for (const { name } of ruleSet.encodingRules ?? []) left.push({ rule: name, reason: 'encodings are made by clients' })
  return left
}

/** Null for a rule that is acted on. */
function whyNot ({ kind = 'TRANSFORM', type, mode, disabled = false }: Rule): string | null {
  if (disabled) return 'it is disabled'
  if (kind !== 'CONDITION') return 'transformations are made by clients'
  if (type !== 'CEL' && type !== 'CEL_FIELD') return `type ${type} is not evaluated here`
  if (mode !== undefined && mode !== 'WRITE' && mode !== 'READ' && mode !== 'WRITEREAD') return `mode ${mode} is for migrations, which are made by clients`
  return null
}

/** Confluent's form: `guard ; expression`, where the guard says which values the expression is about. */
function conditionOf (rule: Rule): Condition {
  const { name, type, expr = '' } = rule
  const end = semicolonIn(expr)
  const guard = end === -1 ? '' : expr.slice(0, end).trim()
  try {
    return {
      rule, ofFields: type === 'CEL_FIELD', guard: guard === '' ? null : cel().compile(guard), expression: cel().compile(expr.slice(end + 1))
    }
  } catch (error) {
    throw new SchemaError(`Rule "${name}": ${(error as Error).message}`, { cause: error })
  }
}

/** The first one that does not stand in a string; -1 without one. */
function semicolonIn (text: string): number {
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|;/g)) if (token === ';') return index
  return -1
}

/** The conditions of one schema. */
export class Contract {
  readonly #conditions: readonly Condition[]
  readonly #metadata: Metadata | null

  /** Throws SchemaError. */
  constructor ({ ruleSet, metadata }: Pick<SchemaContent, 'ruleSet' | 'metadata'>) {
    this.#conditions = (ruleSet?.domainRules ?? []).filter(rule => whyNot(rule) === null).map(conditionOf)
    this.#metadata = metadata
  }

  /** Whether there is anything to check. */
  binds (direction: Direction): boolean {
    return this.#conditions.some(({ rule }) => holdsFor(rule, direction))
  }

  /** Null if the payload, which is sound, keeps all conditions; else the first that it does not. Throws PayloadError where it is not sound. */
  check (codec: Codec, payload: Payload, direction: Direction): Flaw | null {
    const conditions = this.#conditions.filter(({ rule }) => holdsFor(rule, direction))
    if (conditions.length === 0) return null
    const fields: Field[] = []
    const message = codec.toValue(payload, conditions.some(({ ofFields }) => ofFields) ? field => fields.push(field) : undefined)
    // Once for all conditions and fields: nothing that they are given is larger than the whole.
    const limits: Limits = { size: cel().sizeOf(message), budget: new (cel().Budget)() }
    for (const condition of conditions) {
      const flaw = condition.ofFields ? this.#checkFields(condition, fields, message, limits) : failing(condition, { message }, '', limits)
      if (flaw !== null) return flaw
    }
    return null
  }

  #checkFields (condition: Condition, fields: readonly Field[], message: unknown, limits: Limits): Flaw | null {
    const wanted = condition.rule.tags ?? []
    for (const { fullName, name, typeName, tags: own, path, value } of fields) {
      const tags = [...own, ...this.#tagsOf(fullName, path)]
      if (wanted.length > 0 && !wanted.some(tag => tags.includes(tag))) continue
      const flaw = failing(condition, { value, fullName, name, typeName, tags, message }, path, limits)
      if (flaw !== null) return flaw
    }
    return null
  }

  #tagsOf (fullName: string, path: string): string[] {
    return Object.entries(this.#metadata?.tags ?? {})
      .filter(([pattern]) => pathMatches(pattern, fullName) || pathMatches(pattern, path))
      .flatMap(([, tags]) => tags)
  }
}

const contracts = new WeakMap<SchemaVersion, Contract | null>()

/** Null for a schema without conditions that are kept here, or with some that never were any (another registry may have taken them). */
export function contractOf (schema: SchemaVersion): Contract | null {
  let contract = contracts.get(schema)
  if (contract === undefined) {
    contract = contractIn(schema)
    contracts.set(schema, contract)
  }
  return contract
}

/** For whoever checks many payloads of one schema on their way in; null if there is nothing to check. */
export function rulesOf (schema: SchemaVersion, { codec }: ParsedSchema): ((payload: Payload) => Flaw | null) | null {
  const contract = contractOf(schema)
  return contract?.binds('WRITE') === true ? payload => contract.check(codec, payload, 'WRITE') : null
}

function contractIn (schema: SchemaVersion): Contract | null {
  if (schema.ruleSet === null) return null
  try {
    const contract = new Contract(schema)
    return contract.binds('WRITE') || contract.binds('READ') ? contract : null
  } catch (error) {
    if (error instanceof SchemaError) return null
    throw error
  }
}

function holdsFor ({ mode = 'WRITEREAD', onFailure }: Rule, direction: Direction): boolean {
  if (mode !== 'WRITEREAD' && mode !== direction) return false
  // One action, or one for each direction; NONE means that a failure does not matter.
  const [onWrite = 'ERROR', onRead = onWrite] = (onFailure ?? '').split(',').map(action => action.trim())
  return (direction === 'WRITE' ? onWrite : onRead) !== 'NONE'
}

function failing ({ rule, guard, expression }: Condition, bindings: Bindings, path: string, limits: Limits): Flaw | null {
  const expected = `${rule.doc ?? rule.expr} (rule "${rule.name}")`
  try {
    if (guard !== null && !holds(guard, bindings, limits)) return null
    const result = expression.evaluate(bindings, limits.size, limits.budget)
    return result === true ? null : { path, expected, found: result === false ? foundIn(bindings) : `a rule that answers ${typeof result}` }
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    return { path, expected, found: `a value that the rule cannot be applied to: ${error.message}` }
  }
}

/** A guard that cannot be evaluated does not hold: the value is not one that the rule is about. */
function holds (guard: Expression, bindings: Bindings, { size, budget }: Limits): boolean {
  try {
    return guard.evaluate(bindings, size, budget) === true
  } catch (error) {
    if (error instanceof RuleError) return false
    throw error
  }
}

const MAX_FOUND = 60

function foundIn (bindings: Bindings): string {
  if (!('value' in bindings)) return 'a value that does not keep it'
  const { value } = bindings
  if (value instanceof Uint8Array) return `${value.length} bytes`
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > MAX_FOUND ? `${text.slice(0, MAX_FOUND)}…` : text
}
