import { setFlagsFromString } from 'node:v8'
import { setImmediate } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { build } from '../../../../src/schemas/json/builder.ts'
import { compile } from '../../../../src/schemas/json/validator.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const validatorOf = (schema: object) => {
  const { root, patterns } = build({ text: JSON.stringify(schema), references: [] }, false)
  return compile(root, patterns)
}

/** Whether nobody holds it any more. */
async function isForgotten (value: WeakRef<object>): Promise<boolean> {
  // What a WeakRef was asked about stays until the end of the turn.
  for (let i = 0; i < 3; i++) {
    await setImmediate()
    collect()
  }
  return value.deref() === undefined
}

t.test('a value is not held once it was looked at', async t => {
  const ref = (name: string): object => ({ $ref: `#/definitions/${name}` })
  const definitions = {
    text: { type: 'object', properties: { a: { type: 'string' } } },
    list: { type: 'array' },
    deep: { not: ref('text') },
    dependent: { dependencies: { a: ['b'] } }
  }
  const rows: ReadonlyArray<readonly [string, object, boolean]> = [
    ['refused', { definitions, ...ref('text') }, false],
    ['refused by each of some', { definitions, anyOf: [ref('text'), ref('list')] }, false],
    ['taken by one of some', { definitions, anyOf: [ref('text'), { type: 'object' }] }, true],
    ['taken by what refuses it', { definitions, ...ref('deep') }, true],
    ['without what it depends on', { definitions, anyOf: [ref('dependent'), true] }, true],
    ['evaluated', {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      definitions,
      anyOf: [ref('text'), { type: 'object', patternProperties: { a: true } }],
      unevaluatedProperties: false
    }, true]
  ]
  for (const [name, schema, isTaken] of rows) {
    const validator = validatorOf(schema)
    const check = (): WeakRef<object> => {
      const value = { a: [{}] }
      t.equal(validator.validate(value, 100) === null, isTaken, name)
      return new WeakRef(value)
    }
    t.ok(await isForgotten(check()), `${name}: it is gone`)
    t.type(validator.validate, 'function', 'the validator is not')
  }
})

t.test('nor where the work was too much', async t => {
  const many = (keyword: string, of: object): object => ({ [keyword]: Array.from({ length: 24 }, () => of) })
  const validator = validatorOf({
    definitions: { text: { type: 'string' }, all: { ...many('allOf', many('allOf', { maxProperties: 1e6 })) } },
    anyOf: [{ $ref: '#/definitions/text' }, { $ref: '#/definitions/all' }]
  })
  const check = (): WeakRef<object> => {
    const value = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, {}]))
    t.throws(() => validator.validate(value, 100), { name: 'WorkExceeded' })
    return new WeakRef(value)
  }
  t.ok(await isForgotten(check()))
  t.equal(validator.validate({}, 100), null)
})
