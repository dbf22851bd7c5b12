import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { Turns } from '../../../src/policies/turns.ts'

const clock = (): number => performance.now()

/** Lets the keys come in this order, all at once; resolves to who was let in when, with its number. */
async function run (turns: Turns, comers: readonly (readonly [name: string, key: object, apartMs: number])[]): Promise<{ name: string, atMs: number }[]> {
  const startedMs = clock()
  const letIn: { name: string, atMs: number }[] = []
  await Promise.all(comers.map(async ([name, key, apartMs]) => {
    await turns.take(key, apartMs)
    letIn.push({ name, atMs: clock() - startedMs })
  }))
  return letIn
}

t.test('those who share a line are let in in the order in which they came, the lines by turns', async t => {
  const [a, b] = [{}, {}]
  const letIn = await run(new Turns(clock), [['a1', a, 0], ['a2', a, 0], ['a3', a, 0], ['b1', b, 0], ['b2', b, 0]])
  t.strictSame(letIn.map(({ name }) => name), ['a1', 'b1', 'a2', 'b2', 'a3'])
})

t.test('one at a time: what others do goes between them', async t => {
  const turns = new Turns(clock)
  const key = {}
  let others = 0
  let lastSeen = -1
  const takers = Array.from({ length: 5 }, async () => {
    await turns.take(key, 0)
    t.not(others, lastSeen, 'the event loop went round since the one before')
    lastSeen = others
  })
  const done = Promise.all(takers).then(() => true)
  while (!await Promise.race([done, nextTurn(false)])) others++
  t.notOk(turns.has(key))
})

t.test('as far apart as asked for', async t => {
  const key = {}
  const turns = new Turns(clock)
  const letIn = await run(turns, Array.from({ length: 4 }, (_, i) => [`${i}`, key, 10] as const))
  const servedAt = performance.now()
  t.ok(letIn[0]!.atMs < 10, 'the first one at once')
  for (let i = 1; i < 4; i++) t.ok(letIn[i]!.atMs - letIn[i - 1]!.atMs > 8, `${letIn[i]!.atMs - letIn[i - 1]!.atMs}`)
  await run(turns, [['next', key, 10]])
  t.ok(performance.now() - servedAt > 5, 'a line remembers when it was served last')
})

t.test('the more wait, the faster they are let in', async t => {
  const key = {}
  const letIn = await run(new Turns(clock), Array.from({ length: 200 }, (_, i) => [`${i}`, key, 1e9] as const))
  // 500 ms shared by those that wait, 20 ms at most for each.
  t.ok(letIn.at(-1)!.atMs < 4000, `${letIn.at(-1)!.atMs}`)
  t.ok(letIn[100]!.atMs < letIn.at(-1)!.atMs / 2)
})

t.test('who leaves takes no turn, and keeps nobody waiting', async t => {
  const turns = new Turns(clock)
  const key = {}
  const leaving = new AbortController()
  const letIn: string[] = []
  const take = async (name: string, signal?: AbortSignal): Promise<void> => {
    await turns.take(key, 20, signal)
    letIn.push(name)
  }
  await take('first')
  const startedMs = clock()
  const gone = Array.from({ length: 20 }, (_, i) => take(`gone ${i}`, leaving.signal))
  const stays = take('stays')
  leaving.abort()
  await Promise.all(gone)
  t.notOk(letIn.includes('stays'), 'they need not wait')
  await stays
  t.ok(clock() - startedMs < 200, `${clock() - startedMs} ms`)
  await take('late', leaving.signal)

  const last = new AbortController()
  const lone = turns.take(key, 20, last.signal)
  t.ok(turns.has(key))
  last.abort()
  await lone
  t.notOk(turns.has(key), 'nobody is left in the line')
  await take('next')
  t.strictSame(letIn.slice(-3), ['stays', 'late', 'next'])
})

t.test('a line that is due goes before one that is not', async t => {
  const turns = new Turns(clock)
  const [slow, quick] = [{}, {}]
  await turns.take(slow, 20)
  const late = turns.take(slow, 20).then(() => 'slow')
  const first = await Promise.race([late, turns.take(quick, 0).then(() => 'quick')])
  t.equal(first, 'quick')
  t.equal(await late, 'slow')
})
