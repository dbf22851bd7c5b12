/**
 * The browser client, run in Node as it is served.
 */
import t, { type Test } from 'tap'
import { connect as tcpConnect, createServer, type AddressInfo, type Socket } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { HttpDoor } from '../../../routes/door.ts'
import { openGuardedDoor } from '../../support/guarded-door.ts'
import { openDoor } from '../../support/http-door.ts'
import { append, eventually, openGateway, type RecordJson } from './support.ts'

interface Receipt { readonly partition: number, readonly offset: number, readonly timestamp: string }

interface Subscription extends AsyncIterable<RecordJson & { readonly valueEncoding?: string }> {
  readonly cursor: string | undefined
  close (): void
}

interface Log {
  subscribe (topics: string | string[], options?: object): Subscription
  produce (topic: string, value: unknown, options?: object): Promise<Receipt>
  close (): void
}

interface Client {
  connect (url?: string, options?: {
    onState?: (state: string) => void, auth?: () => object | Promise<object>, onThrottled?: (throttled: object) => void
  }): Log
}

const { inject } = await openDoor(t)
const served = await inject('/client.js')
const path = join(t.testdir(), 'client.mjs')
writeFileSync(path, served.body)
const client = await import(pathToFileURL(path).href) as Client

function connect (t: Test, url: string, options?: { onState?: (state: string) => void }): Log {
  const log = client.connect(`${url}/ws`, options)
  t.teardown(() => log.close())
  return log
}

async function take (subscription: Subscription, count: number): Promise<RecordJson[]> {
  const records: RecordJson[] = []
  for await (const record of subscription) if (records.push(record) === count) return records
  throw new Error(`it ended after ${records.length} of ${count} records`)
}

const offsetsOf = (records: readonly RecordJson[]): number[] => records.map(({ offset }) => offset)

/** A line that can be cut. */
interface Line { readonly url: string, readonly cut: () => void, readonly stop: () => void, readonly mend: () => void }

