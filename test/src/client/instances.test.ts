import t from 'tap'
import { Instances, InstanceRefused, type InstanceLimits } from '../../../src/client/instances.ts'

class Thing {
  closed = 0
  failure: Error | null = null
  async close (): Promise<void> {
    this.closed++
    if (this.failure !== null) throw this.failure
  }
}

const alice = { type: 'User', name: 'alice' }
const bob = { type: 'User', name: 'bob' }
const at = (name: string, principal = alice, group = 'g') => ({ principal, group, name })

function table (limits: Partial<InstanceLimits> = {}) {
  const troubles: unknown[] = []
  const clock = { nowMs: 0 }
  const instances = new Instances<Thing>(error => troubles.push(error), { idleMs: 100, sweepMs: 1e6, max: 3, maxPerPrincipal: 2, ...limits }, () => clock.nowMs)
  return { instances, troubles, clock }
}

t.test('an instance is there for whoever made it, and for nobody else', async t => {
  const { instances } = table()
  const thing = instances.add(at('one'), () => new Thing())
  t.equal(await instances.call(at('one'), one => one), thing)
  for (const other of [at('one', bob), at('one', alice, 'h'), at('two')]) {
    await t.rejects(instances.call(other, () => {}), { reason: 'unknown', message: 'Consumer instance not found.' })
    await t.rejects(instances.remove(other), { name: 'InstanceRefused', reason: 'unknown' })
  }
  t.throws(() => instances.add(at('one'), () => new Thing()), { name: 'InstanceRefused', reason: 'exists' })
  t.doesNotThrow(() => instances.add(at('one', bob), () => new Thing()), 'of the same name, for another one')
  await instances.remove(at('one'))
  t.equal(thing.closed, 1)
  await t.rejects(instances.call(at('one'), () => {}), InstanceRefused)
  await instances.close()
})

t.test('there are limits, of one principal and in all', async t => {
  const { instances } = table()
  const add = (name: string, principal = alice): Thing => instances.add(at(name, principal), () => new Thing())
  add('1')
  add('2')
  t.throws(() => add('3'), { reason: 'too-many', message: /You have 2/ })
  add('3', bob)
  t.throws(() => add('4', bob), { reason: 'too-many', message: /The server has 3/ })
  await instances.remove(at('1'))
  add('4', bob)
  t.equal(instances.size, 3)
  await instances.close()
  t.equal(instances.size, 0)
  t.throws(() => add('5'), { reason: 'too-many', message: /stopping/ })
})

t.test('what nobody calls expires, and not while a call goes on', async t => {
  const { instances, clock, troubles } = table()
  const [idle, busy] = [instances.add(at('idle'), () => new Thing()), instances.add(at('busy'), () => new Thing())]
  const { promise, resolve } = Promise.withResolvers<void>()
  const calling = instances.call(at('busy'), () => promise)
  clock.nowMs = 99
  instances.sweep()
  t.equal(instances.size, 2)
  clock.nowMs = 1000
  idle.failure = new Error('x')
  instances.sweep()
  t.equal(idle.closed, 1)
  t.equal(busy.closed, 0)
  resolve()
  await calling
  t.same(troubles, [idle.failure])
  clock.nowMs = 1099
  instances.sweep()
  t.equal(busy.closed, 0, 'the time counts from the end of the call')
  clock.nowMs = 1100
  instances.sweep()
  t.equal(busy.closed, 1)
  await instances.close()
})

t.test('the sweep runs by itself', async t => {
  const { instances, clock } = table({ sweepMs: 5 })
  const thing = instances.add(at('one'), () => new Thing())
  clock.nowMs = 200
  while (thing.closed === 0) await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(instances.size, 0)
  await instances.close()
})
