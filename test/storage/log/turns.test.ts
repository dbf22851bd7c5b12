import t from 'tap'
import { Turns } from '../../../storage/log/turns.ts'

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Turns over a queue: a round takes all there is, and writes down how much that was. */
function world (): { turns: Turns, trace: string[], queue: string[], hold: { until: Promise<void> } } {
  const trace: string[] = []
  const queue: string[] = []
  const hold = { until: Promise.resolve() }
  const turns = new Turns(() => queue.length > 0, async () => {
    trace.push(`begin ${queue.splice(0).join('')}`)
    await hold.until
    trace.push('end')
  })
  return { turns, trace, queue, hold }
}

t.test('what comes in one turn of the event loop goes out in one round', async t => {
  const { turns, trace, queue } = world()
  for (const item of ['a', 'b', 'c']) {
    queue.push(item)
    turns.wake()
  }
  t.strictSame(trace, [], 'and not before its end')
  await nextTurn()
  await nextTurn()
  t.strictSame(trace, ['begin abc', 'end'])
})

t.test('what comes during a round goes out in the next, however often one is woken', async t => {
  const { turns, trace, queue, hold } = world()
  const goOn = Promise.withResolvers<void>()
  hold.until = goOn.promise
  queue.push('a')
  turns.wake()
  await nextTurn()
  for (const item of ['b', 'c']) {
    queue.push(item)
    turns.wake()
    await nextTurn()
  }
  t.strictSame(trace, ['begin a'], 'never two at once')
  goOn.resolve()
  await nextTurn()
  t.strictSame(trace, ['begin a', 'end', 'begin bc', 'end'])
})

t.test('waking without anything to do does nothing, and is no end', async t => {
  const { turns, trace, queue } = world()
  turns.wake()
  await nextTurn()
  t.strictSame(trace, [])
  queue.push('a')
  turns.wake()
  await nextTurn()
  await nextTurn()
  t.strictSame(trace, ['begin a', 'end'])
})

t.test('work that is to be alone comes after the round under way and before the next', async t => {
  const { turns, trace, queue, hold } = world()
  const round = Promise.withResolvers<void>()
  const alone = Promise.withResolvers<void>()
  hold.until = round.promise
  queue.push('a')
  turns.wake()
  await nextTurn()
  const first = turns.alone(async () => {
    trace.push('alone')
    await alone.promise
    trace.push('done')
    return 42
  })
  const second = turns.alone(async () => { trace.push('alone as well') })
  queue.push('b')
  turns.wake()
  round.resolve()
  await nextTurn()
  t.strictSame(trace, ['begin a', 'end', 'alone'], 'writes wait')
  alone.resolve()
  t.equal(await first, 42)
  await second
  await nextTurn()
  t.strictSame(trace, ['begin a', 'end', 'alone', 'done', 'alone as well', 'begin b', 'end'])
})

t.test('work that fails is told to who asked for it, and keeps nothing up', async t => {
  const { turns, trace, queue } = world()
  const failed = t.rejects(turns.alone(async () => { throw new Error('no') }), { message: 'no' })
  queue.push('a')
  await failed
  await nextTurn()
  t.strictSame(trace, ['begin a', 'end'])
})

t.test('work alone needs no one to wake it', async t => {
  t.equal(await world().turns.alone(async () => 'done'), 'done')
})
