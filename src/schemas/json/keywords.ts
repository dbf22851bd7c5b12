/**
 * Keywords of our own for ajv: those that count what validating costs, and those of JSON Schema whose time would otherwise grow
 * with the square of a value.
 */
import { Name, _ } from 'ajv/dist/2020.js'
import type { Ajv2020 } from 'ajv/dist/2020.js'
import type { DataValidateFunction } from 'ajv/dist/types/index.js'
import type { KeywordCxt } from 'ajv'
import { hasDuplicates, membership } from './equality.ts'
import { weightOf } from './formats.ts'
import { NAMES_PER_UNIT } from './work.ts'
import type { Work } from './work.ts'

/** The value of each is the weight of the keywords beside it that look at all of a value of the type. */
const SIZES = {
  $chars: { type: 'string', before: 'maxLength', method: new Name('spendOnText'), counted: ['maxLength', 'minLength'] },
  $items: { type: 'array', before: 'maxItems', method: new Name('spendOnItems'), counted: ['contains'] },
  $names: {
    type: 'object',
    before: 'maxProperties',
    method: new Name('spendOnNames'),
    counted: ['maxProperties', 'minProperties', 'patternProperties', 'additionalProperties', 'propertyNames', 'unevaluatedProperties']
  }
} as const

/** Returns functions, which keep the errors that they find, and with these the value. */
export function defineKeywords (ajv: Ajv2020, work: Work): readonly DataValidateFunction[] {
  const functions: DataValidateFunction[] = []
  // In generated code, so that it costs next to nothing; a constant of ours is all it holds.
  ajv.addKeyword({
    keyword: '$cost',
    before: '$ref',
    code ({ gen, schema }: KeywordCxt) {
      const counter = gen.scopeValue('obj', { ref: work })
      gen.code(_`${counter}.spend(${schema as number})`)
    }
  })
  // Ahead of what takes time that grows with the value: a keyword that fails ends the rest.
  for (const [keyword, { type, before, method }] of Object.entries(SIZES)) {
    ajv.addKeyword({
      keyword,
      type,
      before,
      code ({ gen, data, schema }: KeywordCxt) {
        const counter = gen.scopeValue('obj', { ref: work })
        gen.code(_`${counter}.${method}(${data}, ${schema as number})`)
      }
    })
  }
  // ajv compares with each value of an enum, and each item with each other one.
  ajv.removeKeyword('enum')
  ajv.addKeyword({ keyword: 'enum', schemaType: 'array', errors: false, compile: (values: unknown[]) => membership(values, work) })
  ajv.removeKeyword('uniqueItems')
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    compile: () => (items: unknown[]) => !hasDuplicates(items, work)
  })
  // ajv writes code for each name, for thousands of them too.
  ajv.removeKeyword('dependentRequired')
  ajv.addKeyword({
    keyword: 'dependentRequired',
    type: 'object',
    compile (dependencies: ReadonlyMap<string, readonly string[]>) {
      const one: DataValidateFunction = (object: object) => {
        const params = missingIn(object, dependencies, work)
        if (params !== null) one.errors = [{ keyword: 'dependentRequired', params }]
        return params === null
      }
      functions.push(one)
      return one
    }
  })
  return functions
}

function missingIn (object: object, dependencies: ReadonlyMap<string, readonly string[]>, work: Work): object | null {
  work.spend(Math.floor(dependencies.size / NAMES_PER_UNIT))
  for (const [property, names] of dependencies) {
    if (!Object.hasOwn(object, property)) continue
    work.spend(Math.floor(names.length / NAMES_PER_UNIT))
    const missingProperty = names.find(name => !Object.hasOwn(object, name))
    if (missingProperty !== undefined) return { property, missingProperty }
  }
  return null
}

/** What of SIZES a schema that is given to ajv needs. */
export function sizesOf (schema: Readonly<Record<string, unknown>>, hasUnevaluated: boolean): Record<string, number> {
  const sizes: Record<string, number> = {}
  for (const [keyword, { counted }] of Object.entries(SIZES)) {
    let weight = counted.filter(each => each in schema).length
    if (keyword === '$chars' && typeof schema['format'] === 'string') weight += weightOf(schema['format'])
    // Names that were evaluated are copied from each subschema to what it is in. What asserts nothing is left out by ajv.
    if (keyword === '$names' && hasUnevaluated && Object.keys(schema).length > 0) weight++
    if (weight > 0) sizes[keyword] = weight
  }
  return sizes
}
