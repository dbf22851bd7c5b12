/**
 * Kafka's formulas, by known values and against a model that keeps everything.
 */
import t from 'tap'
import { Rate } from '../../../src/access/rate.ts'

const MIB = 1024 * 1024

/** T, what was recorded at which ms, now, the window, the rate, the throttle. */
const vectors = [
  ['V1', 1000, [[0, 20_000]], 0, 10_000, 2000, 10_000],
  ['V2', 1000, [[0, 10_000]], 0, 10_000, 1000, 0],
  ['V3', 1000, [[0, 10_001]], 0, 10_000, 1000.1, 1],
  ['V4', 1000, [[0, 5000], [2500, 10_000]], 2500, 10_500, 15_000 / 10.5, 4500],
  ['V5', MIB, [[0, 100 * MIB]], 0, 10_000, 10 * MIB, 90_000]
] as const

for (const [name, limit, records, nowMs, windowMs, perSecond, throttleMs] of vectors) {
  for (const startMs of [0, 1_234_567.25]) {
    t.test(`${name} at ${startMs}`, async t => {
      const rate = new Rate()
      for (const [ms, value] of records) rate.record(value, startMs + ms)
      t.equal(rate.windowMs(startMs + nowMs), windowMs)
      t.ok(Math.abs(rate.perSecond(startMs + nowMs) - perSecond) < 1e-6)
      t.equal(rate.throttleMs(limit, startMs + nowMs), throttleMs)
      t.ok(Math.abs(rate.excess(limit, startMs + nowMs) - (perSecond - limit) * windowMs / 1000) < 1e-3)
    })
  }
}

t.test('nothing recorded', async t => {
  const rate = new Rate()
  t.equal(rate.total(5), 0)
  t.equal(rate.windowMs(5), 10_000)
  t.equal(rate.throttleMs(1, 5), 0)
  t.equal(rate.throttleMs(0, 5), 0, 'a limit of nothing is kept by him who does nothing')
})

t.test('a sample counts for eleven seconds after its last value', async t => {
  const rate = new Rate()
  rate.record(1, 0)
  rate.record(10, 999)
  rate.record(100, 1000)
  t.equal(rate.total(11_998), 111)
  t.equal(rate.windowMs(11_998), 11_998, 'and the window reaches back to where it began')
  t.equal(rate.total(11_999), 100)
  t.equal(rate.total(12_000), 0)
  t.equal(rate.windowMs(12_000), 10_000)
})

t.test('a sample begins when something is recorded', async t => {
  const rate = new Rate()
  rate.record(1, 0)
  rate.record(1, 1500)
  rate.record(1, 2499)
  t.equal(rate.total(13_498), 2, 'that of 1500 ms goes on to 2499')
  t.equal(rate.windowMs(13_498), 11_998)
  t.equal(rate.total(13_499), 0)
})

t.test('asking changes nothing', async t => {
  const asked = new Rate()
  const silent = new Rate()
  for (let ms = 0; ms < 60_000; ms += 137) {
    if (ms % 3 === 0) {
      asked.record(ms, ms)
      silent.record(ms, ms)
    }
    asked.throttleMs(1000, ms)
  }
  for (let ms = 60_000; ms < 75_000; ms += 91) t.equal(asked.excess(1000, ms), silent.excess(1000, ms))
})

t.test('what is taken back was never there', async t => {
  const rate = new Rate()
  rate.record(500, 0)
  rate.record(2 ** 50, 700)
  rate.unrecord(2 ** 50, 700)
  t.equal(rate.total(700), 500)
  t.equal(rate.throttleMs(50, 700), 0)
})

t.test('sums are exact as far as integers are', async t => {
  const rate = new Rate()
  rate.record(2 ** 52, 0)
  rate.record(1, 1000)
  rate.record(2, 2000)
  t.equal(rate.total(2000), 2 ** 52 + 3)
  t.equal(rate.total(11_000), 3)
})

/**
 * The formulas word by word, over the list of everything that was ever recorded: samples are worked out anew each time.
 */
class Model {
  readonly #values: Array<readonly [ms: number, value: number]> = []

  record (value: number, ms: number): void {
    this.#values.push([ms, value])
  }

  look (nowMs: number): { sum: number, windowMs: number } {
    const samples: Array<{ startMs: number, lastMs: number, sum: number }> = []
    for (const [ms, value] of this.#values) {
      let sample = samples.at(-1)
      if (sample === undefined || ms - sample.startMs >= 1000) samples.push(sample = { startMs: ms, lastMs: ms, sum: 0 })
      sample.lastMs = ms
      sample.sum += value
    }
    const live = samples.filter(({ lastMs }) => nowMs - lastMs < 11 * 1000)
    let elapsed = nowMs - (live[0]?.startMs ?? nowMs)
    const full = Math.floor(elapsed / 1000)
    if (full < 10) elapsed += (10 - full) * 1000
    return { sum: live.reduce((sum, one) => sum + one.sum, 0), windowMs: Math.max(elapsed, 1) }
  }

  throttleMs (limit: number, nowMs: number): number {
    const { sum, windowMs } = this.look(nowMs)
    const observed = sum / (windowMs / 1000)
    return observed > limit ? Math.round((observed - limit) / limit * windowMs) : 0
  }
}

/** Numbers that are the same in every run. */
function * randoms (seed: number): Generator<number, never> {
  let state = seed
  for (;;) {
    state = (state * 48271) % 0x7fffffff
    yield state / 0x7fffffff
  }
}

t.test('100,000 random steps are those of the model', async t => {
  let steps = 0
  let throttles = 0
  let worst = 0
  for (let seed = 1; steps < 100_000; seed++) {
    const numbers = randoms(seed * 7919)
    const random = (): number => numbers.next().value
    const rate = new Rate()
    const model = new Model()
    const limit = [1000, MIB, 50 * MIB][Math.floor(random() * 3)]!
    const paceMs = [0.5, 20, 300, 1500, 6000][Math.floor(random() * 5)]!
    let nowMs = random() * 1e6
    for (let step = 0; step < 200; step++, steps++) {
      // Now and then a long silence; else about the pace, half of the times in whole ms.
      nowMs += random() < 0.01 ? random() * 40_000 : random() * paceMs * 2
      if (random() < 0.5) nowMs = Math.round(nowMs + 0.5)
      const value = Math.floor(limit * paceMs / 1000 * random() * 3)
      rate.record(value, nowMs)
      model.record(value, nowMs)
      if (random() < 0.1) {
        rate.unrecord(value, nowMs)
        model.record(-value, nowMs)
      }
      const expected = model.throttleMs(limit, nowMs)
      const difference = Math.abs(rate.throttleMs(limit, nowMs) - expected)
      if (expected > 0) throttles++
      if (difference > worst) worst = difference
      if (rate.windowMs(nowMs) !== model.look(nowMs).windowMs || rate.total(nowMs) !== model.look(nowMs).sum) worst = Infinity
    }
  }
  t.ok(worst <= 1, `the largest difference is ${worst} ms`)
  t.ok(throttles > 10_000, `of ${steps} steps ${throttles} were too much`)
})
