/** Gateways over one log: what they know of each other as they come, stop, die and get into each other's way. */
import t, { type Test } from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { KafkaError } from '../../../protocol/errors.ts'
import { compose, on, type Dispatch } from '../../../protocol/rpc.ts'
import { Gateways, type GatewaysOptions } from '../../../src/gateways/gateways.ts'
import { GATEWAYS_TOPIC } from '../../../src/gateways/topic.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { until } from '../../support/until.ts'

const OWN = { host: 'own', port: 1 }
const doorsOf = (name: string): ReadonlyMap<string, { host: string, port: number }> =>
  new Map([['INSIDE', { host: `${name}.inside`, port: 9092 }], ['OUTSIDE', { host: '::1', port: 9093 }]])

interface Opened {
  readonly gateways: Gateways
  /** What it was told. */
  readonly changes: string[]
  readonly duplicates: string[]
  readonly superseded: Error[]
  readonly troubles: Error[]
}

function create (t: Test, dispatch: Dispatch, nodeId: number, options: Partial<GatewaysOptions> = {}): Opened {
  const opened = { changes: [] as string[], duplicates: [] as string[], superseded: [] as Error[], troubles: [] as Error[] }
  const gateways = new Gateways(dispatch, {
    nodeId,
    onChange: live => { opened.changes.push(live.join()) },
    onDuplicate: sentence => { opened.duplicates.push(sentence) },
    onSuperseded: error => { opened.superseded.push(error) },
    onTrouble: error => { opened.troubles.push(error) },
    ...options
  })
  t.teardown(() => gateways.close())
  return { gateways, ...opened }
}

async function start (t: Test, dispatch: Dispatch, nodeId: number, options: Partial<GatewaysOptions> = {}): Promise<Opened> {
  const opened = create(t, dispatch, nodeId, options)
  await opened.gateways.open()
  await opened.gateways.announce(doorsOf(`g${nodeId}`))
  return opened
}

/** A way to the log that can be cut: a process that is killed, or held. */
function cuttable (dispatch: Dispatch): { dispatch: Dispatch, isCut: boolean } {
  const cut = { isCut: false, dispatch }
  const through = async <R>(next: () => Promise<R>): Promise<R> => {
    if (cut.isCut) throw new KafkaError('NETWORK_EXCEPTION')
    const response = await next()
    if (cut.isCut) throw new KafkaError('NETWORK_EXCEPTION')
    return response
  }
  cut.dispatch = compose(dispatch,
    on(Produce, (request, _context, next) => through(() => next(request))), on(Fetch, (request, _context, next) => through(() => next(request))))
  return cut
}

const live = ({ gateways }: Opened): string => gateways.live().join()

t.test('over an embedded log: they find each other at once, and miss who is gone', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  const third = await start(t, engine.dispatch, 3)
  t.equal(live(third), '3', 'alone')
  const first = await start(t, engine.dispatch, 1)
  t.equal(live(first), '1,3', 'known before its doors are open')
  await until(() => live(third) === '1,3')
  const [one, other] = [third.gateways.live(), third.gateways.live()]
  t.equal(one, other, 'the same object')
  t.same(third.changes, ['1,3'])

  t.same(first.gateways.addressOf(3, 'OUTSIDE', OWN), { host: '::1', port: 9093 })
  t.same(first.gateways.addressOf(3, 'INSIDE', OWN), { host: 'g3.inside', port: 9092 })
  t.same(first.gateways.addressOf(3, 'ELSEWHERE', OWN), { host: 'g3.inside', port: 9092 }, 'its first, where it has none of that name')
  t.equal(first.gateways.addressOf(1, 'INSIDE', OWN), OWN)
  t.equal(first.gateways.addressOf(8, 'INSIDE', OWN), OWN, 'nobody: we stand in')

  await third.gateways.close()
  await until(() => live(first) === '1')
  t.match(JSON.parse((await client.values(await client.ready(GATEWAYS_TOPIC)))[0]!), {
    instance: /^\S{12}$/, started: null, listeners: { INSIDE: 'g3.inside:9092', OUTSIDE: '[::1]:9093' }, draining: false, at: Number
  })
  const again = await start(t, engine.dispatch, 3)
  t.equal(live(again), '1,3', 'the same number, anew')
  t.same([first, again].flatMap(({ duplicates, troubles }) => [...duplicates, ...troubles]), [])
})

