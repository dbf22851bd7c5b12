/**
 * Turns: so many at a time, so many waiting, and each origin in its turn.
 */
import t from 'tap'
import { Turns } from '../../../src/auth/turns.ts'
import { BoundedMap } from '../../../src/auth/bounded-map.ts'

t.test('so many at a time, in the order of their origins', async t => {
  const turns = new Turns({ atOnce: 2, waiting: 10, waitingEach: 4 })
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const work = (origin: string, name: string): Promise<string> | null => turns.run(origin, async () => {
    begun.push(name)
    await new Promise<void>(resolve => ends.set(name, resolve))
    return name
  })
  const all = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'c1', 'b2'].map(name => work(name[0]!, name))
  t.same(begun, ['a1', 'a2'])
  t.same([turns.running, turns.waiting], [2, 6])
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5']) {
    while (!ends.has(name)) await Promise.resolve()
    ends.get(name)!()
  }
  t.same(await Promise.all(all), ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'c1', 'b2'])
  t.same(begun, ['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5'])
  t.same([turns.running, turns.waiting], [0, 0])
})

t.test('where there is no room to wait, nothing is done', async t => {
  const turns = new Turns({ atOnce: 1, waiting: 3, waitingEach: 2 })
  let done = 0
  const work = async (): Promise<void> => { done++ }
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = turns.run('a', () => promise)
  const waiting = [turns.run('a', work), turns.run('a', work)]
  t.equal(turns.run('a', work), null, 'one origin has enough')
  waiting.push(turns.run('b', work))
  t.equal(turns.run('c', work), null, 'all have')
  resolve()
  await Promise.all([first, ...waiting])
  t.equal(done, 3)
  await turns.run('c', work)
  t.equal(done, 4)
})

t.test('work that fails gives its place away like any other', async t => {
  const turns = new Turns({ atOnce: 1, waiting: 1, waitingEach: 1 })
  const failed = turns.run('a', async () => { throw new Error('no') })
  const next = turns.run('a', async () => 'yes')
  await t.rejects(failed!, /no/)
  t.equal(await next, 'yes')
  t.equal(turns.running, 0)
})

t.test('a bounded map forgets what was set longest ago', async t => {
  const map = new BoundedMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  t.same([map.get('a'), map.get('b'), map.get('c'), map.size], [3, undefined, 4, 2])
  t.equal(map.delete('a'), true)
  map.clear()
  t.equal(map.size, 0)
})
