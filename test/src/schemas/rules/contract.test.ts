import t from 'tap'
import type { Codec, Field, Payload } from '../../../../src/schemas/format.ts'
import { SchemaError } from '../../../../src/schemas/format.ts'
import type { Rule } from '../../../../src/schemas/model.ts'
import { checkRules, Contract, unenforced } from '../../../../src/schemas/rules/contract.ts'
import { pathMatches } from '../../../../src/schemas/rules/paths.ts'

/** A language in which payloads are JSON objects of strings. */
const codec = {
  toValue ({ bytes }: Payload, visit?: (field: Field) => void) {
    const value = JSON.parse(bytes.toString()) as Record<string, string>
    for (const [name, one] of Object.entries(value)) {
      visit?.({ fullName: `User.${name}`, name, typeName: 'STRING', tags: name === 'ssn' ? ['PII'] : [], path: name, value: one })
    }
    return new Map(Object.entries(value))
  }
} as unknown as Codec

const payload = (value: unknown): Payload => ({ bytes: Buffer.from(JSON.stringify(value)), indexes: [] })

const condition = (expr: string, more: Partial<Rule> = {}): Rule => ({ name: 'r', kind: 'CONDITION', type: 'CEL', mode: 'WRITE', expr, ...more })
const contractOf = (...domainRules: Rule[]): Contract => new Contract({ ruleSet: { domainRules }, metadata: { tags: { '**.email': ['CONTACT'] } } })

t.test('a condition on the value', async t => {
  const contract = contractOf(condition('message.name != "eve"', { doc: 'nobody is called eve' }))
  t.equal(contract.check(codec, payload({ name: 'ada' }), 'WRITE'), null)
  t.match(contract.check(codec, payload({ name: 'eve' }), 'WRITE'), { path: '', expected: 'nobody is called eve (rule "r")' })
  t.match(contract.check(codec, payload({}), 'WRITE'), { found: /cannot be applied/ })
  t.equal(contract.check(codec, payload({ name: 'eve' }), 'READ'), null, 'it is about what is written')
  t.equal(contract.binds('READ'), false)
  t.match(contractOf(condition('message.name')).check(codec, payload({ name: 'x' }), 'WRITE'), { found: 'a rule that answers string' })
})

t.test('a condition on fields, by tag', async t => {
  const digits = contractOf(condition('value.matches("^[0-9]+$")', { type: 'CEL_FIELD', tags: ['PII'] }))
  t.equal(digits.check(codec, payload({ ssn: '123', name: 'ada' }), 'WRITE'), null)
  t.strictSame(digits.check(codec, payload({ ssn: '12-3', name: 'ada' }), 'WRITE'),
    { path: 'ssn', expected: 'value.matches("^[0-9]+$") (rule "r")', found: '"12-3"' })
  const contact = contractOf(condition('value.isEmail()', { type: 'CEL_FIELD', tags: ['CONTACT'] }))
  t.match(contact.check(codec, payload({ email: 'nobody' }), 'WRITE'), { path: 'email' }, 'tags by path, from the metadata')
})

t.test('a guard says what a condition is about', async t => {
  const contract = contractOf(condition('name == "name" ; value != ";"', { type: 'CEL_FIELD' }))
  t.equal(contract.check(codec, payload({ ssn: ';' }), 'WRITE'), null)
  t.match(contract.check(codec, payload({ name: ';' }), 'WRITE'), { path: 'name' })
  t.equal(contractOf(condition('message.nothing == 1 ; false')).check(codec, payload({}), 'WRITE'), null, 'one that cannot be evaluated does not hold')
})

t.test('modes and what is to happen', async t => {
  const failsOn = (more: Partial<Rule>): string[] =>
    (['WRITE', 'READ'] as const).filter(direction => contractOf(condition('false', more)).check(codec, payload({}), direction) !== null)
  t.strictSame(failsOn({ mode: 'WRITEREAD' }), ['WRITE', 'READ'])
  t.strictSame(failsOn({ mode: 'READ' }), ['READ'])
  t.strictSame(failsOn({ mode: 'WRITEREAD', onFailure: 'NONE,ERROR' }), ['READ'])
  t.strictSame(failsOn({ mode: 'WRITEREAD', onFailure: 'NONE' }), [])
  t.strictSame(failsOn({ disabled: true }), [])
})

t.test('what is not acted on is told', async t => {
  t.strictSame(unenforced({
    domainRules: [
      condition('true'), condition('x', { name: 'a', kind: 'TRANSFORM' }), condition('x', { name: 'b', type: 'JSONATA' }),
      condition('x', { name: 'c', mode: 'UPGRADE' })
    ],
    migrationRules: [{ name: 'd' }],
    encodingRules: [{ name: 'e' }]
  }).map(({ rule }) => rule), ['a', 'b', 'c', 'd', 'e'])
  t.strictSame(unenforced(null), [])
})

t.test('what is not a rule is refused by name', async t => {
  checkRules({ domainRules: [condition('true'), condition('not CEL at all', { name: 'jsonata', type: 'JSONATA' })] })
  t.throws(() => checkRules({ domainRules: [condition('message.')] }), { name: 'SchemaError', message: /^Rule "r": The expression is not CEL/ })
  t.throws(() => checkRules({ domainRules: [condition('true'), condition('true')] }), /Two rules are named "r"/)
  t.throws(() => checkRules({ domainRules: [condition('true', { name: '' })] }), SchemaError)
  t.throws(() => checkRules({ domainRules: Array.from({ length: 101 }, (_, i) => condition('true', { name: `${i}` })) }), /100 rules at most/)
})

t.test('patterns of paths', async t => {
  for (const [pattern, path, expected] of [
    ['a.b', 'a.b', true], ['a.b', 'a.b.c', false], ['a.*', 'a.b', true], ['*.b', 'a.c', false], ['**', 'a.b.c', true], ['**.c', 'a.b.c', true],
    ['a.**.c', 'a.c', true], ['a.**.c', 'a.x.y.c', true], ['a.**.c', 'a.x.y.d', false], ['lines.text', 'lines[3].text', true]
  ] as const) t.equal(pathMatches(pattern, path), expected, `${pattern} ${path}`)
  const startedMs = performance.now()
  t.equal(pathMatches('**.a.'.repeat(100) + 'b', 'a.'.repeat(1000) + 'c'), false)
  t.ok(performance.now() - startedMs < 1000)
})
