/**
 * What doors ask, what is kept of those who have a quota, and what operators see of it.
 */
import t from 'tap'
import { Bench, context } from './quota-bench.ts'

t.test('what doors ask before they act', async t => {
  const bench = new Bench({ producer_byte_rate: 1000, request_percentage: 20 })
  const ask = (...kinds: ReadonlyArray<'producer' | 'consumer' | 'request'>): unknown => bench.quotas.allowance(context('http'), ...kinds)
  t.equal(ask('consumer'), null, 'there is no such quota')
  t.same(ask('producer', 'request'), {
    quota: 'producer_byte_rate', limit: 1000, delayMs: 0, remaining: 10_000, windowMs: 10_000, entity: { user: 'alice' }
  }, 'all of it is left')
  t.equal(bench.quotas.stats.sensors, 0, 'asking makes nothing')
  t.equal(bench.quotas.throttle(context('http'), 'producer', 'request'), null, 'there is nothing to wait for')
  await bench.produce(4000)
  t.match(ask('producer'), { delayMs: 0, remaining: 6000 })
  bench.quotas.work(context(), 1800)
  t.match(ask('producer', 'request'), { quota: 'request_percentage', limit: 20, delayMs: 0, remaining: 20 }, 'the one with less of it left')
  await bench.produce(7000)
  for (let i = 0; i < 3; i++) {
    t.match(ask('request', 'producer'), { quota: 'producer_byte_rate', delayMs: 1000, remaining: 0 }, 'the one to wait for; asking records nothing')
  }
  t.same(bench.quotas.throttle(context('http'), 'request', 'producer'), ask('request', 'producer'), 'which is what there is to wait for')
  t.equal(bench.quotas.throttle(context('http'), 'request'), null)
  t.match(ask('request'), { delayMs: 0 })
  bench.quotas.work(context(), 60_000)
  t.match(ask('request'), { delayMs: 1000 })
})

t.test('each wait of a stream is counted once, each refused request for itself', async t => {
  const bench = new Bench({ consumer_byte_rate: 1000 })
  bench.quotas.charge(context('ws'), 'consumer', 15_000)
  const stream = context('ws')
  for (let i = 0; i < 5; i++, bench.nowMs += 1000) t.ok(bench.quotas.throttle(stream, 'consumer')!.delayMs > 0)
  t.same(bench.counted, ['consumer_byte_rate ws: 1'])
  bench.quotas.charge(stream, 'consumer', 5000)
  bench.quotas.throttle(stream, 'consumer')
  t.same(bench.counted, ['consumer_byte_rate ws: 2'])
  for (let i = 0; i < 3; i++) bench.quotas.throttle(context('http'), 'consumer')
  t.same(bench.counted, ['consumer_byte_rate ws: 2', 'consumer_byte_rate http: 3'])
  const [first] = [...bench.quotas.stats.throttled()]
  t.ok(Math.abs(first![2].sum - 10) < 0.1, '5 seconds, and 5 more')
})

t.test('a changed quota holds for what was recorded under the old one', async t => {
  const bench = new Bench({ producer_byte_rate: 1000 })
  await bench.produce(10_000)
  const delay = (): number => bench.quotas.allowance(context(), 'producer')!.delayMs
  t.equal(delay(), 0)
  bench.table.set({ user: 'alice' }, { producer_byte_rate: 500 })
  t.equal(delay(), 10_000)
  bench.table.set({ user: 'alice' }, { producer_byte_rate: 100_000 })
  t.equal(delay(), 0)
  bench.table.set({ user: 'alice' }, { producer_byte_rate: 500 })
  t.equal(delay(), 10_000)
  bench.table.set({ user: 'alice', 'client-id': null }, { producer_byte_rate: 500 })
  t.equal(delay(), 0, 'another level has sensors of its own')
  bench.table.set({ user: 'alice', 'client-id': null }, null)
  bench.table.set({ user: 'alice' }, null)
  t.equal(bench.quotas.allowance(context(), 'producer'), null)
})

t.test('sensors: idle ones are dropped, and there is a bound', async t => {
  const bench = new Bench(null, { maxSensors: 100 })
  bench.table.set({ user: null, 'client-id': null }, { producer_byte_rate: 1000 })
  bench.table.set({ 'client-id': null }, { consumer_byte_rate: 1000 })
  await bench.produce(11_000, { asker: context('kafka', 'alice', 'mine') })
  for (let i = 0; i < 1000; i++) {
    bench.nowMs += 10
    await bench.produce(1, { asker: context('kafka', 'mallory', `made-up-${i}`) })
    if (i % 20 === 0) await bench.produce(1000, { asker: context('kafka', 'alice', 'mine') })
  }
  t.equal(bench.quotas.stats.sensors, 100)
  t.ok(bench.quotas.throttle(context('kafka', 'alice', 'mine'), 'producer')!.delayMs > 0, 'who is there all the time stays')
  for (let i = 0; i < 50; i++) bench.quotas.charge(context('ws', `user-${i}`, 'shared'), 'consumer', 300)
  t.equal(bench.quotas.stats.sensors, 101, 'who shares has one')
  t.ok(bench.quotas.throttle(context('ws', 'another', 'shared'), 'consumer')!.delayMs > 0)
  bench.nowMs += 3_599_000
  t.equal(bench.quotas.stats.sensors, 101)
  bench.nowMs += 11_000
  t.equal(bench.quotas.stats.sensors, 0)
})

t.test('those who use most', async t => {
  const bench = new Bench()
  bench.table.set({ user: null }, { producer_byte_rate: 1000 })
  bench.table.set({ 'client-id': null }, { consumer_byte_rate: 1000 })
  bench.table.set({ 'client-id': 'known' }, { consumer_byte_rate: 1000 })
  t.same(bench.quotas.stats.usage(), [])
  for (let i = 1; i <= 50; i++) await bench.produce(i * 100, { asker: context('kafka', `user-${i}`) })
  for (let i = 1; i <= 10; i++) bench.quotas.charge(context('ws', 'alice', `made-up-${i}`), 'consumer', i * 1000)
  bench.quotas.charge(context('ws', 'alice', 'known'), 'consumer', 20_000)
  const usage = bench.quotas.stats.usage()
  t.equal(usage.length, 20)
  t.same(usage.slice(0, 4), [
    { quota: 'consumer_byte_rate', entity: { 'client-id': 'known' }, ratio: 2 },
    { quota: 'consumer_byte_rate', entity: { 'client-id': null }, ratio: 1 },
    { quota: 'producer_byte_rate', entity: { user: 'user-50' }, ratio: 0.5 },
    { quota: 'producer_byte_rate', entity: { user: 'user-49' }, ratio: 0.49 }
  ])
  bench.nowMs += 60_000
  t.same(bench.quotas.stats.usage(), [], 'now')
})
