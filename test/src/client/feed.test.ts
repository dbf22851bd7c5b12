import t from 'tap'
import { anonymous, internalPrincipal, neverAborted, type Context } from '../../../protocol/rpc.ts'
import { Feeds, type Reader } from '../../../src/client/feed.ts'
import { produce } from '../../../src/client/producer.ts'
import { createReadGate } from '../../../src/client/read-gate.ts'
import { MemoryLog } from '../../support/memory-log.ts'
import { until } from '../../support/until.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }

const append = (log: MemoryLog, ...texts: string[]) => produce(log.dispatch, context, 't', texts.map(text => ({ key: null, value: Buffer.from(text) })))
const valuesOf = (block: { lines: readonly string[] }): unknown[] => block.lines.map(line => (JSON.parse(line) as { value: unknown }).value)

function openFeed (log: MemoryLog, feeds = new Feeds(log.dispatch), who: Context = context): Reader {
  const topic = log.topics.get('t') ?? log.create('t')
  return feeds.follow(who, 't', topic.id, 0)
}

t.test('readers at the same offset share one fetch', async t => {
  const log = new MemoryLog()
  const feed = openFeed(log)
  const reading = Array.from({ length: 50 }, () => feed.read(0, neverAborted))
  await until(() => log.waiting === 1)
  await append(log, 'a', 'b')
  const blocks = await Promise.all(reading)
  t.equal(log.calls.get('Fetch'), 1)
  t.equal(new Set(blocks).size, 1, 'all have the same block')
  t.same(valuesOf(blocks[0]!), ['a', 'b'])
  t.match(blocks[0], { from: 0, next: 2, offsets: [0, 1] })
})

t.test('what was fetched is kept for those who come later, also from the middle', async t => {
  const log = new MemoryLog()
  const feed = openFeed(log)
  await append(log, 'a', 'b', 'c')
  await feed.read(0, neverAborted)
  t.same(valuesOf(await feed.read(0, neverAborted)), ['a', 'b', 'c'])
  t.same(valuesOf(await feed.read(1, neverAborted)), ['b', 'c'])
  t.equal(feed.kept(3), undefined)
  t.equal(log.calls.get('Fetch'), 1)
})

t.test('what is kept is bounded', async t => {
  const log = new MemoryLog()
  const feed = openFeed(log)
  for (let i = 0; i < 20; i++) await append(log, 'x'.repeat(200_000))
  for (let at = 0; at < 20;) at = (await feed.read(at, neverAborted)).next
  const kept = Array.from({ length: 20 }, (_, i) => feed.kept(i) !== undefined)
  t.ok(kept[19], 'the newest is at hand')
  t.notOk(kept[0], 'the oldest is not')
  t.ok(kept.filter(Boolean).length <= 6, 'about a megabyte in all')
})

t.test('a reader that leaves rejects with its reason, and the last one takes the long poll with it', async t => {
  const log = new MemoryLog()
  const feed = openFeed(log)
  const [one, other] = [new AbortController(), new AbortController()]
  const [first, second] = [feed.read(0, one.signal), feed.read(0, other.signal)]
  await until(() => log.waiting === 1)
  one.abort(new Error('left'))
  await t.rejects(first, { message: 'left' })
  t.equal(log.waiting, 1, 'the other still waits')
  other.abort(new Error('left too'))
  await t.rejects(second, { message: 'left too' })
  await until(() => log.waiting === 0)
  await t.rejects(feed.read(0, AbortSignal.abort(new Error('gone before'))), { message: 'gone before' })
})

t.test('a fetch that fails fails all who wait for it, and the next one tries anew', async t => {
  const log = new MemoryLog()
  const feed = openFeed(log)
  await append(log, 'a')
  await t.rejects(feed.read(7, neverAborted), { code: 'OFFSET_OUT_OF_RANGE' })
  t.same(valuesOf(await feed.read(0, neverAborted)), ['a'])
  log.topics.delete('t')
  await t.rejects(feed.read(1, neverAborted), { code: 'UNKNOWN_TOPIC_ID' })
})

const as = (name: string, door: Context['door'] = 'http'): Context => ({ ...context, door, principal: { type: 'User', name }, address: '10.0.0.1' })

