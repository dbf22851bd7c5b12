import { once } from 'node:events'
import { Readable } from 'node:stream'
import t from 'tap'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { neverAborted, on, type Context } from '../../protocol/rpc.ts'
import { contextOf } from '../../routes/door.ts'
import type { Throttle } from '../../routes/guards.ts'
import { paced } from '../../routes/pace.ts'
import { as, openGuardedDoor } from '../support/guarded-door.ts'
import { openDoor, openHouse } from '../support/http-door.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { until } from '../support/until.ts'

const KIB = 'x'.repeat(1024)
const V2 = { 'content-type': 'application/vnd.kafka.binary.v2+json' }

t.test('over a quota the answer is 429, which names it, before anything is done', async t => {
  const { inject, log, table, pass, allow } = await openGuardedDoor(t)
  allow('alice', 'WRITE', 't')
  allow('alice', 'CREATE', 't')
  table.set({ user: 'alice' }, { producer_byte_rate: 1000 })
  const post = (headers = {}) => inject({ method: 'POST', url: '/topics/t', headers: { ...as('alice'), ...headers }, payload: KIB.repeat(20) })
  const first = await post()
  t.equal(first.statusCode, 201, 'what goes over it is served')
  t.equal(first.headers['ratelimit-policy'], '"producer_byte_rate";q=10000;qu="content-bytes";w=10')
  t.equal(first.headers['ratelimit'], '"producer_byte_rate";r=10000;t=10')
  const second = await post()
  t.equal(second.statusCode, 429)
  const { retryAfterMs } = second.json<{ retryAfterMs: number }>()
  t.ok(retryAfterMs > 10_000 && retryAfterMs < 12_000, `${retryAfterMs}`)
  t.match(second.json(), {
    type: 'urn:barnabas:problem:quota-exceeded', status: 429, quota: 'producer_byte_rate', limit: 1000, entity: { user: 'alice' }
  })
  t.equal(second.headers['retry-after'], String(Math.ceil(retryAfterMs / 1000)))
  t.equal(second.headers['ratelimit'], `"producer_byte_rate";r=0;t=${Math.ceil(retryAfterMs / 1000)}`)
  const confluent = await post(V2)
  t.equal(confluent.statusCode, 429)
  t.match(confluent.json(), { error_code: 42901, message: /producer_byte_rate of 1000 a second for user alice/ })
  t.equal(log.values('t').length, 1)
  t.equal((await inject({ url: '/topics', headers: as('alice') })).statusCode, 200, 'other requests are not held back')
  t.notOk((await inject({ url: '/topics', headers: as('bob') })).headers['ratelimit'], 'nor are others, who are told of none')
  pass(retryAfterMs)
  t.equal((await post()).statusCode, 201)
})

t.test('readers are charged for what they are given', async t => {
  const { inject, table, pass, allow } = await openGuardedDoor(t)
  allow('alice', 'READ', 't')
  table.set({ user: null }, { consumer_byte_rate: 1000 })
  await inject({ method: 'POST', url: '/topics/t', headers: as('admin'), payload: KIB.repeat(20) })
  const read = (url: string) => inject({ url, headers: as('alice') })
  t.equal((await read('/topics/t/records')).statusCode, 200)
  const refused = await read('/topics/t/partitions/0/records/0')
  t.match(refused.json(), { status: 429, quota: 'consumer_byte_rate', entity: { user: null }, detail: /user \(default\)/ })
  pass(15_000)
  t.equal((await read('/topics/t/partitions/0/records/0')).statusCode, 200)
  t.equal((await read('/topics/t/records')).statusCode, 429)
})

t.test('a share of the one thread', async t => {
  const { inject, table, quotas } = await openGuardedDoor(t)
  table.set({ user: 'alice' }, { request_percentage: 1 })
  const ask = () => inject({ url: '/topics', headers: as('alice') })
  t.match((await ask()).headers, { 'ratelimit-policy': /^"request_percentage";q=\d+;w=10$/ })
  const principal = { type: 'User', name: 'alice' }
  quotas.work({ principal, door: 'http', clientId: '', address: '', version: 0, signal: neverAborted, throttleMs: 0 }, 5000)
  t.match((await ask()).json(), { error_code: 42901 })
  t.match((await inject({ url: '/auth/whoami', headers: as('alice') })).json(), { quota: 'request_percentage', limit: 1, detail: /1 % for user alice/ })
  t.equal((await inject('/livez')).statusCode, 200)
})

