import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { anonymous, neverAborted, type Context } from '../../protocol/rpc.ts'
import { decodeCursor, encodeCursor } from '../../src/client/cursor.ts'
import { type OutgoingRecord, produce } from '../../src/client/producer.ts'
import { openDoor, type TestDoor } from '../support/http-door.ts'
import type { MemoryLog } from '../support/memory-log.ts'
import { until } from '../support/until.ts'

const context: Context = { principal: anonymous, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }

const append = (log: MemoryLog, texts: readonly string[], rest: Partial<OutgoingRecord> = {}, topic = 't') =>
  produce(log.dispatch, context, topic, texts.map(text => ({ key: null, value: Buffer.from(text), ...rest })))

interface Event {
  id?: string
  event?: string
  data?: string
  retry?: string
  comment?: boolean
}

/** As a browser would read them. */
function eventsIn (text: string): Event[] {
  return text.split('\n\n').slice(0, -1).map(block => Object.fromEntries(block.split('\n').map(line => {
    const colon = line.indexOf(':')
    return colon === 0 ? ['comment', true] : [line.slice(0, colon), line.slice(colon + 1).trimStart()]
  })) as Event)
}

const messages = (events: readonly Event[]): unknown[] =>
  events.filter(({ data, event }) => data !== undefined && event === undefined).map(({ data }) => (JSON.parse(data!) as { value: unknown }).value)

interface Stream {
  readonly response: Response
  text: string
  readonly done: Promise<void>
  readonly leave: () => void
}

async function open ({ listen }: TestDoor, path: string, accept: string, headers: Record<string, string> = {}): Promise<Stream> {
  const controller = new AbortController()
  const response = await fetch(`${await listen()}${path}`, { headers: { accept, ...headers }, signal: controller.signal })
  const stream: { -readonly [K in keyof Stream]: Stream[K] } = { response, text: '', leave: () => controller.abort(), done: Promise.resolve() }
  stream.done = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) stream.text += decoder.decode(chunk as Uint8Array, { stream: true })
  })()
  stream.done.catch(() => {})
  return stream
}

const SSE = 'text/event-stream'
const NDJSON = 'application/x-ndjson'

