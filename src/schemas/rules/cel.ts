/**
 * Expressions of data contracts, in CEL (https://cel.dev), bounded: what an expression may cost is known from its text and
 * from the largest collection and the longest text that it is given, before it runs. All of them come from strangers.
 */
import { celEnv, celMethod, CelScalar, isCelError, parse, plan, type CelInput } from '@bufbuild/cel'
import { isIPv4, isIPv6 } from 'node:net'
import { SchemaError } from '../format.ts'
import { RuleError } from './rule-error.ts'

export type Bindings = Readonly<Record<string, unknown>>

/** The largest that there is in a value. */
export interface Size {
  /** Of a list or map. */
  readonly elements: number
  /** Or bytes. */
  readonly characters: number
}

/** What all expressions that are evaluated for one value may cost together. */
export class Budget {
  left = MAX_STEPS
}

export interface Expression {
  /** `size` is that of the bindings. Throws RuleError where it cannot be evaluated, or not within the budget. */
  evaluate (bindings: Bindings, size?: Size, budget?: Budget): unknown
}

export const MAX_EXPRESSION_LENGTH = 4096
/** Parsing is recursive: brackets and operators before an operand. */
const MAX_NESTING = 64
/** Comprehensions (`all`, `exists`, `map`, …) within each other. */
const MAX_LOOPS = 3
/** Steps for one value, of some 0.3 µs each. */
export const MAX_STEPS = 50_000
/** Characters that are gone through in a step. */
const CHARACTERS_PER_STEP = 64
/** What goes through a text, however long it is. */
const TEXT_FUNCTIONS: ReadonlySet<unknown> = new Set(['size', 'contains', 'startsWith', 'endsWith', 'matches', '_+_', 'string', 'bytes', '_in_', '@in'])

/** What Confluent's rules can ask of a string beyond CEL's own functions. */
const checks: Readonly<Record<string, (text: string) => boolean>> = {
  isEmail: text => text.length <= 254 && /^[^\s@"(),:;<>[\\\]]{1,64}@[^\s@.]+(\.[^\s@.]+)*$/.test(text) && isHostname(text.slice(text.lastIndexOf('@') + 1)),
  isHostname,
  isIpv4: isIPv4,
  isIpv6: isIPv6,
  isUri: text => /^[a-z][a-z\d+.-]*:/i.test(text) && URL.canParse(text),
  isUriRef: text => URL.canParse(text, 'http://localhost'),
  isUuid: text => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(text)
}

function isHostname (text: string): boolean {
  return text.length <= 253 && text.split('.').every(label => /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(label))
}

const env = celEnv({
  funcs: Object.entries(checks).map(([name, check]) => celMethod(name, CelScalar.STRING, [], CelScalar.BOOL, function (this: string) {
    return check(this)
  }))
})

/** Throws SchemaError where it is not an expression, or one that could cost too much. */
export function compile (text: string): Expression {
  if (text.length > MAX_EXPRESSION_LENGTH) throw new SchemaError(`An expression has ${MAX_EXPRESSION_LENGTH} characters at most; this one has ${text.length}.`)
  if (nestingOf(text) > MAX_NESTING) throw new SchemaError(`An expression is nested ${MAX_NESTING} deep at most.`)
  let run: (bindings: Record<string, CelInput>) => unknown
  let cost: Cost
  try {
    const parsed = parse(text)
    cost = costOf(parsed.expr)
    run = plan(env, parsed) as typeof run
  } catch (error) {
    if (error instanceof SchemaError) throw error
    throw new SchemaError(`The expression is not CEL: ${(error as Error).message}`, { cause: error })
  }
  return {
    evaluate (bindings, size = sizeOf(bindings), budget = new Budget()) {
      const steps = cost(size)
      budget.left -= steps
      if (budget.left < 0) {
        throw new RuleError(`it could take ${steps} steps over a collection of ${size.elements} and a text of ${size.characters}; ` +
          `the limit is ${MAX_STEPS} for a value`)
      }
      const result = run(bindings as Record<string, CelInput>)
      if (isCelError(result)) throw new RuleError(result.message)
      return result
    }
  }
}

/** The deepest bracket, or the longest row of signs that stand before an operand. */
function nestingOf (text: string): number {
  let depth = 0
  let deepest = 0
  for (const char of text) {
    if ('([{?'.includes(char)) deepest = Math.max(deepest, ++depth)
    else if (')]}'.includes(char)) depth = Math.max(0, depth - 1)
  }
  for (const [signs] of text.matchAll(/[!-][\s!-]*/g)) deepest = Math.max(deepest, signs.replaceAll(/\s/g, '').length)
  return deepest
}

/** Steps at most, over values of this size. */
type Cost = (size: Size) => number

/** The parser's own tree, of which only the shape is of interest: nodes that hold nodes. */
function costOf (root: object): Cost {
  /** Nodes outside of all loops, in one of them, in two … */
  const nodes: number[] = []
  /** Those of them that go through a text. */
  const texts: number[] = []
  let literal = 0
  /** Each may join two collections to a larger one, which is then gone through. */
  let sums = 0
  const visit = (node: unknown, loops: number): void => {
    if (typeof node !== 'object' || node === null) return
    if (Array.isArray(node)) {
      literal = Math.max(literal, node.length)
      for (const one of node) visit(one, loops)
      return
    }
    const { case: kind, value } = (node as { exprKind?: { case?: string, value?: unknown } }).exprKind ?? {}
    if (kind === undefined) {
      for (const one of Object.values(node)) visit(one, loops)
      return
    }
    nodes[loops] = (nodes[loops] ?? 0) + 1
    const { function: called } = value as { function?: string }
    if (called === '_+_') sums++
    if (TEXT_FUNCTIONS.has(called) || Object.hasOwn(checks, called ?? '')) texts[loops] = (texts[loops] ?? 0) + 1
    if (kind !== 'comprehensionExpr') return visit(value, loops)
    if (loops === MAX_LOOPS) throw new SchemaError(`Comprehensions stand ${MAX_LOOPS} deep within each other at most.`)
    const { iterRange, accuInit, ...body } = value as Record<string, unknown>
    visit(iterRange, loops)
    visit(accuInit, loops)
    visit(body, loops + 1)
  }
  visit(root, 0)
  return ({ elements, characters }) => {
    const turns = Math.max(elements, literal, 1) * (1 + sums)
    return Math.ceil(Array.from(nodes, (count = 0, loops) => (count + (texts[loops] ?? 0) * characters / CHARACTERS_PER_STEP) * turns ** loops)
      .reduce((sum, one) => sum + one, 0))
  }
}

export function sizeOf (value: unknown): Size {
  let [elements, characters] = [0, 0]
  const visit = (one: unknown): void => {
    if (typeof one === 'string' || one instanceof Uint8Array) characters = Math.max(characters, one.length)
    else if (Array.isArray(one)) {
      elements = Math.max(elements, one.length)
      for (const element of one) visit(element)
    } else if (one instanceof Map) {
      elements = Math.max(elements, one.size)
      for (const [key, element] of one) {
        visit(key)
        visit(element)
      }
    }
  }
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) Object.values(value).forEach(visit)
  else visit(value)
  return { elements, characters }
}