t.test('who start at the same time, where nobody was, do not wait for a beat to know each other', async t => {
  const memory = new MemoryLog()
  const startedMs = performance.now()
  const all = await Promise.all([5, 2, 9].map(nodeId => start(t, memory.dispatch, nodeId)))
  await until(() => all.every(one => live(one) === '2,5,9'))
  const tookMs = performance.now() - startedMs
  t.ok(tookMs < 900, `${tookMs} ms`)
})

t.test('who stops sends clients to the others, and says so first', async t => {
  const memory = new MemoryLog()
  const [first, second] = [await start(t, memory.dispatch, 1), await start(t, memory.dispatch, 2)]
  await until(() => live(first) === '1,2')
  t.notOk(first.gateways.isLeaving)
  await first.gateways.drain()
  t.ok(first.gateways.isLeaving)
  t.equal(live(first), '2')
  t.equal(live(second), '2')
  t.same(second.gateways.addressOf(1, 'INSIDE', OWN), { host: 'g1.inside', port: 9092 }, 'it is known for as long as it is there')
  await second.gateways.drain()
  t.equal(live(second), '2', 'the last one stays')
  t.notOk(second.gateways.isLeaving)
  t.equal(live(first), '1', 'and so does who has nobody to send clients to any more')
  const third = await start(t, memory.dispatch, 3)
  t.equal(live(third), '3', 'who comes does not count on who leaves')
  t.equal(live(second), '3')
  await first.gateways.close()
  await second.gateways.close()
  t.equal(live(third), '3')
})

t.test('who dies is missed after four seconds', async t => {
  const memory = new MemoryLog()
  let nowMs = 0
  const clock = (): number => nowMs
  const mortal = cuttable(memory.dispatch)
  const first = await start(t, memory.dispatch, 1, { clock })
  const second = await start(t, mortal.dispatch, 2, { clock })
  await until(() => live(first) === '1,2' && live(second) === '1,2')
  mortal.isCut = true
  nowMs = 3900
  const before = beatsIn(memory)
  await until(() => beatsIn(memory) >= before + 2)
  t.equal(live(first), '1,2', 'not yet')
  nowMs = 4100
  await until(() => live(first) === '1')
  t.equal(live(second), '1,2', 'who hears nothing, not even himself, does not take others for dead')
  nowMs = 40_000
  await until(() => live(second) === '2', 20_000)
  t.pass('but not for ever')
  mortal.isCut = false
  await until(() => live(first) === '1,2', 20_000)
  await until(() => live(second) === '1,2', 20_000)
  t.pass('and they find each other again')
})

function beatsIn (memory: MemoryLog): number {
  return memory.topics.get(GATEWAYS_TOPIC)?.partitions[0]!.end ?? 0
}

t.test('two with one number: the second does not start', async t => {
  const memory = new MemoryLog()
  const first = await start(t, memory.dispatch, 1)
  const second = create(t, memory.dispatch, 1)
  await t.rejects(second.gateways.open(), {
    message: 'Another Barnabas in front of this cluster is node 1 already: INSIDE at g1.inside:9092, OUTSIDE at [::1]:9093. ' +
      'Give each of them a number of its own with --node-id, and start this one again.'
  })
  await second.gateways.close()
  t.equal(live(first), '1')
  t.same(await start(t, memory.dispatch, 2).then(live), '1,2', 'the first is still there')
})

