import t from 'tap'
import { readFileSync } from 'node:fs'
import { closes, reasonOf } from '../../../routes/ws/close.ts'
import { limits } from '../../../routes/ws/limits.ts'
import { openBoth, openPeer } from './support.ts'

const specification = readFileSync(new URL('../../../docs/websocket.md', import.meta.url), 'utf8')

t.test('what cannot be made out ends the session, and says why twice', async t => {
  const { url, door } = await openBoth(t)
  const bad: Readonly<Record<string, string | Buffer>> = {
    'no JSON': '{"type":',
    'no object': '["type"]',
    null: 'null',
    'no type': '{"id":"s"}',
    'a type that is no string': '{"type":1}',
    'an unknown type': '{"type":"subscirbe","id":"s"}',
    'no id': '{"type":"subscribe","topics":["a"]}',
    'an empty id': '{"type":"unsubscribe","id":""}',
    'an id that is no string': '{"type":"credit","id":1,"records":1}',
    'a long id': `{"type":"unsubscribe","id":"${'x'.repeat(limits.idLength + 1)}"}`,
    'numbers at a great depth': `{"x":${'['.repeat(100_000)}12345678901234567890${']'.repeat(100_000)}}`,
    'a binary message': Buffer.from('{"type":"pong"}')
  }
  for (const [what, text] of Object.entries(bad)) {
    const peer = await openPeer(t, url)
    peer.socket.send(text)
    t.match(await peer.next('error'), { retry: false, problem: { status: 400 } }, what)
    const { code, reason } = await peer.closed
    t.equal(code, closes.malformed, what)
    t.ok(reason.length > 10, reason)
  }
  t.equal(door.stats.webSocket.closes.get(closes.malformed), Object.keys(bad).length)
})

t.test('what has an id is refused by that id, and the session goes on', async t => {
  const { peer } = await openBoth(t)
  const subscribe = { type: 'subscribe', id: 's', topics: ['a'] }
  const produce = { type: 'produce', id: 'p', topic: 'a', records: [{ value: 1 }] }
  const bad: readonly (readonly [message: object, detail: RegExp])[] = [
    [{ ...subscribe, topics: [] }, /topics/],
    [{ ...subscribe, topics: 'a' }, /topics/],
    [{ ...subscribe, topics: ['a', 'a'] }, /twice/],
    [{ ...subscribe, topics: Array.from({ length: limits.topics + 1 }, (_, i) => `t${i}`) }, /1 to 32/],
    [{ ...subscribe, from: 'yesterday' }, /not a place to start/],
    [{ ...subscribe, from: 'c1.xxx' }, /not a cursor/],
    [{ ...subscribe, from: 17 }, /from must be/],
    [{ ...subscribe, onGap: 'skip' }, /onGap/],
    [{ ...subscribe, credit: 5 }, /credit/],
    [{ ...subscribe, credit: {} }, /must name/],
    [{ ...subscribe, credit: { records: -1 } }, /whole number/],
    [{ ...subscribe, credit: { records: 1.5 } }, /whole number/],
    [{ ...subscribe, credit: { records: 1, byte: 1 } }, /"byte"/],
    [{ ...subscribe, credit: { records: limits.creditRecords + 1 } }, /1000000 records/],
    [{ ...subscribe, filter: 'x' }, /"filter"; known are type, id, topics/],
    [{ ...produce, topic: undefined }, /topic/],
    [{ ...produce, records: [] }, /records/],
    [{ ...produce, records: [{ value: 1 }, 5] }, /records\[1\] must be an object/],
    [{ ...produce, records: [{ key: 'k' }] }, /records\[0\].value is missing/],
    [{ ...produce, records: [{ value: 1, key: 5 }] }, /records\[0\].key must be a string/],
    [{ ...produce, records: [{ value: 1, partition: -1 }] }, /records\[0\].partition/],
    [{ ...produce, records: [{ value: 1, timestamp: 5 }] }, /"timestamp"/],
    [{ ...produce, records: [{ value: '?', valueEncoding: 'base64' }] }, /records\[0\].value is not base64/],
    [{ ...produce, records: [{ value: 'eA==', valueEncoding: 'hex' }] }, /encoding of records\[0\].value/],
    [{ ...produce, records: [{ value: { a: 1 }, valueEncoding: 'base64' }] }, /records\[0\].value must be a string/],
    [{ ...produce, records: [{ value: 1, headers: {} }] }, /records\[0\].headers/],
    [{ ...produce, records: [{ value: 1, headers: [{ value: 'x' }] }] }, /headers\[0\].name/],
    [{ ...produce, records: [{ value: 1, headers: [{ name: 'x', value: 1 }] }] }, /headers\[0\].value/]
  ]
  for (const [message, detail] of bad) {
    peer.send(message)
    const { id } = message as { id: string }
    t.match(await peer.next('error'), { id, retry: false, problem: { status: 400, type: 'urn:barnabas:problem:invalid-request', detail } })
  }
  peer.send({ type: 'connect', token: 'x' })
  const answer = await peer.next('error')
  t.match(answer.problem.detail, /"token"/)
  t.notOk('id' in answer)
  peer.send(produce)
  t.match(await peer.next('produced'), { id: 'p' })
})

