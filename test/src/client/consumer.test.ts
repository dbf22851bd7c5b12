import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { anonymous, neverAborted, type Context } from '../../../protocol/rpc.ts'
import { Consumer, type Delivery } from '../../../src/client/consumer.ts'
import { decodeCursor } from '../../../src/client/cursor.ts'
import { Feeds } from '../../../src/client/feed.ts'
import { produce } from '../../../src/client/producer.ts'
import { parseStart } from '../../../src/client/start.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { until } from '../../support/until.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }
const room = { records: 1000, bytes: 1024 * 1024 }

interface World {
  readonly log: MemoryLog
  readonly feeds: Feeds
  readonly open: (from?: string, only?: number | null, topics?: string[]) => Promise<Consumer>
}

function world (t: Test, partitions = 1): World {
  const log = new MemoryLog({ partitions })
  log.create('t')
  const feeds = new Feeds(log.dispatch)
  return {
    log,
    feeds,
    open: async (from = 'earliest', only = null, topics = ['t']) => {
      const consumer = await Consumer.open(log.dispatch, feeds, context, topics, parseStart(from), only)
      t.teardown(() => consumer.close())
      return consumer
    }
  }
}

const append = (log: MemoryLog, texts: readonly string[], partition = 0, topic = 't') =>
  produce(log.dispatch, context, topic, texts.map(text => ({ key: null, value: Buffer.from(text), partition })))

const linesOf = (delivery: Delivery | null): unknown[] => {
  if (delivery?.kind !== 'records') throw new Error(`not records: ${JSON.stringify(delivery)}`)
  return delivery.block.lines.slice(0, delivery.count).map(line => (JSON.parse(line) as { value: unknown }).value)
}

/** Everything that is there. */
async function drain (consumer: Consumer, records = 1000): Promise<unknown[]> {
  const seen: unknown[] = []
  for (;;) {
    const before = seen.length
    const quiet = new AbortController()
    const timer = setTimeout(() => quiet.abort(), 30)
    const delivery = await consumer.next({ records, bytes: 1024 * 1024 }, quiet.signal)
    clearTimeout(timer)
    if (delivery === null) return seen
    if (delivery.kind === 'gap') seen.push(delivery)
    else seen.push(...linesOf(delivery))
    if (seen.length === before) throw new Error('nothing was delivered')
  }
}

t.test('earliest, latest and a time', async t => {
  const { log, open } = world(t)
  const at = (timestampMs: number, text: string) => ({ key: null, value: Buffer.from(text), timestampMs })
  await produce(log.dispatch, context, 't', [at(1000, 'a'), at(2000, 'b'), at(3000, 'c')])
  t.same(await drain(await open('earliest')), ['a', 'b', 'c'])
  t.same(await drain(await open('1970-01-01T00:00:02Z')), ['b', 'c'])
  const latest = await open('latest')
  t.same(await drain(latest), [])
  await append(log, ['d'])
  t.same(await drain(latest), ['d'])
})

t.test('next waits for a record, and until it is told to stop', async t => {
  const { log, open } = world(t, 3)
  const consumer = await open()
  const waiting = consumer.next(room, neverAborted)
  await until(() => log.waiting === 3)
  await append(log, ['x'], 2)
  t.same(linesOf(await waiting), ['x'])
  await until(() => log.waiting === 0)
  t.pass('the other partitions are not waited for any more')
  const stop = new AbortController()
  const stopped = consumer.next(room, stop.signal)
  await until(() => log.waiting === 3)
  stop.abort()
  t.equal(await stopped, null)
  t.equal(await consumer.next(room, AbortSignal.abort()), null)
})

t.test('a reader gets as much as it has room for, and at least one record', async t => {
  const { log, open } = world(t)
  await append(log, ['a', 'b', 'c', 'd', 'x'.repeat(5000)])
  const consumer = await open()
  t.same(linesOf(await consumer.next({ records: 2, bytes: 1024 }, neverAborted)), ['a', 'b'])
  t.same(linesOf(await consumer.next({ records: 100, bytes: 250 }, neverAborted)), ['c', 'd'])
  t.same(linesOf(await consumer.next({ records: 1, bytes: 1 }, neverAborted)), ['x'.repeat(5000)])
  t.equal(log.calls.get('Fetch'), 1)
})

t.test('a cursor resumes exactly, from behind a piece and from within it', async t => {
  const { log, open } = world(t, 2)
  await append(log, ['a0', 'a1', 'a2'], 0)
  await append(log, ['b0', 'b1'], 1)
  const consumer = await open()
  const first = await consumer.next({ records: 2, bytes: 1024 }, neverAborted)
  const seen = linesOf(first)
  t.same((await drain(await open(consumer.cursor))).concat(seen).sort(), ['a0', 'a1', 'a2', 'b0', 'b1'])
  if (first?.kind !== 'records') throw new Error('no records')
  const within = consumer.cursorBehind(first, 1)
  t.same((await drain(await open(within))).concat(seen[0]).sort(), ['a0', 'a1', 'a2', 'b0', 'b1'])
  t.equal(consumer.cursorBehind(first, 2), consumer.cursor)
})

t.test('enough ends reading as soon as it is so, without waiting', async t => {
  const { log, open } = world(t)
  await append(log, ['a'])
  const consumer = await open()
  const enough = (): boolean => consumer.partitions[0]!.next >= 1
  t.same(linesOf(await consumer.next(room, neverAborted, enough)), ['a'])
  t.equal(await consumer.next(room, neverAborted, enough), null)
  t.equal(log.waiting, 0)
})

