import t from 'tap'
import type { Test } from 'tap'
import { mayOverflow, onOneLine } from '../../../../src/schemas/json/text.ts'

/** Of the processor. What is linear takes a few milliseconds, and what is not takes minutes. */
function quick<T> (t: Test, run: () => T): T {
  const began = process.cpuUsage()
  const result = run()
  const { user, system } = process.cpuUsage(began)
  t.ok(user + system < 500_000, `${Math.round((user + system) / 1_000)} ms`)
  return result
}

t.test('line breaks and the blanks around them are left out', async t => {
  const rows = [
    ['{"a":1}', '{"a":1}'],
    ['{ "a" : 1 }', '{ "a" : 1 }'],
    ['{\n  "a": 1,\r\n\t"b c": "d  e"\n}\n', '{"a": 1,"b c": "d  e"}'],
    ['{ \t \n "a": 1 \n\n \t}', '{"a": 1}'],
    [' \n 1 \n ', '1'],
    ['\n', '']
  ] as const
  for (const [text, line] of rows) t.equal(onOneLine(text), line, JSON.stringify(text))
})

t.test('in time that grows with the length', async t => {
  const blanks = ' '.repeat(1_000_000)
  t.equal(quick(t, () => onOneLine(`[\n"${blanks}"]`)), `["${blanks}"]`)
  t.equal(quick(t, () => onOneLine(`[1,${blanks}2\n]`)), `[1,${blanks}2]`)
  t.equal(quick(t, () => onOneLine(`[1,${blanks}\n${blanks}2]`)), '[1,2]')
  t.notOk(quick(t, () => mayOverflow(`[${`${'1'.repeat(199)},`.repeat(5_000)}1]`)))
})

t.test('numbers that a double may not hold', async t => {
  for (const text of ['1e309', '1E400', '1e+999', '9'.repeat(309), `${'9'.repeat(220)}e90`, `-${'9'.repeat(400)}`]) t.ok(mayOverflow(text), text)
  for (const text of ['1', '1e99', `${'9'.repeat(199)}e99`, '1.5e-300']) {
    t.notOk(mayOverflow(text), text)
    t.ok(Number.isFinite(Number(text)), `${text} is held`)
  }
})