t.test('two with one number that start at the same time: one of them goes on', async t => {
  const memory = new MemoryLog()
  const both = [create(t, memory.dispatch, 1), create(t, memory.dispatch, 1)]
  await Promise.all(both.map(({ gateways }) => gateways.open()))
  await Promise.allSettled(both.map(({ gateways }, i) => gateways.announce(doorsOf(`twin${i}`))))
  await until(() => both.some(({ superseded }) => superseded.length > 0))
  const [lost, won] = both[0]!.superseded.length > 0 ? both : both.toReversed()
  t.match(lost!.superseded, [{ message: /is node 1 already: INSIDE at twin\d\.inside:9092.*--node-id/ }])
  await until(() => won!.duplicates.length > 0)
  t.match(won!.duplicates, [/is node 1 already/])
  t.same(won!.superseded, [])
  await lost!.gateways.close()
  const other = await start(t, memory.dispatch, 2)
  t.equal(live(other), '1,2', 'the end of the one is not the other\'s')
})

t.test('a replacement with the same number may come while the one before leaves', async t => {
  const memory = new MemoryLog()
  const [first, other] = [await start(t, memory.dispatch, 1), await start(t, memory.dispatch, 2)]
  await first.gateways.drain()
  const second = await start(t, memory.dispatch, 1)
  t.equal(live(second), '1,2')
  await first.gateways.close()
  t.equal(live(other), '1,2')
  t.same([first, second].flatMap(({ duplicates, superseded }) => [...duplicates, ...superseded]), [])
})

t.test('who was killed may come again with the same number, and is not waited for longer than a second', async t => {
  const memory = new MemoryLog()
  const mortal = cuttable(memory.dispatch)
  await start(t, mortal.dispatch, 1)
  mortal.isCut = true
  const startedMs = performance.now()
  const again = await start(t, memory.dispatch, 1)
  const tookMs = performance.now() - startedMs
  t.ok(tookMs > 900 && tookMs < 5000, `${tookMs} ms`)
  t.equal(live(again), '1')
})

t.test('alone it writes next to nothing', async t => {
  const memory = new MemoryLog()
  const alone = await start(t, memory.dispatch, 1)
  await new Promise(resolve => setTimeout(resolve, 2500))
  t.equal(beatsIn(memory), 1)
  await start(t, memory.dispatch, 2)
  await until(() => live(alone) === '1,2')
  const before = beatsIn(memory)
  await new Promise(resolve => setTimeout(resolve, 2500))
  t.ok(beatsIn(memory) - before >= 4, 'with others, one a second')
})

t.test('what is not understood is passed over', async t => {
  const memory = new MemoryLog()
  const first = await start(t, memory.dispatch, 1)
  const { StateLog } = await import('../../../src/state/log.ts')
  const { gatewaysTopic } = await import('../../../src/gateways/topic.ts')
  const stranger = new StateLog(memory.dispatch, gatewaysTopic, { changed () {}, rebuild: () => ({ changed () {}, done () {} }) })
  await stranger.open()
  t.teardown(() => stranger.close())
  const listeners = { A: 'a:1' }
  for (const [key, value] of [
    ['2', 'not json'], ['3', '{}'], ['4', 'null'], ['5', JSON.stringify({ instance: 'x', listeners: { A: 'no port' } })],
    ['6', JSON.stringify({ instance: 'x', listeners: {} })], ['7', JSON.stringify({ instance: 'x', listeners: { A: 'a:99999' } })],
    ['8', JSON.stringify({ instance: 'x', listeners, draining: 'no' })], ['9', JSON.stringify({ instance: 'x', listeners, started: 1.5 })],
    ['-1', JSON.stringify({ instance: 'x', listeners })], ['01', JSON.stringify({ instance: 'x', listeners })],
    ['99999999999', JSON.stringify({ instance: 'x', listeners })], ['2147483648', JSON.stringify({ instance: 'x', listeners })],
    ['hello', 'not json'], ['of a version to come', '{}']
  ] as const) await stranger.append([{ key, value }])
  t.equal(live(first), '1')
  await stranger.append([{ key: '2147483647', value: JSON.stringify({ instance: 'x', listeners, more: 1 }) }])
  await until(() => live(first) === '1,2147483647')
  t.same(first.gateways.addressOf(2147483647, 'B', OWN), { host: 'a', port: 1 })
  t.same(first.troubles, [])
})