async function openLine (t: Test, url: string): Promise<Line> {
  const sockets = new Set<Socket>()
  let up = true
  const server = createServer(near => {
    if (!up) return near.destroy()
    const far = tcpConnect(Number(new URL(url).port), '127.0.0.1')
    for (const [one, other] of [[near, far], [far, near]] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => {})
      one.on('close', () => { other.destroy(); sockets.delete(one) })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => { for (const socket of sockets) socket.destroy() }
  t.teardown(() => { cut(); server.close() })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    stop: () => { up = false; cut() },
    mend: () => { up = true }
  }
}

t.test('it is served as it stands, to pages of any origin, and is short', async t => {
  t.match(served.headers, { 'content-type': 'text/javascript; charset=utf-8', 'access-control-allow-origin': '*' })
  t.ok(served.body.trimEnd().split('\n').length < 220)
})

t.test('produces and reads back', async t => {
  const { listen } = await openDoor(t)
  const log = connect(t, await listen())
  t.match(await log.produce('a', { hello: 'world' }, { key: 'k', headers: [{ name: 'h', value: 'v' }] }), { partition: 0, offset: 0, timestamp: String })
  await log.produce('a', 'text')
  await log.produce('a', new Uint8Array([255, 0]))
  await log.produce('a', null)
  const [first, second, third, fourth] = await take(log.subscribe('a', { from: 'earliest' }), 4)
  t.match(first, { topic: 'a', partition: 0, offset: 0, key: 'k', value: { hello: 'world' }, headers: [{ name: 'h', value: 'v' }] })
  t.match(second, { value: 'text' })
  t.match(third, { value: '/wA=', valueEncoding: 'base64' })
  t.match(fourth, { value: null })
})

t.test('many records at once are all acknowledged, in order', async t => {
  const { listen } = await openDoor(t)
  const log = connect(t, await listen())
  const receipts = await Promise.all(Array.from({ length: 100 }, (_, i) => log.produce('a', i)))
  t.strictSame(receipts.map(({ offset }) => offset), receipts.map((_, i) => i))
})

t.test('what the server refuses is an error that has the problem', async t => {
  const { listen } = await openDoor(t, { autoCreate: false })
  const log = connect(t, await listen())
  await t.rejects(log.produce('nowhere', 1), { message: /nowhere/, problem: { status: 404 } })
  await t.rejects(log.produce('nowhere', 1, { partition: -1 }), { message: /partition/, problem: { status: 400 } })
  await t.rejects(log.produce('nowhere', 'x'.repeat(1024 * 1024)), /too large/)
  await t.rejects(take(log.subscribe('nowhere'), 1), { message: /nowhere/, problem: { status: 404 } })
})

t.test('an error that passes is waited out', async t => {
  const { listen, log: memory } = await openDoor(t)
  append(memory, 'a', ['0'])
  let failures = 2
  memory.before = ({ name }) => { if (name === 'ListOffsets' && failures-- > 0) throw new Error('not now') }
  t.strictSame(offsetsOf(await take(connect(t, await listen()).subscribe('a', { from: 'earliest' }), 1)), [0])
})

t.test('gives credit as the page consumes', async t => {
  const { listen, log: memory, door } = await openDoor(t)
  append(memory, 'a', Array.from({ length: 1000 }, (_, i) => String(i)))
  const subscription = connect(t, await listen()).subscribe('a', { from: 'earliest', records: 50 })
  await eventually(() => door.stats.webSocket.recordsOut === 50)
  let consumed = 0
  for await (const { offset } of subscription) {
    t.equal(offset, consumed++)
    if (door.stats.webSocket.recordsOut > consumed + 50) throw new Error(`${door.stats.webSocket.recordsOut} sent, ${consumed} consumed`)
    if (consumed === 1000) break
  }
  await eventually(() => door.stats.webSocket.subscriptions === 0)
  t.ok(door.stats.webSocket.framesIn < 100, 'not for every record')
})

t.test('makes room for a record that is larger than what it keeps', async t => {
  const { listen, log: memory } = await openDoor(t)
  append(memory, 'a', ['small', 'x'.repeat(5000), 'small', 'y'.repeat(9000), 'small'])
  const subscription = connect(t, await listen()).subscribe('a', { from: 'earliest', records: 3, bytes: 400 })
  t.strictSame(offsetsOf(await take(subscription, 5)), [0, 1, 2, 3, 4])
})

t.test('a line that is cut again and again loses nothing and doubles nothing', async t => {
  const { listen, log: memory, door } = await openDoor(t, { partitions: 2 })
  memory.create('a', 2)
  const line = await openLine(t, await listen())
  const producer = connect(t, await listen())
  const subscription = connect(t, line.url).subscribe('a', { records: 7 })
  await eventually(() => door.stats.webSocket.subscriptions === 1)
  const COUNT = 300
  const next = [0, 0]
  const reading = (async () => {
    let count = 0
    for await (const { partition, offset } of subscription) {
      if (offset !== next[partition]) throw new Error(`expected ${next[partition]}, got ${offset} in partition ${partition}`)
      next[partition]!++
      if (++count === COUNT) return
      if (count % 37 === 0) line.cut()
    }
  })()
  for (let i = 0; i < COUNT; i++) await producer.produce('a', i, { partition: i % 2 })
  await reading
  t.strictSame(next, [COUNT / 2, COUNT / 2])
  t.ok(door.stats.webSocket.sessionsTotal > 5)
})

t.test('a server that restarts is found again, and exactly what was missed follows', async t => {
  const { log: memory, door } = await openDoor(t)
  const states: string[] = []
  const timing = { reconnectAfterMs: [10, 20] as const }
  const first = await openGateway(t, door, timing)
  append(memory, 'a', ['0'])
  const log = connect(t, first.url, { onState: state => states.push(state) })
  const seen: number[] = []
  const subscription = log.subscribe('a', { from: 'earliest' })
  const reading = (async () => {
    for await (const { offset } of subscription) if (seen.push(offset) === 5) return
  })()
  await eventually(() => seen.length === 1)
  await first.app.close()
  append(memory, 'a', ['1', '2', '3'])
  const waiting = log.produce('a', 'while it is away')
  await openGateway(t, restarted(door), timing, Number(new URL(first.url).port))
  t.match(await waiting, { offset: 4 })
  await reading
  t.strictSame(seen, [0, 1, 2, 3, 4])
  t.match(states.join(' '), /^connecting open waiting( connecting waiting)* connecting open$/)
})

/** The door of the next process. */
const restarted = (door: HttpDoor): HttpDoor => ({ ...door, draining: new AbortController().signal })

t.test('who was not answered when the line broke is told so', async t => {
  const { listen, log: memory } = await openDoor(t)
  memory.create('a')
  const line = await openLine(t, await listen())
  const log = connect(t, line.url)
  await log.produce('a', 0)
  memory.before = ({ name }) => { if (name === 'Produce') line.stop() }
  await t.rejects(log.produce('a', 1), /may be in the log or not/)
  memory.before = () => {}
  const later = log.produce('a', 2)
  line.mend()
  t.match(await later, { offset: 2 })
})

t.test('gaps are told in their place, and what comes behind them follows', async t => {
  const { listen, log: memory } = await openDoor(t)
  const line = await openLine(t, await listen())
  append(memory, 'a', ['0', '1'])
  const heard: unknown[] = []
  const options = { from: 'earliest', onGap: (gap: object) => heard.push(gap), onCaughtUp: () => heard.push('caught up') }
  for await (const { offset } of connect(t, line.url).subscribe('a', options)) {
    heard.push(offset)
    if (offset === 1) {
      line.stop()
      append(memory, 'a', ['2', '3', '4'])
      memory.deleteBefore('a', 0, 4)
      line.mend()
    }
    if (offset === 4) break
  }
  t.match(heard.filter(one => one !== 'caught up'), [0, 1, { topic: 'a', partition: 0, requested: 2, actual: 4, reason: 'retention' }, 4])
  t.ok(heard.includes('caught up'))
})

t.test('a cursor that was kept goes on behind what was consumed', async t => {
  const { listen, log: memory } = await openDoor(t)
  append(memory, 'a', ['0', '1', '2', '3'])
  const url = await listen()
  const subscription = connect(t, url).subscribe('a', { from: 'earliest', records: 2 })
  let cursor: string | undefined
  for await (const { offset } of subscription) {
    cursor = subscription.cursor
    if (offset === 2) break
  }
  t.strictSame(offsetsOf(await take(connect(t, url).subscribe('a', { from: cursor }), 2)), [2, 3])
})

t.test('closing ends what goes on', async t => {
  const { listen, log: memory, door } = await openDoor(t)
  memory.create('a')
  const log = connect(t, await listen())
  const subscription = log.subscribe('a')
  const ended = (async () => {
    for await (const record of subscription) t.fail(JSON.stringify(record))
  })()
  await eventually(() => door.stats.webSocket.subscriptions === 1)
  subscription.close()
  await ended
  await eventually(() => door.stats.webSocket.subscriptions === 0)
  const reading = take(log.subscribe('a'), 1)
  log.close()
  await t.rejects(reading, /closed/)
  await t.rejects(log.produce('a', 1), /closed/)
  await t.rejects(take(log.subscribe('a'), 1), /closed/)
  await eventually(() => door.stats.webSocket.sessions === 0)
})

t.test('it says who it is, and again when that runs out', async t => {
  const now = Date.now()
  const { door, log: memory, allow, table } = await openGuardedDoor(t, { tokens: new Map([['alice-1', now + 900], ['alice-2', now + 3_600_000]]) })
  memory.create('t')
  allow('alice', 'WRITE', 't')
  const { url } = await openGateway(t, door)
  const asked: string[] = []
  const throttled: object[] = []
  const log = client.connect(`${url}/ws`, {
    auth: () => {
      asked.push(`alice-${asked.length + 1}`)
      return { bearer: asked.at(-1)! }
    },
    onThrottled: message => throttled.push(message)
  })
  t.teardown(() => log.close())
  await log.produce('t', 1)
  await eventually(() => asked.length === 2)
  await log.produce('t', 2)
  t.same(asked, ['alice-1', 'alice-2'])
  table.set({ user: 'alice' }, { producer_byte_rate: 1 })
  await log.produce('t', 'x'.repeat(1000))
  const waiting = log.produce('t', 'y')
  await eventually(() => throttled.length === 1)
  t.match(throttled, [{ quota: 'producer_byte_rate', limit: 1 }])
  table.set({ user: 'alice' }, null)
  t.equal((await waiting).offset, 3, 'a pause is no answer')

  const stranger = client.connect(`${url}/ws`, { auth: async () => ({ bearer: 'unknown' }) })
  await t.rejects(stranger.produce('t', 1), { message: /^Authentication failed/ }, 'and does not try for ever')
  const broken = client.connect(`${url}/ws`, { auth: () => { throw new Error('no token today') } })
  await t.rejects(broken.produce('t', 1), { message: 'no token today' })
})
