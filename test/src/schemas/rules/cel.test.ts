import t from 'tap'
import { SchemaError } from '../../../../src/schemas/format.ts'
import { Budget, compile, MAX_EXPRESSION_LENGTH } from '../../../../src/schemas/rules/cel.ts'
import { RuleError } from '../../../../src/schemas/rules/rule-error.ts'

const message = new Map<string, unknown>([
  ['name', 'ada'], ['age', 36n], ['height', 1.7], ['tags', ['a', 'b']], ['email', 'ada@example.org'], ['none', null]
])

t.test('what a condition can ask', async t => {
  for (const [text, expected] of [
    ['message.name == "ada"', true],
    ['message.age > 18', true],
    ['message.height < 1.5', false],
    ['message.age > 35.5', true],
    ['message.tags.all(tag, size(tag) == 1)', true],
    ['message.tags.exists(tag, tag == "c")', false],
    ['message.name.matches("^[a-z]+$")', true],
    ['message.email.isEmail()', true],
    ['message.name.isEmail()', false],
    ['"10.0.0.1".isIpv4() && "::1".isIpv6() && !"x".isIpv4()', true],
    ['"https://example.org/a".isUri() && "/a".isUriRef() && "a-b.example".isHostname() && !"-a".isHostname()', true],
    ['"123e4567-e89b-12d3-a456-426614174000".isUuid()', true],
    ['has(message.name) && !has(message.nothing)', true],
    ['message.none == null', true]
  ] as const) t.equal(compile(text).evaluate({ message }), expected, text)
})

t.test('what cannot be evaluated says so', async t => {
  t.throws(() => compile('message.nothing > 1').evaluate({ message }), RuleError)
  t.throws(() => compile('message.name > 1').evaluate({ message }), RuleError)
  t.throws(() => compile('unknown == 1').evaluate({ message }), RuleError)
  t.throws(() => compile('message.name.matches("(")').evaluate({ message }), RuleError)
})

t.test('what is not an expression, or too much of one', async t => {
  for (const text of [
    '', 'message.', '1 +', 'a b', '"', 'f(', '('.repeat(500) + '1' + ')'.repeat(500), '!'.repeat(1000) + 'true', '-'.repeat(1000) + '1',
    `"${'x'.repeat(MAX_EXPRESSION_LENGTH)}"`,
    'a.all(b, a.all(c, a.all(d, a.all(e, true))))'
  ]) {
    const startedMs = performance.now()
    t.throws(() => compile(text), SchemaError, text.slice(0, 40))
    t.ok(performance.now() - startedMs < 500)
  }
})

t.test('an evaluation is bounded by what it goes through', async t => {
  const list = Array.from({ length: 2000 }, (_, i) => BigInt(i))
  const once = compile('list.all(x, x >= 0)')
  t.equal(once.evaluate({ list }), true)
  for (const text of ['list.all(x, list.exists(y, x == y))', '(list + list + list + list + list + list + list + list + list).all(x, x >= 0)']) {
    const startedMs = performance.now()
    t.throws(() => compile(text).evaluate({ list }), { name: 'RuleError', message: /steps over a collection of 2000/ }, text)
    t.ok(performance.now() - startedMs < 200)
  }
  t.equal(compile('list.all(x, list.exists(y, x == y))').evaluate({ list: list.slice(0, 20) }), true)
})

t.test('a long text counts for each time it is gone through', async t => {
  const [s, l] = ['x'.repeat(900_000), Array.from({ length: 2900 }, () => 1n)]
  for (const text of ['l.all(x, size(s) > 5)', 'l.all(x, !s.contains("y"))', Array(40).fill('size(s) > 5').join(' && ')]) {
    const startedMs = performance.now()
    t.throws(() => compile(text).evaluate({ s, l }), { name: 'RuleError', message: /a text of 900000/ }, text.slice(0, 40))
    t.ok(performance.now() - startedMs < 200)
  }
  t.equal(compile('size(s) > 5').evaluate({ s, l }), true)
  const budget = new Budget()
  const three = compile('size(s) > 5')
  t.throws(() => { for (let i = 0; i < 10; i++) three.evaluate({ s }, { elements: 0, characters: s.length }, budget) }, RuleError, 'together')
})

t.test('a pattern takes linear time', async t => {
  const startedMs = performance.now()
  t.equal(compile('text.matches("^(a+)+$")').evaluate({ text: `${'a'.repeat(5000)}b` }), false)
  t.ok(performance.now() - startedMs < 2000)
})
