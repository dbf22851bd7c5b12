import t from 'tap'
import { Waiters } from '../../../storage/log/waiters.ts'
import { seeded } from '../../support/batches.ts'

const gone = new Error('taken back')
const closed = new Error('closed')

/** Lets everyone who was told come to speak. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Waits for each of these offsets; gives what has become of them, in that order. */
function waitFor (waiters: Waiters, offsets: readonly number[]): string[] {
  const told: string[] = []
  for (const offset of offsets) {
    waiters.until(offset).then(() => told.push(`${offset}`), (error: Error) => told.push(`${offset} ${error.message}`))
  }
  return told
}

t.test('what was reached is not waited for', async t => {
  const waiters = new Waiters(5)
  const told = waitFor(waiters, [0, 5, 6])
  await settled()
  t.strictSame(told, ['0', '5'])
  t.equal(waiters.reached, 5)
})

t.test('who waits is told when the log has come so far, in the order of offsets', async t => {
  const waiters = new Waiters(0)
  const told = waitFor(waiters, [3, 1, 7, 2, 3])
  waiters.reach(3)
  await settled()
  t.strictSame(told, ['1', '2', '3', '3'])
  waiters.reach(6)
  await settled()
  t.equal(told.length, 4, 'nobody too early')
  waiters.reach(7)
  await settled()
  t.strictSame([told.at(-1), waiters.reached], ['7', 7])
})

t.test('a refusal is for those behind what was reached, and for later ones nothing is lost', async t => {
  const waiters = new Waiters(2)
  const told = waitFor(waiters, [3, 9])
  waiters.refuse(gone)
  await settled()
  t.strictSame(told, ['3 taken back', '9 taken back'])
  const again = waitFor(waiters, [3])
  waiters.reach(3)
  await settled()
  t.strictSame(again, ['3'], 'the same offset, given out again')
})

t.test('a refusal may spare what is still to come', async t => {
  const waiters = new Waiters(0)
  const told = waitFor(waiters, [4, 5, 6])
  waiters.refuse(gone, 5)
  await settled()
  t.strictSame(told, ['6 taken back'])
  waiters.reach(5)
  await settled()
  t.strictSame(told, ['6 taken back', '4', '5'])
})

t.test('after the end nothing is waited for, and what was reached stays so', async t => {
  const waiters = new Waiters(1)
  const told = waitFor(waiters, [2])
  waiters.end(closed)
  const late = waitFor(waiters, [1, 2, 3])
  await settled()
  t.strictSame([told, late.sort()], [['2 closed'], ['1', '2 closed', '3 closed']])
})

t.test('whatever the order, everyone is told once and rightly', async t => {
  const random = seeded(3)
  const waiters = new Waiters(0)
  const told = new Map<number, string[]>()
  const expected = new Map<number, string[]>()
  let waiting: { id: number, offset: number }[] = []
  for (let id = 0; id < 500; id++) {
    const offset = waiters.reached + Math.floor(random() * 10)
    told.set(id, [])
    waiters.until(offset).then(() => told.get(id)!.push('reached'), () => told.get(id)!.push('refused'))
    if (offset <= waiters.reached) expected.set(id, ['reached'])
    else waiting.push({ id, offset })
    const say = random()
    const limit = waiters.reached + Math.floor(random() * 6)
    const isOver = (one: { offset: number }): boolean => say < 0.3 ? one.offset <= limit : say < 0.4 && one.offset > limit
    if (say < 0.3) waiters.reach(limit)
    else if (say < 0.4) waiters.refuse(gone, limit)
    for (const one of waiting) if (isOver(one)) expected.set(one.id, [say < 0.3 ? 'reached' : 'refused'])
    waiting = waiting.filter(one => !isOver(one))
  }
  waiters.end(closed)
  for (const { id } of waiting) expected.set(id, ['refused'])
  await settled()
  t.strictSame([...told].sort(([a], [b]) => a - b), [...expected].sort(([a], [b]) => a - b))
})
