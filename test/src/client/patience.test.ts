import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { getEventListeners } from 'node:events'
import { Patience, Turns } from '../../../src/client/patience.ts'

t.test('it is over after a time, or with one of its signals, and leaves nothing behind on them', async t => {
  const [one, two] = [new AbortController(), new AbortController()]
  const patience = new Patience(60_000, one.signal, two.signal)
  const passing = patience.pass()
  t.notOk(patience.signal.aborted)
  two.abort()
  await passing
  t.ok(patience.signal.aborted)
  patience.release()
  t.equal(getEventListeners(one.signal, 'abort').length, 0)

  const short = new Patience(5, one.signal)
  await short.pass()
  t.ok(short.signal.aborted)
  t.ok(new Patience(60_000, two.signal).signal.aborted, 'from the beginning')
  t.ok(new Patience(0).signal.aborted)
  const long = new Patience(60_000)
  await long.pass(1)
  t.notOk(long.signal.aborted, 'a part of it can pass')
  t.equal(getEventListeners(long.signal, 'abort').length, 0)
  long.release()
})

t.test('turns: one at a time, in order; who has no more patience gives up his place', async t => {
  const turns = new Turns()
  const forEver = new Patience(60_000)
  const end = (await turns.next(new Patience(0)))!
  t.type(end, 'function', 'nobody is there: there is nothing to wait for')
  t.equal(await turns.next(new Patience(0)), null)
  const log: string[] = []
  const second = turns.next(forEver).then(async done => {
    log.push('second')
    await sleep(5)
    log.push('second ends')
    done!()
  })
  const hasty = turns.next(new Patience(5))
  const third = turns.next(forEver).then(done => {
    log.push('third')
    done!()
  })
  t.equal(await hasty, null)
  end()
  t.equal(await turns.next(new Patience(0)), null, 'nobody comes in between')
  await Promise.all([second, third])
  t.same(log, ['second', 'second ends', 'third'])
  t.type(await turns.next(new Patience(0)), 'function')
  forEver.release()
})
