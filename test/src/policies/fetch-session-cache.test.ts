import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Bench } from './fetch-sessions-bench.ts'

const MINUTES = 60_000

t.test('there are so many sessions, and no more', async t => {
  const bench = new Bench()
  const ids: number[] = []
  for (let i = 0; i < 5000; i++) ids.push(await bench.begin({ 'a-0': 0 }))
  t.equal(bench.cache.open, 1000)
  t.equal(new Set(ids.filter(id => id > 0)).size, 1000)
  t.ok(ids.slice(1000).every(id => id === 0), 'who comes too late does without')
  t.equal(bench.cache.evicted, 0)

  bench.nowMs = 3 * MINUTES
  for (const id of ids.slice(0, 500)) await bench.ask({ id, epoch: 1 })
  for (let i = 0; i < 600; i++) await bench.begin({ 'b-0': 0 })
  t.same([bench.cache.open, bench.cache.evicted], [1000, 500], 'those that nobody used make room')
  t.equal((await bench.ask({ id: ids[0]!, epoch: 2 })).error, 0)
  t.equal((await bench.ask({ id: ids[999]!, epoch: 1 })).error, errors.FETCH_SESSION_ID_NOT_FOUND)
})

t.test('a larger session takes the place of a smaller one that is not new', async t => {
  const bench = new Bench({ maxSessions: 3 })
  const want = (count: number): Record<string, number> => Object.fromEntries(Array.from({ length: count }, (_one, i) => [`a-${i}`, 0]))
  const [two, one, three] = [await bench.begin(want(2)), await bench.begin(want(1)), await bench.begin(want(3))]
  t.equal(await bench.begin(want(9)), 0, 'all are new')
  bench.nowMs = 2 * MINUTES + 1
  for (const id of [two, one, three]) await bench.ask({ id, epoch: 1 })
  t.equal(await bench.begin(want(1)), 0, 'none is smaller')
  const nine = await bench.begin(want(9))
  t.ok(nine > 0)
  t.equal((await bench.ask({ id: one, epoch: 2 })).error, errors.FETCH_SESSION_ID_NOT_FOUND)
  t.equal((await bench.ask({ id: two, epoch: 2 })).error, 0)
  t.same([bench.cache.open, bench.cache.partitions, bench.cache.evicted], [3, 14, 1])
})

t.test('partitions are counted, too', async t => {
  const bench = new Bench({ maxPartitions: 10 })
  const want = (from: number, to: number): Record<string, number> => Object.fromEntries(Array.from({ length: to - from }, (_one, i) => [`a-${from + i}`, 0]))
  t.equal(await bench.begin(want(0, 11)), 0)
  const six = await bench.begin(want(0, 6))
  t.equal(await bench.begin(want(0, 5)), 0)
  const four = await bench.begin(want(0, 4))
  t.same([six > 0, four > 0, bench.cache.partitions], [true, true, 10])
  t.equal((await bench.ask({ id: four, epoch: 1, forget: ['a-0'] })).error, 0)
  t.equal((await bench.ask({ id: six, epoch: 1, want: want(6, 7) })).error, 0)
  t.equal(bench.cache.partitions, 10)
  t.equal((await bench.ask({ id: six, epoch: 2, want: want(7, 8) })).error, errors.FETCH_SESSION_ID_NOT_FOUND, 'it cannot grow')
  t.same([bench.cache.open, bench.cache.partitions, bench.cache.evicted], [1, 3, 1], 'and has ended: its client asks for all again')
  bench.nowMs = 3 * MINUTES
  t.ok(await bench.begin(want(0, 10)) > 0)
  t.same([bench.cache.open, bench.cache.partitions, bench.cache.evicted], [1, 10, 2])
})
