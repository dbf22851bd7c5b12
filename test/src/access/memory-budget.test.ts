import fc from 'fast-check'
import t from 'tap'
import { MemoryBudget, type Waiter } from '../../../src/access/memory-budget.ts'

/** A reservation that writes its name down when it is granted. */
function requester (budget: MemoryBudget) {
  const granted: string[] = []
  return {
    granted,
    async ask (principal: string, bytes: number, name = principal): Promise<void> {
      const place = budget.reserve(principal, bytes)
      if (place === true || await place) granted.push(name)
    }
  }
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

t.test('there is room, or one waits until there is', async t => {
  const budget = new MemoryBudget(100, 60)
  t.equal(budget.reserve('a', 60), true)
  const place = budget.reserve('a', 1) as Waiter
  t.not(place, true, 'the principal has no room')
  t.equal(budget.reserve('b', 40), true, 'another has')
  t.match(budget.stats, { reservedBytes: 100, waiting: 1, waitedTotal: 1, principals: 2 })
  budget.release('a', 60)
  t.equal(await place, true)
  t.match(budget.stats, { reservedBytes: 41, waiting: 0 })
  budget.release('a', 1)
  budget.release('b', 40)
  t.match(budget.stats, { reservedBytes: 0, principals: 0 })
})

t.test('the requests of a principal come in their order, small behind large', async t => {
  const budget = new MemoryBudget(1000, 100)
  const { ask, granted } = requester(budget)
  t.equal(budget.reserve('a', 90), true)
  ask('a', 100, 'large')
  ask('a', 5, 'small')
  t.notOk(budget.tryReserve('a', 5), 'nobody goes before those who wait')
  await turn()
  t.same(granted, [])
  budget.release('a', 90)
  await turn()
  t.same(granted, ['large'])
  budget.release('a', 100)
  await turn()
  t.same(granted, ['large', 'small'])
})

t.test('principals take turns when there is no room in all, and the largest is not passed over', async t => {
  const budget = new MemoryBudget(100, 100)
  const { ask, granted } = requester(budget)
  t.equal(budget.reserve('other', 100), true)
  for (let i = 0; i < 3; i++) ask('greedy', 30, `greedy ${i}`)
  ask('modest', 30)
  ask('large', 100)
  ask('small', 1)
  budget.release('other', 100)
  await turn()
  t.same(granted, ['greedy 0', 'modest'], 'the large one is next, and nobody passes it')
  budget.release('greedy', 30)
  budget.release('modest', 30)
  await turn()
  t.same(granted.slice(2), ['large'])
  budget.release('large', 100)
  await turn()
  t.same(granted.slice(3), ['small', 'greedy 1', 'greedy 2'])
})

t.test('what is larger than a budget is let through alone', async t => {
  const budget = new MemoryBudget(100, 50)
  const { ask, granted } = requester(budget)
  t.equal(budget.reserve('a', 80), true)
  t.equal(budget.reserve('b', 20), true)
  ask('b', 500, 'huge')
  ask('a', 10)
  await turn()
  t.same(granted, [])
  budget.release('b', 20)
  await turn()
  t.same(granted, [], 'a is there')
  budget.release('a', 80)
  await turn()
  t.same(granted, ['huge'])
  budget.release('b', 500)
  await turn()
  t.same(granted, ['huge', 'a'])
})

t.test('who gives up leaves its place to the next', async t => {
  const budget = new MemoryBudget(100, 100)
  const { ask, granted } = requester(budget)
  t.equal(budget.reserve('a', 60), true)
  const large = budget.reserve('a', 100) as Waiter
  const first = budget.reserve('b', 50) as Waiter
  ask('b', 40)
  large.cancel()
  t.equal(await large, false)
  first.cancel()
  large.cancel()
  t.equal(await first, false)
  await turn()
  t.same(granted, ['b'])
  first.cancel()
  t.match(budget.stats, { reservedBytes: 100, waiting: 0, waitedTotal: 3 })
})

t.test('cancelling what is granted already does not take it back', async t => {
  const budget = new MemoryBudget(10, 10)
  budget.reserve('a', 10)
  const place = budget.reserve('a', 10) as Waiter
  budget.release('a', 10)
  place.cancel()
  t.equal(await place, true)
  t.equal(budget.stats.reservedBytes, 10)
})

t.test('more than was reserved is not given back', async t => {
  const budget = new MemoryBudget(10, 10)
  budget.reserve('a', 5)
  t.throws(() => budget.release('a', 6), /More memory was given back/)
  t.throws(() => budget.release('b', 1), /More memory was given back/)
})

t.test('whatever happens, budgets hold, sums are right, and everybody is served in the end', async () => {
  const steps = fc.array(fc.record({
    principal: fc.constantFrom('a', 'b', 'c'),
    bytes: fc.integer({ min: 1, max: 120 }),
    kind: fc.constantFrom('reserve', 'try', 'release', 'cancel'),
    pick: fc.nat(20)
  }), { maxLength: 80 })
  await fc.assert(fc.asyncProperty(steps, async steps => {
    const budget = new MemoryBudget(100, 60)
    const held: { principal: string, bytes: number }[] = []
    const waiting: { place: Waiter, principal: string }[] = []
    const check = (): void => {
      const sum = (of: typeof held): number => of.reduce((total, { bytes }) => total + bytes, 0)
      if (budget.stats.reservedBytes !== sum(held)) throw new Error('the sum is wrong')
      if (sum(held) > 100 && held.length > 1) throw new Error('more than there is in all')
      for (const name of ['a', 'b', 'c']) {
        const own = held.filter(({ principal }) => principal === name)
        if (sum(own) > 60 && own.length > 1) throw new Error(`more than ${name} may have`)
      }
      if (budget.stats.waiting !== waiting.length) throw new Error('who waits is miscounted')
      if (held.length === 0 && waiting.length > 0) throw new Error('somebody waits for nothing')
    }
    const release = (at: number): void => {
      const [one] = held.splice(at, 1)
      budget.release(one!.principal, one!.bytes)
    }
    for (const { kind, principal, bytes, pick } of steps) {
      if (kind === 'release' && held.length > 0) release(pick % held.length)
      else if (kind === 'cancel' && waiting.length > 0) waiting[pick % waiting.length]!.place.cancel()
      else if (kind === 'try' && budget.tryReserve(principal, bytes)) held.push({ principal, bytes })
      else if (kind === 'reserve') {
        const place = budget.reserve(principal, bytes)
        if (place === true) held.push({ principal, bytes })
        else {
          const entry = { place, principal }
          waiting.push(entry)
          place.then(granted => {
            waiting.splice(waiting.indexOf(entry), 1)
            if (granted) held.push({ principal, bytes })
          })
        }
      }
      await turn()
      check()
    }
    while (held.length > 0) {
      release(0)
      await turn()
      check()
    }
    if (waiting.length > 0 || budget.stats.principals > 0) throw new Error('somebody was forgotten')
  }), { numRuns: 300 })
})
