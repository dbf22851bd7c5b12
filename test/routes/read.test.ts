import t from 'tap'
import { anonymous, neverAborted, type Context } from '../../protocol/rpc.ts'
import { type OutgoingRecord, produce } from '../../src/client/producer.ts'
import type { MemoryLog } from '../support/memory-log.ts'
import { openDoor, type TestDoor } from '../support/http-door.ts'
import { until } from '../support/until.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }

interface Page {
  records: { partition: number, offset: number, value: unknown }[]
  cursor: string
  gaps: unknown[]
}

const append = (log: MemoryLog, texts: readonly string[], rest: Partial<OutgoingRecord> = {}) =>
  produce(log.dispatch, context, 't', texts.map(text => ({ key: null, value: Buffer.from(text), ...rest })))

async function page ({ inject }: TestDoor, url: string): Promise<Page> {
  const response = await inject(url)
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.body}`)
  return response.json()
}

const values = ({ records }: Page): unknown[] => records.map(({ value }) => value)

t.test('a page has the records that are there, each in the one shape', async t => {
  const door = await openDoor(t)
  await append(door.log, ['{"n":1}', 'text'], { key: Buffer.from('k'), timestampMs: Date.UTC(2026, 10, 21), headers: [{ key: 'h', value: Buffer.from('x') }] })
  const response = await door.inject('/topics/t/records')
  t.match(response.headers, { 'content-type': 'application/json; charset=utf-8', vary: 'accept, origin', 'cache-control': 'no-store' })
  t.same(response.json<Page>().records, [{ n: 1 }, 'text'].map((value, offset) => (
    { topic: 't', partition: 0, offset, timestamp: '2026-11-21T00:00:00.000Z', key: 'k', value, headers: [{ name: 'h', value: 'x' }] })))
})

t.test('pages follow one another without loss or repetition, over all partitions', async t => {
  const door = await openDoor(t, { partitions: 3 })
  for (let i = 0; i < 40; i++) await append(door.log, [`a${i}`, `b${i}`, `c${i}`], { partition: i % 3 })
  const seen: unknown[] = []
  let url: string | undefined = '/topics/t/records?limit=7'
  let pages = 0
  while (url !== undefined) {
    const response = await door.inject(url)
    const { records, cursor } = response.json<Page>()
    t.ok(records.length <= 7)
    seen.push(...records.map(({ value }) => value))
    const link = /^<(.+)>; rel="next"$/.exec(response.headers.link as string)![1]!
    t.ok(link.includes(encodeURIComponent(cursor)))
    t.ok(link.includes('limit=7'))
    url = records.length === 0 ? undefined : link
    pages++
  }
  t.equal(pages, Math.ceil(120 / 7) + 1)
  const all = Array.from({ length: 40 }, (_, i) => [`a${i}`, `b${i}`, `c${i}`]).flat()
  t.same([...seen].sort(), all.sort())
  for (const partition of [0, 1, 2]) {
    t.same(seen.filter(value => door.log.values('t', partition).includes(value as string)), door.log.values('t', partition), 'in order')
  }
})

t.test('a cursor that was kept continues with what came since', async t => {
  const door = await openDoor(t)
  await append(door.log, ['a', 'b'])
  const { cursor } = await page(door, '/topics/t/records')
  t.same(values(await page(door, `/topics/t/records?from=${cursor}`)), [])
  await append(door.log, ['c'])
  t.same(values(await page(door, `/topics/t/records?from=${cursor}`)), ['c'])
})

t.test('from earliest, latest or a time', async t => {
  const door = await openDoor(t)
  await append(door.log, ['old'], { timestampMs: Date.UTC(2026, 0, 1) })
  await append(door.log, ['new'], { timestampMs: Date.UTC(2026, 6, 1) })
  t.same(values(await page(door, '/topics/t/records?from=earliest')), ['old', 'new'])
  t.same(values(await page(door, '/topics/t/records?from=latest')), [])
  t.same(values(await page(door, '/topics/t/records?from=2026-03-01')), ['new'])
  t.same(values(await page(door, '/topics/t/records?from=2026-07-01T02:00:00+02:00')), ['new'])
  t.same(values(await page(door, '/topics/t/records?from=2026-07-01T00:00:00.001Z')), [])
})

t.test('one partition, and an offset in it', async t => {
  const door = await openDoor(t, { partitions: 2 })
  await append(door.log, ['a0', 'a1', 'a2'], { partition: 0 })
  await append(door.log, ['b0'], { partition: 1 })
  t.same(values(await page(door, '/topics/t/records?partition=1')), ['b0'])
  t.same(values(await page(door, '/topics/t/records?partition=0&offset=1')), ['a1', 'a2'])
  t.same(values(await page(door, '/topics/t/records?partition=0&offset=3')), [])
  const next = (await door.inject('/topics/t/records?partition=0&limit=1')).headers.link as string
  t.match(next, 'partition=0', 'the next page is of the same partition')
  const beyond = await door.inject('/topics/t/records?partition=0&offset=4')
  t.match(beyond.json(), { status: 416, type: 'urn:barnabas:problem:offset-out-of-range', earliest: 0, latest: 3 })
  door.log.deleteBefore('t', 0, 3)
  t.match((await door.inject('/topics/t/records?partition=0&offset=0')).json(), { status: 416, earliest: 3, latest: 3 })
  t.equal(door.door.feeds.size, 0, 'nothing is held when the answers are out')
})

t.test('a page waits for a record as long as it is told to, and no longer', async t => {
  const door = await openDoor(t, { partitions: 2 })
  door.log.create('t')
  const waiting = page(door, '/topics/t/records?wait=30')
  await until(() => door.log.waiting === 2)
  await append(door.log, ['now'], { partition: 1 })
  t.same(values(await waiting), ['now'])
  t.same(values(await page(door, '/topics/t/records?from=latest&wait=20ms')), [])
  t.same(values(await page(door, '/topics/t/records?from=latest&wait=0.02s')), [])
  t.equal(door.log.waiting, 0)
  t.same(values(await page(door, '/topics/t/records?wait=30')), ['now'], 'and not at all if there is something')
})

t.test('a page that waits is answered when the process stops', async t => {
  const door = await openDoor(t)
  door.log.create('t')
  const waiting = page(door, '/topics/t/records?wait=60')
  await until(() => door.log.waiting === 1)
  door.draining.abort()
  t.same(values(await waiting), [])
})

t.test('a peer that leaves takes its long poll with it', async t => {
  const { listen, log, door } = await openDoor(t)
  log.create('t')
  const leave = new AbortController()
  const waiting = fetch(`${await listen()}/topics/t/records?wait=60`, { signal: leave.signal })
  await until(() => log.waiting === 1)
  leave.abort()
  await t.rejects(waiting)
  await until(() => log.waiting === 0 && door.feeds.size === 0)
})

t.test('a page is bounded in bytes, but holds at least one record', async t => {
  const door = await openDoor(t, { maxMessageBytes: 10_000_000 })
  for (let i = 0; i < 8; i++) await append(door.log, ['x'.repeat(1_000_000)])
  await append(door.log, ['y'.repeat(6_000_000)])
  const first = await page(door, '/topics/t/records')
  t.ok(first.records.length >= 4 && first.records.length < 8, `${first.records.length} records`)
  let { cursor } = first
  let count = first.records.length
  while (count < 9) {
    const next = await page(door, `/topics/t/records?from=${cursor}`)
    t.ok(next.records.length > 0)
    count += next.records.length
    cursor = next.cursor
  }
  t.equal(count, 9)
})

t.test('what cannot be had any more is a gap', async t => {
  const door = await openDoor(t)
  for (const text of ['a', 'b', 'c', 'd']) await append(door.log, [text])
  const { cursor } = await page(door, '/topics/t/records?limit=1')
  door.log.deleteBefore('t', 0, 3)
  const next = await page(door, `/topics/t/records?from=${cursor}`)
  t.same(next.gaps, [{ topic: 't', partition: 0, requested: 1, actual: 3, reason: 'retention' }])
  t.same(values(next), ['d'])
  door.log.create('t')
  await append(door.log, ['anew'])
  const anew = await page(door, `/topics/t/records?from=${next.cursor}`)
  t.match(anew.gaps, [{ requested: 4, actual: 0, reason: 'recreated' }])
  t.same(values(anew), ['anew'])
})

t.test('what was asked for wrongly is explained', async t => {
  const door = await openDoor(t)
  await append(door.log, ['a'])
  door.log.create('u')
  const { cursor } = await page(door, '/topics/t/records')
  const wrong: [url: string, detail: RegExp, status?: number][] = [
    ['/topics/t/records?from=yesterday', /"yesterday" is not a place to start/],
    ['/topics/t/records?from=c1.nonsense', /is not a cursor/],
    [`/topics/u/records?from=${cursor}`, /The cursor is a place in t, not in u/],
    ['/topics/t/records?offset=1', /offset needs a partition/],
    ['/topics/t/records?limit=0', /limit must be >= 1/],
    ['/topics/t/records?limit=10001', /A page has 10000 records at most/],
    ['/topics/t/records?wait=soon', /wait must match pattern/],
    ['/topics/t/records?wait=61', /wait is 60 s at most/],
    ['/topics/t/records?wait=1m', /wait must match pattern/],
    ['/topics/t/records?patition=1', /patition is not known here/],
    ['/topics/t/records?partition=5', /Topic t has no partition 5: it has 1/, 404],
    ['/topics/nope/records', /There is no topic nope/, 404]
  ]
  for (const [url, detail, status = 400] of wrong) t.match((await door.inject(url)).json(), { status, detail }, url)
  t.notOk(door.log.topics.has('nope'), 'reading creates nothing')
  t.equal(door.door.feeds.size, 0)
})

t.test('Accept decides; what cannot be had so is 406', async t => {
  const door = await openDoor(t)
  await append(door.log, ['a'])
  const typeFor = async (accept: string | undefined) => {
    const response = await door.inject({ url: '/topics/t/records?wait=0', headers: accept === undefined ? {} : { accept } })
    return response.headers['content-type']!.toString().split(';')[0]
  }
  t.equal(await typeFor(undefined), 'application/json')
  t.equal(await typeFor('*/*'), 'application/json')
  t.equal(await typeFor('text/html,application/xhtml+xml,*/*;q=0.8'), 'application/json', 'the address bar of a browser')
  t.equal(await typeFor('text/event-stream'), 'text/event-stream')
  t.equal(await typeFor('application/x-ndjson, application/json;q=0.5'), 'application/x-ndjson')
  t.equal(await typeFor('application/x-ndjson;q=0.1, application/json;q=0.5'), 'application/json')
  t.equal(await typeFor('text/html'), 'application/problem+json')
  t.match((await door.inject({ url: '/topics/t/records', headers: { accept: 'text/html' } })).json(), { status: 406, detail: /"text\/html"/ })
})

t.test('a record is read by its place', async t => {
  const door = await openDoor(t)
  await append(door.log, ['a', 'b', 'c'])
  t.match((await door.inject('/topics/t/partitions/0/records/1')).json(), { offset: 1, value: 'b' })
  const missing = await door.inject('/topics/t/partitions/0/records/3')
  t.match(missing.json(), { status: 404, type: 'urn:barnabas:problem:unknown-record', earliest: 0, latest: 3 })
  t.match((await door.inject('/topics/t/partitions/1/records/0')).json(), { status: 404, type: 'urn:barnabas:problem:unknown-topic' })
  t.match((await door.inject('/topics/t/partitions/0/records/x')).json(), { status: 400 })
  // Compaction has removed it: the batch begins behind the offset.
  door.log.topics.get('t')!.partitions[0]!.batches[0]!.stamp(5, 0)
  door.log.topics.get('t')!.partitions[0]!.end = 8
  door.log.create('other')
  t.match((await door.inject('/topics/t/partitions/0/records/5')).json(), { value: 'a' })
  t.match((await door.inject('/topics/t/partitions/0/records/4')).json(), { status: 404, type: 'urn:barnabas:problem:unknown-record' })
  t.equal(door.door.feeds.size, 0)
})