t.test('events come as they are appended, and their ids resume exactly', async t => {
  const door = await openDoor(t, { partitions: 2 })
  await append(door.log, ['a0', 'a1'], { partition: 0 })
  await append(door.log, ['b0'], { partition: 1 })
  const stream = await open(door, '/topics/t/records', SSE)
  t.match(Object.fromEntries(stream.response.headers), { 'content-type': SSE, 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  await until(() => messages(eventsIn(stream.text)).length === 3)
  await append(door.log, ['b1'], { partition: 1 })
  await until(() => messages(eventsIn(stream.text)).length === 4)
  stream.leave()
  const events = eventsIn(stream.text)
  t.match(events[0], { retry: '2000', id: /^c1\./ }, 'first comes a place to resume from')
  const all = messages(events)
  t.same([...all].sort(), ['a0', 'a1', 'b0', 'b1'])
  for (let i = 0; i < events.length; i++) {
    const seen = messages(events.slice(0, i + 1))
    for (const how of [{ url: '', headers: { 'last-event-id': events[i]!.id! } }, { url: `&last_event_id=${events[i]!.id}`, headers: {} }]) {
      const { body } = await door.inject({ url: `/topics/t/records?from=latest&wait=0${how.url}`, headers: { accept: SSE, ...how.headers } })
      t.same([...seen, ...messages(eventsIn(body))].sort(), [...all].sort(), `behind event ${i} come the others`)
    }
  }
})

t.test('readers who share records have ids of their own', async t => {
  const door = await openDoor(t, { partitions: 2 })
  await append(door.log, ['a'], { partition: 0 })
  await append(door.log, ['b'], { partition: 1 })
  const topicId = door.log.topics.get('t')!.id
  // As long as someone follows, what was made for one reader is at hand for the next.
  const stream = await open(door, '/topics/t/records', SSE)
  await until(() => messages(eventsIn(stream.text)).length === 2)
  const idsFrom = async (...offsets: number[]): Promise<number[][]> => {
    const cursor = encodeCursor(new Map([['t', { topicId, offsets: new Map(offsets.entries()) }]]))
    const { body } = await door.inject({ url: '/topics/t/records?wait=0', headers: { accept: SSE, 'last-event-id': cursor } })
    return eventsIn(body).map(({ id }) => [...decodeCursor(id!).get('t')!.offsets.values()])
  }
  t.same((await idsFrom(0, 0)).at(-1), [1, 1])
  t.same(await idsFrom(0, 1), [[0, 1], [1, 1]])
  t.same(await idsFrom(1, 0), [[1, 0], [1, 1]])
  stream.leave()
})

t.test('a connection that is lost before the first record resumes where it began', async t => {
  const door = await openDoor(t)
  await append(door.log, ['before'])
  const stream = await open(door, '/topics/t/records?from=latest', SSE)
  await until(() => eventsIn(stream.text).length === 1)
  stream.leave()
  await append(door.log, ['in between'])
  const { id } = eventsIn(stream.text)[0]!
  const { body } = await door.inject({ url: '/topics/t/records?from=latest&wait=0', headers: { accept: SSE, 'last-event-id': id! } })
  t.same(messages(eventsIn(body)), ['in between'])
})

t.test('lines come as they are appended', async t => {
  const door = await openDoor(t)
  await append(door.log, ['a', '{\n"b": 1\n}'])
  const stream = await open(door, '/topics/t/records', NDJSON)
  await until(() => stream.text.split('\n').length === 3)
  await append(door.log, ['c'])
  await until(() => stream.text.split('\n').length === 4)
  t.same(stream.text.trimEnd().split('\n').map(line => (JSON.parse(line) as { value: unknown }).value), ['a', { b: 1 }, 'c'])
  t.match(Object.fromEntries(stream.response.headers), { 'content-type': NDJSON, 'cache-control': 'no-store' })
  stream.leave()
})

t.test('headers come before the first record', async t => {
  const door = await openDoor(t)
  door.log.create('t')
  for (const accept of [SSE, NDJSON]) {
    const stream = await open(door, '/topics/t/records', accept)
    t.equal(stream.response.status, 200)
    stream.leave()
  }
})

t.test('a stream ends after limit records', async t => {
  const door = await openDoor(t)
  await append(door.log, ['a', 'b', 'c'])
  const lines = await door.inject({ url: '/topics/t/records?limit=2', headers: { accept: NDJSON } })
  t.equal(lines.body.trimEnd().split('\n').length, 2)
  const events = eventsIn((await door.inject({ url: '/topics/t/records?limit=2', headers: { accept: SSE } })).body)
  t.same(messages(events), ['a', 'b'])
})

t.test('with wait, a stream ends when nothing more comes', async t => {
  const door = await openDoor(t, { partitions: 3 })
  await append(door.log, Array.from({ length: 3000 }, (_, i) => String(i)), { partition: 2 })
  const dump = await door.inject({ url: '/topics/t/records?wait=0', headers: { accept: NDJSON } })
  t.equal(dump.body.trimEnd().split('\n').length, 3000, 'wait=0 dumps what is there')
  t.equal(door.log.waiting, 0)
  const stream = await open(door, '/topics/t/records?from=latest&wait=300ms', NDJSON)
  await until(() => door.log.waiting === 3)
  await append(door.log, ['late'], { partition: 0 })
  await stream.done
  t.match(stream.text, '"late"')
})

t.test('a gap is an event, and a line', async t => {
  const door = await openDoor(t)
  for (const text of ['a', 'b', 'c']) await append(door.log, [text])
  const { cursor } = (await door.inject('/topics/t/records?limit=1')).json<{ cursor: string }>()
  door.log.deleteBefore('t', 0, 2)
  const gap = { topic: 't', partition: 0, requested: 1, actual: 2, reason: 'retention' }
  const events = eventsIn((await door.inject({ url: '/topics/t/records?wait=0', headers: { accept: SSE, 'last-event-id': cursor } })).body)
  t.same(JSON.parse(events.find(({ event }) => event === 'gap')!.data!), gap)
  t.match(events.find(({ event }) => event === 'gap'), { id: /^c1\./ })
  t.same(messages(events), ['c'])
  const lines = (await door.inject({ url: `/topics/t/records?wait=0&from=${cursor}`, headers: { accept: NDJSON } })).body.trimEnd().split('\n')
  t.same(JSON.parse(lines[0]!), { gap })
  t.match(JSON.parse(lines[1]!), { value: 'c' })
})

t.test('a topic that is deleted ends the stream with the problem', async t => {
  const door = await openDoor(t)
  door.log.create('t')
  const [events, lines] = [await open(door, '/topics/t/records', SSE), await open(door, '/topics/t/records', NDJSON)]
  await until(() => door.log.waiting === 2)
  t.equal((await door.inject({ method: 'DELETE', url: '/topics/t' })).statusCode, 204)
  await Promise.all([events.done, lines.done])
  const problem = { type: 'urn:barnabas:problem:unknown-topic', status: 404 }
  t.match(JSON.parse(eventsIn(events.text).find(({ event }) => event === 'problem')!.data!), problem)
  t.match(JSON.parse(lines.text), { problem })
})

t.test('what is wrong before a stream begins is an ordinary problem', async t => {
  const door = await openDoor(t)
  door.log.create('t')
  for (const accept of [SSE, NDJSON]) {
    t.match((await door.inject({ url: '/topics/nope/records', headers: { accept } })).json(), { status: 404 })
    t.match((await door.inject({ url: '/topics/t/records', headers: { accept, 'last-event-id': 'x' } })).json(), { status: 400 })
  }
})

t.test('streams are counted while they are open, and end when the process stops', async t => {
  const door = await openDoor(t)
  door.log.create('t')
  const streams = [await open(door, '/topics/t/records', SSE), await open(door, '/topics/t/records', SSE), await open(door, '/topics/t/records', NDJSON)]
  t.same(door.door.stats.streams, { sse: 2, ndjson: 1 })
  streams[0]!.leave()
  await until(() => door.door.stats.streams.sse === 1)
  door.draining.abort()
  await Promise.all(streams.slice(1).map(({ done }) => done))
  t.same(door.door.stats.streams, { sse: 0, ndjson: 0 })
  const retry = Number(eventsIn(streams[1]!.text).at(-1)!.retry)
  t.ok(retry >= 2000 && retry < 4000, 'browsers are told to come back, not all at once')
  await until(() => door.log.waiting === 0 && door.door.feeds.size === 0)
})

t.test('many who follow cost one fetch', async t => {
  const door = await openDoor(t)
  door.log.create('t')
  const streams = await Promise.all(Array.from({ length: 40 }, (_, i) => open(door, '/topics/t/records', i % 2 === 0 ? SSE : NDJSON)))
  await until(() => door.log.waiting === 2)
  door.log.calls.clear()
  await append(door.log, ['for all'])
  await until(() => streams.every(({ text }) => text.includes('for all')))
  // One for each kind of door, and the long polls that come after.
  t.ok(door.log.calls.get('Fetch')! <= 4, `${door.log.calls.get('Fetch')} fetches`)
  for (const { leave } of streams) leave()
})

t.test('a silent stream of events is kept alive; lines have nothing to say', async t => {
  const door = await openDoor(t)
  door.log.create('t')
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const [events, lines] = [SSE, NDJSON].map(accept => door.inject({ url: '/topics/t/records', headers: { accept } }))
  await until(() => door.log.waiting === 2)
  for (let i = 0; i < 3; i++) {
    mock.timers.tick(20_000)
    await until(() => door.log.waiting === 2)
  }
  await append(door.log, ['a'])
  await until(() => door.log.waiting === 2)
  door.draining.abort()
  const seen = eventsIn((await events!).body)
  t.equal(seen.filter(({ comment }) => comment === true).length, 3)
  t.same(messages(seen), ['a'])
  t.match((await lines!).body, /^\{.*\}\n$/)
})

/** A peer that asks for a stream and then does not read. */
async function openUnread ({ listen }: TestDoor, path: string, accept: string): Promise<Socket> {
  const { port } = new URL(await listen())
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: ${accept}\r\n\r\n`)
  return socket
}

for (const accept of [SSE, NDJSON]) {
  t.test(`a reader that does not read costs bounded memory, nothing is fetched for it, and it misses nothing: ${accept}`, async t => {
    const door = await openDoor(t)
    const value = 'x'.repeat(10_000)
    for (let i = 0; i < 20; i++) await append(door.log, Array.from({ length: 100 }, (_, n) => `${i * 100 + n}:${value}`))
    const ends: Socket[] = []
    door.app.server.on('connection', end => { ends.push(end) })
    const socket = await openUnread(door, '/topics/t/records?wait=0', accept)
    t.teardown(() => socket.destroy())
    const fetched = (): number => door.log.calls.get('Fetch') ?? 0
    await until(() => fetched() > 0)
    // What the system's buffers take is read; then nothing more.
    let before = -1
    while (fetched() !== before) {
      before = fetched()
      await sleep(50)
    }
    t.ok(before < 20, `${before} fetches of 20 for what nobody reads`)
    t.equal(door.log.waiting, 0, 'and none under way')
    const held = ends.reduce((sum, { writableLength }) => sum + writableLength, 0)
    t.ok(held < 300_000, `${held} bytes are held for it`)
    let text = ''
    socket.setEncoding('utf8').on('data', chunk => { text += chunk }).resume()
    await until(() => text.endsWith('\r\n0\r\n\r\n'))
    const numbers = [...text.matchAll(/"value":"(\d+):x/g)].map(match => Number(match[1]))
    t.same(numbers, Array.from({ length: 2000 }, (_, i) => i))
  })
}

t.test('a reader that does not read and leaves is forgotten', async t => {
  const door = await openDoor(t)
  await append(door.log, Array.from({ length: 100 }, () => 'x'.repeat(50_000)))
  const socket = await openUnread(door, '/topics/t/records', SSE)
  await until(() => door.door.stats.streams.sse === 1)
  socket.destroy()
  await until(() => door.door.stats.streams.sse === 0 && door.door.feeds.size === 0)
  t.same(door.logged, [])
})