t.test('an upload stands still until it is within the quota again', async t => {
  const { listen, log, table, pass, allow } = await openGuardedDoor(t)
  allow('alice', 'WRITE', 't')
  log.create('t')
  table.set({ user: 'alice' }, { producer_byte_rate: 10_000 })
  const base = await listen()
  const lines = Array.from({ length: 100 }, () => Buffer.from(KIB.repeat(8) + '\n'))
  const uploaded = fetch(`${base}/topics/t`, {
    method: 'POST',
    headers: { ...as('alice'), 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(Readable.from(lines)) as ReadableStream,
    duplex: 'half'
  } as RequestInit)
  await until(() => log.values('t').length > 0)
  const state = { isDone: false }
  uploaded.then(() => { state.isDone = true })
  while (!state.isDone) {
    const before = log.values('t').length
    // The pause is looked at every second; the quota, by its own clock, is over it at once.
    pass(1_000_000)
    await until(() => state.isDone || log.values('t').length > before)
  }
  t.equal((await uploaded).status, 201)
  t.equal(log.values('t').length, 100)
})

t.test('a stream that is read stands still, too', async t => {
  const { inject, listen, table, pass, allow } = await openGuardedDoor(t)
  allow('alice', 'READ', 't')
  for (let i = 0; i < 3; i++) await inject({ method: 'POST', url: '/topics/t', headers: as('admin'), payload: KIB.repeat(60) })
  table.set({ user: 'alice' }, { consumer_byte_rate: 1000 })
  const base = await listen()
  const response = await fetch(`${base}/topics/t/records?limit=3`, { headers: { ...as('alice'), accept: 'text/event-stream' } })
  let text = ''
  const read = (async () => { for await (const chunk of response.body!) text += Buffer.from(chunk).toString() })()
  const count = (): number => text.split('\ndata:').length - 1
  await until(() => count() === 1)
  await new Promise(resolve => setTimeout(resolve, 50))
  t.equal(count(), 1)
  pass(100_000)
  await until(() => count() === 2)
  pass(100_000)
  await read
  t.equal(count(), 3)
})

t.test('who leaves before it is his turn takes none, and nothing is done for him', async t => {
  const waiting: AbortSignal[] = []
  const turn = ({ signal }: Context): Promise<void> => {
    waiting.push(signal)
    return once(signal, 'abort').then(() => {})
  }
  const throttle: Throttle = { quota: 'consumer_byte_rate', limit: 1, delayMs: 0, remaining: 1, windowMs: 1000, entity: {} }
  const { listen, log, door } = await openDoor(t, { door: { quotas: { ...openHouse.quotas, turn, allowance: () => throttle } } })
  log.create('t')
  const base = await listen()
  for (const [path, init] of [['/topics/t/records', {}], ['/topics/t', { method: 'POST', body: 'x' }]] as const) {
    const leave = new AbortController()
    const asked = fetch(base + path, { ...init, signal: leave.signal }).then(() => 'served', () => 'left')
    await until(() => waiting.length > 0)
    leave.abort()
    t.equal(await asked, 'left')
    const signal = waiting.pop()!
    await until(() => signal.aborted)
  }
  const paused = paced(door.quotas, contextOf({ headers: {}, ip: '' } as never), ['producer'], AbortSignal.timeout(1))
  t.notOk(await paused, 'a stream does not wait for it either')
  t.same([log.values('t'), [...log.calls.keys()].filter(name => name === 'Fetch' || name === 'Produce')], [[], []])
})

t.test('who makes topics too fast is told when to go on', async t => {
  const log = new MemoryLog()
  const dispatch = on(CreateTopics, async ({ topics }) => complete(CreateTopics.response, {
    throttleTimeMs: 2500,
    topics: topics.map(({ name }) => ({ name, errorCode: errors.THROTTLING_QUOTA_EXCEEDED, errorMessage: null, configs: null }))
  }))(log.dispatch)
  const { inject } = await openDoor(t, { door: { dispatch } })
  const response = await inject({ method: 'PUT', url: '/topics/t', headers: { 'content-type': 'application/json' }, payload: '{}' })
  t.equal(response.statusCode, 429)
  t.equal(response.headers['retry-after'], '3')
  t.match(response.json(), { quota: 'controller_mutation_rate', retryAfterMs: 2500, kafka: { name: 'THROTTLING_QUOTA_EXCEEDED', retriable: true } })
})

t.test('to leave in the middle of a pause is no way around it', async t => {
  const { listen, log, table, allow } = await openGuardedDoor(t)
  allow('alice', 'WRITE', 't')
  log.create('t')
  table.set({ user: 'alice' }, { producer_byte_rate: 1000 })
  const base = await listen()
  const line = KIB.repeat(100) + '\n'
  const value = `{"value":{"type":"STRING","data":"${KIB.repeat(100)}"}}`
  for (const [path, type, piece] of [
    ['/topics/t', 'application/x-ndjson', line], ['/v3/clusters/memory-cluster/topics/t/records', 'application/json', value]
  ] as const) {
    const before = log.values('t').length
    const leave = new AbortController()
    const headers = { ...as('alice'), 'content-type': type }
    const body = Readable.toWeb(Readable.from([piece, piece, piece].map(text => Buffer.from(text)))) as ReadableStream
    const sent = fetch(`${base}${path}`, { method: 'POST', headers, body, duplex: 'half', signal: leave.signal } as RequestInit)
      .then(async response => await response.text()).catch(() => 'left')
    await new Promise(resolve => setTimeout(resolve, 200))
    const during = log.values('t').length
    leave.abort()
    t.equal(await sent, 'left', path)
    await new Promise(resolve => setTimeout(resolve, 50))
    t.equal(log.values('t').length, during, path)
    t.ok(during - before < 3, path)
  }
})
