import t from 'tap'
import fc from 'fast-check'
import { Histogram, WAIT_SECONDS, WORK_SECONDS } from '../../src/histogram.ts'

t.test('a value equal to a bound is under it, and what is above every bound is counted too', async t => {
  const histogram = new Histogram([0.5, 1])
  for (const value of [0, 0.5, 0.50001, 1, 1.00001, Infinity]) histogram.observe(value)
  t.strictSame([...histogram.counts], [2, 2, 2])
})

t.test('a histogram without bounds counts, and sums', async t => {
  const histogram = new Histogram([])
  for (const value of [1, 2.5]) histogram.observe(value)
  t.strictSame([[...histogram.counts], histogram.sum], [[2], 3.5])
})

t.test('whatever is observed, each value is counted once, where a count over all of them puts it', async () => {
  const values = fc.array(fc.oneof(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom(...WORK_SECONDS)), { maxLength: 60 })
  fc.assert(fc.property(values, values => {
    const histogram = new Histogram(WORK_SECONDS)
    for (const value of values) histogram.observe(value)
    // As Prometheus asks for them: how many values are at most the bound.
    let below = 0
    const isRight = WORK_SECONDS.every((bound, i) => {
      below += histogram.counts[i]!
      return below === values.filter(value => value <= bound).length
    })
    return isRight && below + histogram.counts.at(-1)! === values.length && histogram.sum === values.reduce((sum, value) => sum + value, 0)
  }))
})

t.test('observing moves no other histogram of the same bounds', async t => {
  const [first, second] = [new Histogram(WAIT_SECONDS), new Histogram(WAIT_SECONDS)]
  first.observe(1)
  t.strictSame([second.sum, second.counts.every(count => count === 0)], [0, true])
})

t.test('the bounds in use ascend', async t => {
  for (const bounds of [WORK_SECONDS, WAIT_SECONDS]) t.strictSame([...new Set(bounds)].sort((a, b) => a - b), [...bounds])
})
