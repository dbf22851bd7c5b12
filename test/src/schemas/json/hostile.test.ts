/**
 * Schemas and payloads that mean harm: bounded time, a clear answer, and no name that becomes code.
 */
import t from 'tap'
import type { Test } from 'tap'
import { SchemaError } from '../../../../src/schemas/format.ts'
import type { Flaw } from '../../../../src/schemas/format.ts'
import { jsonSchema } from '../../../../src/schemas/json/format.ts'

/** Of the processor, since machines are busy. What is bounded takes a fraction of it, what is not takes minutes. */
const MAX_MS = 1_000

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

const textOf = (schema: unknown): string => typeof schema === 'string' ? schema : JSON.stringify(schema)
const codecOf = (schema: unknown) => jsonSchema.parse({ text: textOf(schema), references: [] }).codec
const check = (schema: unknown, text: string): Flaw | null => codecOf(schema).check({ bytes: Buffer.from(text), indexes: [] })
const wide = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))
const named = (count: number, prefix: string,
  make: (index: number) => unknown): object => Object.fromEntries(wide(count, index => [prefix + index, make(index)]))

/** What came of it: a flaw, null, or the SchemaError. */
function bounded (t: Test, name: string, run: () => Flaw | null): Flaw | SchemaError | null {
  const began = process.cpuUsage()
  let result: Flaw | SchemaError | null
  try {
    result = run()
  } catch (error) {
    t.type(error, SchemaError, name)
    result = error as SchemaError
  }
  const { user, system } = process.cpuUsage(began)
  const took = (user + system) / 1_000
  t.ok(took < MAX_MS, `${name}: ${Math.round(took)} ms`)
  return result
}

t.test('schemas beyond the limits are refused at once', async t => {
  const refused = (name: string, schema: unknown, message: RegExp): void => {
    t.match(bounded(t, name, () => check(schema, '{}')), { name: 'SchemaError', message }, name)
  }
  refused('too long', `{"description":"${'x'.repeat(1_000_001)}"}`, /too long/)
  refused('too deep', '{"not":'.repeat(129) + '{}' + '}'.repeat(129), /nested too deeply/)
  refused('deep arrays', `{"enum":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested too deeply/)
  refused('too many subschemas', { properties: named(5_001, 'p', () => ({})) }, /too many parts/)
  refused('too many values', { enum: wide(20_001, i => `e${i}`) }, /more than 20000 values/)
  refused('more than payloads are checked against', { properties: named(1_001, 'p', () => ({ type: 'null' })) }, /at most 1000/)
  refused('more than can be kept track of',
    {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      allOf: wide(200, i => ({ properties: { [`a${i}`]: true } })),
      unevaluatedProperties: false
    }, /at most 300/)
  refused('oneOf', { oneOf: wide(201, i => ({ const: i })) }, /side by side/)
  refused('many patterns', { patternProperties: named(501, 'a', () => ({})) }, /more than 500 regular/)
  refused('patterns that repeat', { patternProperties: named(400, '(\\p{L}|\\p{N}){1000}', () => true) }, /repeat too much/)
  refused('a long pattern', { pattern: 'a'.repeat(2_001) }, /2001 characters/)
  refused('repetitions of repetitions', { pattern: '((a{100}){100}){100}' }, /linear time/)
  refused('a chain of references',
    { definitions: named(450, 'd', i => ({ properties: { a: { $ref: `#/definitions/d${(i + 1) % 450}` } } })), $ref: '#/definitions/d0' },
    /nested too deeply/)
})

t.test('schemas at the limits take a bounded time', async t => {
  t.equal(bounded(t, 'wide',
    () => check({ properties: named(990, 'p', () => ({ type: 'string', maxLength: 5 })), additionalProperties: false }, '{"p1":"a"}')), null)
  t.match(bounded(t, 'wide, and wrong', () => check({ properties: named(990, 'p', () => ({ type: 'string' })) }, '{"p989":1}')),
    { path: 'p989', expected: 'string' })
  t.match(bounded(t, 'alternatives', () => check({ anyOf: wide(990, i => ({ required: [`a${i}`] })) }, '{}')), { path: '' })
  t.equal(bounded(t, 'a large enum', () => check({ items: { enum: wide(20_000, i => `v${i}`) } }, JSON.stringify(wide(50_000, i => `v${i % 20_000}`)))), null)
  t.equal(bounded(t, 'many required', () => check({ required: wide(20_000, i => `a${i}`) }, JSON.stringify(named(20_000, 'a', () => 1)))), null)
  t.equal(bounded(t, 'a few required in each of many',
    () => check({ properties: named(900, 'p', () => ({ required: wide(130, i => `n${i}`) })) }, '{}')), null)
  t.match(bounded(t, 'many that depend',
    () => check({ $schema: DRAFT, dependentRequired: named(20_000, 'k', i => [`k${i + 1}`]) }, JSON.stringify(named(20_000, 'k', () => 1)))),
  { expected: 'a property "k20000" beside "k19999"' })
  t.equal(bounded(t, 'items that are all different', () => check({ uniqueItems: true }, JSON.stringify(wide(50_000, i => ({ i }))))), null)
})