t.test('records that retention removed are a gap', async t => {
  const { log, open } = world(t)
  await append(log, ['a'])
  await append(log, ['b'])
  await append(log, ['c'])
  const consumer = await open()
  log.deleteBefore('t', 0, 2)
  t.same(await drain(consumer), [{ kind: 'gap', topic: 't', partition: 0, requested: 0, actual: 2, reason: 'retention' }, 'c'])
})

t.test('a log that ends before the place of the reader is a gap', async t => {
  const { log, open } = world(t)
  await append(log, ['a', 'b'])
  const { cursor } = await (async () => { const consumer = await open(); await drain(consumer); return consumer })()
  log.topics.get('t')!.partitions[0]!.batches = []
  log.topics.get('t')!.partitions[0]!.end = 1
  const consumer = await open(cursor)
  t.same(await consumer.next(room, neverAborted), { kind: 'gap', topic: 't', partition: 0, requested: 2, actual: 1, reason: 'truncated' })
})

t.test('an offset that has come into range by the time we look is read, not skipped', async t => {
  const { log, open } = world(t)
  const consumer = await open()
  consumer.seek('t', 0, 3)
  // Between the fetch that is refused and the question where the log ends, the log grows beyond the offset.
  log.before = async api => {
    if (api.name !== 'ListOffsets') return
    log.before = () => {}
    await append(log, ['a', 'b', 'c', 'd'])
  }
  t.same(linesOf(await consumer.next(room, neverAborted)), ['d'])
})

t.test('a topic that was deleted and created anew is a gap, then read from its beginning', async t => {
  const { log, open } = world(t)
  await append(log, ['old', 'older'])
  const consumer = await open()
  await drain(consumer)
  log.create('t')
  await append(log, ['new'])
  t.same(await drain(await open(consumer.cursor)), [{ kind: 'gap', topic: 't', partition: 0, requested: 2, actual: 0, reason: 'recreated' }, 'new'])
})

t.test('a topic that is deleted under a reader ends it with an error', async t => {
  const { log, open } = world(t)
  const consumer = await open()
  const waiting = consumer.next(room, neverAborted)
  await until(() => log.waiting === 1)
  log.topics.delete('t')
  log.create('other')
  await append(log, ['wakes the long poll'], 0, 'other')
  await t.rejects(waiting, { code: 'UNKNOWN_TOPIC_ID' })
})

t.test('one partition, several topics, and what is out of reach', async t => {
  const { log, open } = world(t, 2)
  log.create('u')
  await append(log, ['t0'], 0)
  await append(log, ['t1'], 1)
  await append(log, ['u1'], 1, 'u')
  t.same(await drain(await open('earliest', 1)), ['t1'])
  t.same((await drain(await open('earliest', null, ['t', 'u']))).sort(), ['t0', 't1', 'u1'])
  await t.rejects(open('earliest', 2), { code: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'Topic t has no partition 2: it has 2.' })
})

t.test('what was opened before an error is closed again', async t => {
  const { log, open, feeds } = world(t, 2)
  await t.rejects(open('earliest', null, ['t', 'nope']), { code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  t.notOk(log.topics.has('nope'), 'reading creates nothing')
  t.equal(feeds.size, 0)
})

t.test('a cursor speaks of some partitions; others begin at the earliest record', async t => {
  const { log, open } = world(t, 2)
  await append(log, ['a'], 0)
  await append(log, ['b'], 1)
  const one = await open('latest', 0)
  t.same([...decodeCursor(one.cursor).get('t')!.offsets], [[0, 1]])
  t.same(await drain(await open(one.cursor)), ['b'])
})

t.test('a busy partition does not starve the others', async t => {
  const { log, open } = world(t, 2)
  await append(log, Array.from({ length: 100 }, () => 'busy'), 0)
  await append(log, ['quiet'], 1)
  const consumer = await open()
  const seen: unknown[] = []
  for (let i = 0; i < 4; i++) seen.push(...linesOf(await consumer.next({ records: 5, bytes: 1024 * 1024 }, neverAborted)))
  t.ok(seen.includes('quiet'))
})

t.test('a closed consumer holds no feed', async t => {
  const { open, feeds } = world(t, 4)
  const consumer = await open()
  t.equal(feeds.size, 4)
  consumer.close()
  consumer.close()
  t.equal(feeds.size, 0)
})

t.test('a reader leaves no listener behind on a signal that outlives it', async t => {
  const { log, open } = world(t, 2)
  const signal = new AbortController().signal
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = function (...args: Parameters<typeof addEventListener>) { listeners++; addEventListener.apply(signal, args) }
  signal.removeEventListener = function (...args: Parameters<typeof removeEventListener>) { listeners--; removeEventListener.apply(signal, args) }
  const consumer = await open()
  for (let i = 0; i < 10; i++) {
    const next = consumer.next(room, signal)
    await until(() => log.waiting === 2)
    await append(log, [String(i)], i % 2)
    t.same(linesOf(await next), [i])
    await until(() => log.waiting === 0)
  }
  t.equal(listeners, 0)
})

t.test('partitions that are added later are found, even while the known ones are silent', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { log, open } = world(t)
  const consumer = await open()
  const waiting = consumer.next(room, neverAborted)
  await until(() => log.waiting === 1)
  log.topics.get('t')!.partitions.push({ start: 0, end: 0, batches: [] })
  await append(log, ['early'], 1)
  mock.timers.tick(30_000)
  t.same(linesOf(await waiting), ['early'])
  t.equal(consumer.partitions.length, 2)
})
