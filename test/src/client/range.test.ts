import t from 'tap'
import { assignRange, topicsOf, type Subscriber } from '../../../src/client/range.ts'

const member = (memberId: string, topics: readonly string[], groupInstanceId: string | null = null): Subscriber => ({ memberId, groupInstanceId, topics })

function assigned (subscribers: readonly Subscriber[], counts: Record<string, number>): Record<string, Record<string, readonly number[]>> {
  return Object.fromEntries(Array.from(assignRange(subscribers, new Map(Object.entries(counts))), ([id, parts]) => [id, Object.fromEntries(parts)]))
}

t.test('runs of neighbours; the first members get what cannot be shared out evenly', async t => {
  t.same(assigned([member('b', ['t']), member('a', ['t']), member('c', ['t'])], { t: 7 }), { a: { t: [0, 1, 2] }, b: { t: [3, 4] }, c: { t: [5, 6] } })
  t.same(assigned([member('a', ['t']), member('b', ['t'])], { t: 1 }), { a: { t: [0] }, b: {} })
})

t.test('each topic by itself, among those who subscribe to it', async t => {
  t.same(assigned([member('a', ['x', 'y']), member('b', ['y', 'z'])], { x: 1, y: 3 }), { a: { x: [0], y: [0, 1] }, b: { y: [2] } })
  t.same(topicsOf([member('a', ['y', 'x']), member('b', ['z', 'y'])]), ['x', 'y', 'z'])
})

t.test('static members come first, by their instance id', async t => {
  t.same(assigned([member('a', ['t']), member('z', ['t'], '2'), member('b', ['t'], '1')], { t: 3 }), { a: { t: [2] }, z: { t: [1] }, b: { t: [0] } })
})

t.test('a topic that is named twice counts once, and many topics take no time to speak of', async t => {
  t.same(assigned([member('a', ['t', 't']), member('b', ['t'])], { t: 2 }), { a: { t: [0] }, b: { t: [1] } })
  const topics = Array.from({ length: 50_000 }, (_, n) => `topic-${n}`)
  const startedAt = performance.now()
  assignRange(['a', 'b', 'c', 'd'].map(id => member(id, topics)), new Map(topics.map(topic => [topic, 2])))
  t.ok(performance.now() - startedAt < 2000)
})