t.test('a partition is fetched once for all principals of a door, in the name of the process', async t => {
  const log = new MemoryLog()
  const askers: Context[] = []
  log.before = (api, _request, context) => { if (api.name === 'Fetch') askers.push(context) }
  const feeds = new Feeds(log.dispatch)
  const [mine, alices] = [openFeed(log, feeds), openFeed(log, feeds, as('alice'))]
  const reading = [mine, alices].map(feed => feed.read(0, neverAborted))
  await until(() => log.waiting === 1)
  await append(log, 'a')
  const [one, other] = await Promise.all(reading)
  t.equal(one, other, 'both have the same block')
  t.equal(feeds.size, 1)
  t.equal(askers.length, 1)
  t.equal(askers[0]!.principal, internalPrincipal)
  t.match(askers[0], { door: 'http', address: '', clientId: '' })
  const streams = openFeed(log, feeds, as('alice', 'sse'))
  t.equal(feeds.size, 2, 'another door is counted for itself')
  for (const feed of [mine, streams]) feed.release()
  t.equal(feeds.size, 1, 'someone still follows')
  alices.release()
  t.equal(feeds.size, 0)
})

t.test('every reader passes the gate as itself, before each block', async t => {
  const log = new MemoryLog()
  const forbidden = new Set(['mallory'])
  const asked: string[] = []
  const gate = createReadGate(({ name }, host, operation, resourceType, resourceName) => {
    asked.push([name, host, operation, resourceType, resourceName].join(' '))
    return { allowed: !forbidden.has(name) }
  }, (context, topic) => denials.push(`${context.principal.name} ${topic}`))
  const denials: string[] = []
  const feeds = new Feeds(log.dispatch, gate)
  const missing = { operation: 'READ', resourceType: 'TOPIC', resourceName: 't' }
  t.throws(() => openFeed(log, feeds, as('mallory')), { code: 'TOPIC_AUTHORIZATION_FAILED', missing })
  t.equal(feeds.size, 0)
  const alice = openFeed(log, feeds, as('alice'))
  t.equal(asked.at(-1), 'alice 10.0.0.1 READ TOPIC t')
  await append(log, 'a')
  t.same(valuesOf(await alice.read(0, neverAborted)), ['a'])
  t.same(valuesOf(alice.kept(0)!), ['a'])
  forbidden.add('alice')
  t.throws(() => alice.kept(0), { code: 'TOPIC_AUTHORIZATION_FAILED', missing })
  await t.rejects(alice.read(0, neverAborted), { code: 'TOPIC_AUTHORIZATION_FAILED', missing })
  t.equal(log.calls.get('Fetch'), 1)
  t.same(denials, ['mallory t', 'alice t', 'alice t'])
})

t.test('a reader that waits when its permission is taken away ends at once, and the others wait on', async t => {
  const log = new MemoryLog()
  const forbidden = new Set<string>()
  const feeds = new Feeds(log.dispatch, createReadGate(({ name }) => ({ allowed: !forbidden.has(name) }), () => {}))
  const [alice, bob] = ['alice', 'bob'].map(name => openFeed(log, feeds, as(name)).read(0, neverAborted))
  await until(() => log.waiting === 1)
  feeds.accessChanged()
  forbidden.add('alice')
  feeds.accessChanged()
  await t.rejects(alice!, { code: 'TOPIC_AUTHORIZATION_FAILED' })
  t.equal(log.waiting, 1)
  await append(log, 'a')
  t.same(valuesOf(await bob!), ['a'])
  t.equal(log.calls.get('Fetch'), 1, 'they had shared one fetch')
})

t.test('a block that came too late for a reader is not given to it', async t => {
  const log = new MemoryLog()
  let allowed = true
  const feeds = new Feeds(log.dispatch, createReadGate(() => ({ allowed }), () => {}))
  const reading = openFeed(log, feeds, as('alice')).read(0, neverAborted)
  await until(() => log.waiting === 1)
  allowed = false
  await append(log, 'a')
  await t.rejects(reading, { code: 'TOPIC_AUTHORIZATION_FAILED' })
})

t.test('a batch that cannot be read is shown as such, and reading goes on behind it', async t => {
  const log = new MemoryLog()
  const feed = openFeed(log)
  await append(log, 'a')
  await append(log, 'b', 'c')
  await append(log, 'd')
  log.topics.get('t')!.partitions[0]!.batches[1]!.bytes.fill(0xff, 61)
  const block = await feed.read(0, neverAborted)
  t.match(block, { offsets: [0, 1, 3], next: 4 })
  const error = { code: 'CORRUPT_MESSAGE', message: /from here to offset 2 cannot be read/ }
  t.match(JSON.parse(block.lines[1]!), { topic: 't', partition: 0, offset: 1, error })
})
