/**
 * JSON that means one thing to everyone who reads it.
 */
import t from 'tap'
import fc from 'fast-check'
import { parseStrictJson } from '../../../src/auth/strict-json.ts'

t.test('JSON is read as JSON.parse reads it', async t => {
  fc.assert(fc.property(fc.json({ maxDepth: 5 }), text => {
    t.same(parseStrictJson(text)?.value, JSON.parse(text))
  }), { numRuns: 500 })
  t.same(parseStrictJson(' {"a" : "b\\":{", "c": [{"a": "a"}, {"a": 1}]} '), { value: { a: 'b":{', c: [{ a: 'a' }, { a: 1 }] } })
  t.same(parseStrictJson('{"a":{"a":{"a":"a:"}}}'), { value: { a: { a: { a: 'a:' } } } })
})

t.test('what is no JSON, or names a key twice, or is too deep, is not read', async t => {
  for (const text of [
    '', '{', '{"a":1,}', "{'a':1}", '{"a":1}{', '{"a":1,"a":1}', '{"a":1,"b":[],"a":2}', '{"sub":"a","\\u0073ub":"b"}', '{"x":{"a":1,"a" :1}}',
    '[{"a":1,"a":1}]', '{"a":[{"b":1}],"a":2}', '['.repeat(33) + ']'.repeat(33), '{"a":'.repeat(33) + '1' + '}'.repeat(33)
  ]) t.equal(parseStrictJson(text), null, text.slice(0, 40))
})

t.test('any text is read or not', async t => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'a', '1', ' ') }), text => {
    parseStrictJson(text)
    t.pass()
  }), { numRuns: 1000 })
})
