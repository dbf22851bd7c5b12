/**
 * What ajv has to say about a value, in the words of the registry's other languages: where, what was expected, what is there.
 */
import type { ErrorObject } from 'ajv'
import type { Flaw } from '../format.ts'
import { PROTO } from './validator.ts'
import { listed, pathOf, shorten } from './words.ts'

const isChoice = ({ keyword }: ErrorObject): boolean => keyword === 'anyOf' || keyword === 'oneOf'
const depthOf = ({ instancePath }: ErrorObject): number => instancePath.split('/').length

/** `errors` is not empty; the last one is what the others lead to. */
export function flawOf (errors: readonly ErrorObject[], value: unknown): Flaw {
  const last = errors.at(-1)!
  // Of several alternatives, the one that got furthest says most.
  const deepest = errors.reduce((best, error) => depthOf(error) > depthOf(best) || (isChoice(best) && depthOf(error) === depthOf(best) && !isChoice(error))
    ? error
    : best, last)
  // What these say is only that something else failed, which stands before them.
  const cause = errors.at(-2)
  if ((last.keyword === 'propertyNames' || last.keyword === 'if') && cause !== undefined) return flaw(cause, value)
  if (!isChoice(last)) return flaw(last, value)
  if (depthOf(deepest) > depthOf(last)) return flaw(deepest, value)
  const beneath = errors.filter(error => error !== last && error.instancePath === last.instancePath && !isChoice(error))
  if (beneath.length === 0 || beneath.length < (last.schema as unknown[]).length) return flaw(last, value)
  const expected = [...new Set(beneath.map(error => expectation(error)))]
  return { ...flaw(last, value), expected: expected.slice(0, 6).join(', or ') + (expected.length > 6 ? ', or something else' : '') }
}

function flaw (error: ErrorObject, value: unknown): Flaw {
  const { keyword, params, data } = error
  let path = pathOf(error.instancePath, value)
  let found = shorten(data)
  const extra = params['additionalProperty'] ?? params['unevaluatedProperty']
  if (typeof extra === 'string') {
    path = pathOf(`${error.instancePath}/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}`, value)
    found = shorten((data as Readonly<Record<string, unknown>>)[extra])
  } else if (keyword === 'maxLength' || keyword === 'minLength') found = `${[...String(data)].length}: ${found}`
  else if (/^m(?:ax|in)Properties$/.test(keyword)) found = `${Object.keys(data as object).length}: ${found}`
  if (error.propertyName !== undefined) {
    return { path, expected: `names of properties to be ${expectation(error)}`, found: JSON.stringify(error.propertyName.slice(0, 60)) }
  }
  return { path, expected: expectation(error), found }
}

const count = (n: number, one: string, several: string): string => `${n} ${n === 1 ? one : several}`

function expectation ({ keyword, params, schema }: ErrorObject): string {
  const limit = Number(params['limit'])
  switch (keyword) {
    case 'type': return [schema as string | string[]].flat().join(' or ')
    case 'enum': {
      const values = schema as unknown[]
      return values.length === 1 ? listed(values) : values.length === 0 ? 'nothing at all' : `one of ${listed(values)}`
    }
    case 'required': return `a property ${JSON.stringify(params['missingProperty'])}`
    case 'dependentRequired': return `a property ${JSON.stringify(params['missingProperty'])} beside ${JSON.stringify(params['property'])}`
    case 'additionalProperties': case 'unevaluatedProperties': return 'no property of this name'
    case 'unevaluatedItems': case 'items': return `at most ${count(Number(params['len'] ?? limit), 'item', 'items')}`
    case 'maximum': return `a number of at most ${limit}`
    case 'minimum': return `a number of at least ${limit}`
    case 'exclusiveMaximum': return `a number below ${limit}`
    case 'exclusiveMinimum': return `a number above ${limit}`
    case 'multipleOf': return `a multiple of ${String(params['multipleOf'])}`
    case 'maxLength': return `a string of at most ${count(limit, 'character', 'characters')}`
    case 'minLength': return `a string of at least ${count(limit, 'character', 'characters')}`
    case 'maxItems': return `an array of at most ${count(limit, 'item', 'items')}`
    case 'minItems': return `an array of at least ${count(limit, 'item', 'items')}`
    case 'maxProperties': return `an object of at most ${count(limit, 'property', 'properties')}`
    case 'minProperties': return `an object of at least ${count(limit, 'property', 'properties')}`
    case 'pattern': return schema === PROTO ? '__proto__' : `a string that matches ${JSON.stringify(schema)}`
    case 'format': return `a string of the format ${JSON.stringify(schema)}`
    case 'uniqueItems': return 'no two items that are the same'
    case 'contains': {
      const { minContains, maxContains } = params as { minContains: number, maxContains?: number }
      const least = `at least ${count(minContains, 'item', 'items')}`
      return `${maxContains === undefined ? least : `${least} and at most ${maxContains}`} of the kind that "contains" asks for`
    }
    case 'anyOf': return `what fits one of ${count((schema as unknown[]).length, 'alternative', 'alternatives')}`
    case 'oneOf': {
      return params['passingSchemas'] === null
        ? `what fits one of ${count((schema as unknown[]).length, 'alternative', 'alternatives')}`
        : `what fits one alternative of "oneOf" and not alternatives ${(params['passingSchemas'] as number[]).join(' and ')} at once`
    }
    case 'not': return 'what does not fit the schema under "not"'
    case 'if': return `what fits "${String(params['failingKeyword'])}"`
    default: return keyword === 'false schema' ? 'nothing' : `what fits "${keyword}"`
  }
}