t.test('work that multiplies is cut off', async t => {
  const definitions = named(40, 'd',
    i => i === 39 ? { type: 'null' } : { anyOf: [{ $ref: `#/definitions/d${i + 1}` }, { $ref: `#/definitions/d${i + 1}` }] })
  t.match(bounded(t, 'alternatives of alternatives', () => check({ definitions, $ref: '#/definitions/d0' }, '1')), { found: /takes more/ })
  const tree = { anyOf: wide(3, () => ({ type: 'object', properties: { a: { $ref: '#' } } })) }
  t.match(bounded(t, 'alternatives by depth', () => check(tree, '{"a":'.repeat(200) + '1' + '}'.repeat(200))), { found: /takes more/ })
  t.match(bounded(t, 'a circle', () => check({ $ref: '#' }, '1')), { found: /circle/ })
  t.match(bounded(t, 'a circle of alternatives', () => check({ anyOf: [{ $ref: '#' }, { $ref: '#' }] }, '1')), { path: '' })
  t.match(bounded(t, 'subschemas by items',
    () => check({ items: { allOf: wide(900, i => ({ maximum: 1_000_000 + i })) } }, JSON.stringify(wide(100_000, () => 1)))), { found: /takes more/ })
})

t.test('the size of a value counts as often as it is looked at', async t => {
  /** Which is looked at 2^17 times. */
  const doubled = (of: object, more: object = {}): object => ({
    definitions: { ...named(17, 'd', i => ({ allOf: wide(2, () => ({ $ref: `#/definitions/d${i + 1}` })) })), d17: of }, $ref: '#/definitions/d0', ...more
  })
  const long = JSON.stringify('a'.repeat(100_000))
  const object = JSON.stringify(named(20_000, 'k', () => 1))
  const rows: ReadonlyArray<readonly [string, object, string]> = [
    ['maxLength', { maxLength: 1_000_000 }, long],
    ['minLength', { minLength: 10 }, long],
    ['uri-reference', { format: 'uri-reference' }, long],
    ['regex', { format: 'regex' }, long],
    ['pattern', { pattern: 'a' }, '"a"'.padEnd(100_000)],
    ['enum', { enum: [JSON.parse(long) as string] }, long],
    ['contains', { contains: true, minContains: 0 }, JSON.stringify(wide(50_000, () => 1))],
    ['maxProperties', { maxProperties: 100_000 }, object],
    ['minProperties', { minProperties: 1 }, object],
    ['required', { required: wide(20_000, i => `k${i}`) }, object],
    ['dependentRequired', { dependentRequired: { k0: wide(20_000, i => `k${i}`) } }, object],
    ['propertyNames', { propertyNames: { maxLength: 10 } }, object],
    ['additionalProperties', { additionalProperties: { type: 'number' } }, object],
    ['patternProperties', { patternProperties: { k: true }, additionalProperties: false }, object]
  ]
  for (const [name, schema, text] of rows) {
    t.match(bounded(t, name, () => check(doubled(schema, { $schema: DRAFT }), text)), { found: /takes more/ }, name)
    t.equal(bounded(t, `${name} once`, () => check({ $schema: DRAFT, ...schema }, text)), null, `${name} once`)
  }
  const evaluated = doubled({ patternProperties: { k: true } }, { $schema: DRAFT, unevaluatedProperties: false })
  t.match(bounded(t, 'names that were evaluated', () => check(evaluated, object)), { found: /takes more/ })
  t.equal(check({ anyOf: wide(24, i => ({ minLength: 1_000_000 + i })) }, long)?.path, '', 'a few times is no harm')
  t.match(check({ anyOf: wide(24, i => ({ minLength: 1_000_000 + i })) }, long), { found: /^string/ })
})

t.test('payloads are as deep as a stack can bear', async t => {
  t.match(bounded(t, 'arrays', () => check(true, '['.repeat(500_000) + ']'.repeat(500_000))), { found: 'more' })
  t.match(bounded(t, 'objects', () => check({ additionalProperties: { $ref: '#' } }, '{"a":'.repeat(300) + '1' + '}'.repeat(300))), { found: 'more' })
  t.equal(check({ additionalProperties: { $ref: '#' } }, '{"a":'.repeat(250) + '1' + '}'.repeat(250)), null)
  t.equal(check(true, JSON.stringify('['.repeat(1_000) + '\\"{')), null, 'brackets in strings are no depth')
  t.throws(() => codecOf(true).fromJson(wide(10_000, () => 0).reduce<unknown>(inner => [inner], 1)), { name: 'PayloadError' })
})