t.test('an id that is in use ends the session', async t => {
  const { url, log } = await openBoth(t)
  log.create('a')
  const twice = await openPeer(t, url)
  twice.send({ type: 'subscribe', id: 's', topics: ['a'] }, { type: 'subscribe', id: 's', topics: ['a'] })
  t.match(await twice.closed, { code: closes.duplicateId, reason: /"s"/ })
  const hasty = await openPeer(t, url)
  const produce = { type: 'produce', id: 'p', topic: 'a', records: [{ value: 1 }] }
  hasty.send(produce, produce)
  t.match(await hasty.closed, { code: closes.duplicateId, reason: /"p"/ })
})

t.test('messages of the type x-... are ignored, and so is what crossed the end of a subscription', async t => {
  const { peer } = await openBoth(t)
  peer.send({ type: 'x-whatever', id: 5 }, { type: 'credit', id: 'gone', records: 1 }, { type: 'unsubscribe', id: 'gone' }, { type: 'pong' })
  t.strictSame(await peer.settled(), [])
})

t.test('the limit on subscriptions', async t => {
  const { peer, log, door } = await openBoth(t)
  log.create('a')
  for (let i = 0; i < limits.subscriptions; i++) peer.send({ type: 'subscribe', id: `s${i}`, topics: ['a'] })
  peer.send({ type: 'subscribe', id: 'more', topics: ['a'] })
  const refused = (await peer.settled()).filter(({ type }) => type === 'error')
  t.match(refused, [{ id: 'more', retry: true, problem: { status: 429 } }])
  t.equal(refused.length, 1)
  t.equal(door.stats.webSocket.subscriptions, limits.subscriptions)
  peer.send({ type: 'unsubscribe', id: 's0' })
  await peer.find('complete')
  peer.send({ type: 'subscribe', id: 'more', topics: ['a'] })
  t.match(await peer.find('subscribed'), { id: 'more' })
})

t.test('a message that is too large, or comes in too many fragments, ends the session', async t => {
  const { url } = await openBoth(t)
  const large = await openPeer(t, url)
  large.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 'x'.repeat(limits.payloadBytes) }] })
  t.match(await large.closed, { code: 1009 })
  const crumbs = await openPeer(t, url)
  for (let i = 0; i < 2000; i++) crumbs.socket.send(i === 0 ? '{' : ' ', { fin: false })
  t.match(await crumbs.closed, { code: 1008 })
})

t.test('a failure that nobody foresaw is ours: the log of the server has it, the client does not', async t => {
  const { peer, log, logged } = await openBoth(t)
  log.before = () => { throw new Error('secret of the house') }
  peer.send({ type: 'subscribe', id: 's', topics: ['a'] })
  const answer = await peer.next('error')
  t.match(answer, { id: 's', retry: true, problem: { status: 500 } })
  t.notMatch(JSON.stringify(answer), /secret/)
  t.match(logged.join(''), /secret of the house/)
})

t.test('reasons fit into a close frame', async t => {
  t.equal(reasonOf('short'), 'short')
  const long = reasonOf('ä'.repeat(100))
  t.ok(Buffer.byteLength(long) <= 123)
  t.match(long, /^ä+…$/)
})

t.test('the specification has every message, limit and close code', async t => {
  const client = ['connect', 'auth', 'subscribe', 'credit', 'unsubscribe', 'produce', 'pong']
  const server = ['connected', 'auth_expiring', 'authenticated', 'throttled', 'subscribed', 'records',
    'caught_up', 'gap', 'blocked', 'produced', 'error', 'complete', 'ping', 'goaway']
  for (const word of [...client, ...server, ...Object.keys(limits), ...Object.values(closes)]) t.match(specification, `\`${word}\``, String(word))
})