t.test('patterns take linear time', async t => {
  const long = JSON.stringify('a'.repeat(50_000) + '!')
  for (const pattern of ['(a+)+$', '^(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(a?){500}a{500}', '(.*)*x', '^(a|a?)+$']) {
    bounded(t, pattern, () => check({ pattern }, long))
    bounded(t, `${pattern} for names`, () => check({ patternProperties: { [pattern]: false } }, `{${long}:1}`))
  }
  t.match(bounded(t, 'a large automaton on a long text', () => check({ pattern: '(a?){500}a{500}' }, JSON.stringify('a'.repeat(500_000)))),
    { found: /takes more/ })
})

t.test('formats take linear time', async t => {
  const names = ['date', 'time', 'date-time', 'duration', 'uri', 'uri-reference', 'uri-template', 'email', 'hostname', 'ipv4', 'ipv6',
    'regex', 'uuid', 'json-pointer',
    'relative-json-pointer', 'byte', 'url', 'iso-date-time', 'iso-time', 'json-pointer-uri-fragment']
  for (const format of names) {
    for (const unit of ['a', '.', ':', '-', '1', '%', '/', 'a.', 'a-', '::', '(', '{', '\n', '@', 'P1']) {
      const text = unit.repeat(50_000 / unit.length)
      for (const prefix of ['', 'http://', 'P', 'a@']) {
        bounded(t, `${format} ${JSON.stringify(unit)}`,
          () => check({ format }, JSON.stringify(`${prefix}${text}!`)))
      }
    }
  }
  t.equal(check({ format: 'no-such-format' }, '"x"'), null, 'unknown ones assert nothing')
})

t.test('no name and no value of a schema becomes code', async t => {
  const marked = globalThis as { broken?: boolean }
  const payloads = ['"', "'", '`', '\\', '\n', '\r', '\u2028', '\u2029', '*/', '//', '$' + '{globalThis.broken=true}',
    '");globalThis.broken=true;//', "');globalThis.broken=true;//",
    '\\");globalThis.broken=true;//', '*/globalThis.broken=true;/*', '\n;globalThis.broken=true//', '__proto__', 'constructor',
    'hasOwnProperty', 'toString', 'valueOf', 'data', 'vErrors',
    ']', '}', '</script>', '\0', '']
  for (const [index, text] of payloads.entries()) {
    // Some of them are line breaks to a reader of TAP.
    const label = `${index}: ${text.replaceAll(/[^ -~]/g, '?')}`
    const schema = {
      title: text,
      description: text,
      $comment: text,
      [text]: text,
      properties: { [text]: { enum: [text, { [text]: text }], const: text, default: text } },
      required: [text],
      dependencies: { [text]: [text], x: { required: [text] } },
      additionalProperties: false,
      definitions: { [text]: { properties: { [text]: { format: text } } } },
      allOf: [{ $ref: `#/definitions/${encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'))}` }]
    }
    t.equal(check(schema, `{${JSON.stringify(text)}:${JSON.stringify(text)}}`), null, label)
    t.match(check(schema, '{}'), { expected: `a property ${JSON.stringify(text)}` }, label)
    t.match(check(schema, `{${JSON.stringify(text)}:1}`), { found: 'number 1' }, label)
    t.not(check(schema, `{${JSON.stringify(text)}:${JSON.stringify(text)},"other one":1}`), null)
  }
  t.equal(marked.broken, undefined)
  t.equal(({} as Record<string, unknown>)['enum'], undefined)
})

t.test('names that every object answers to are names like others', async t => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    const key = JSON.stringify(name)
    t.not(check({ required: [name] }, '{}'), null, `${name} is not there`)
    t.equal(check({ required: [name] }, `{${key}:1}`), null, `${name} is there`)
    t.not(check(`{"properties":{${key}:{"type":"string"}}}`, `{${key}:1}`), null, `${name} is looked at`)
    t.equal(check(`{"properties":{${key}:{"type":"string"}}}`, '{}'), null, `${name} need not be there`)
    t.not(check({ additionalProperties: false }, `{${key}:1}`), null, `${name} is additional`)
    t.equal(check(`{"properties":{${key}:true},"additionalProperties":false}`, `{${key}:1}`), null, `${name} is not additional`)
    t.not(check(`{"dependencies":{${key}:["a"]}}`, `{${key}:1}`), null, `${name} depends`)
    t.equal(check(`{"dependencies":{${key}:["a"]}}`, '{}'), null)
    t.not(check({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      anyOf: [{ properties: { a: true }, required: ['a'] }, true],
      unevaluatedProperties: false
    }, `{${key}:1}`), null, `${name} is not evaluated`)
  }
})
