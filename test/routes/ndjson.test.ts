import { Agent, request } from 'node:http'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { KafkaError } from '../../protocol/errors.ts'
import { openDoor } from '../support/http-door.ts'
import { until } from '../support/until.ts'

const headers = { 'content-type': 'application/x-ndjson' }

t.test('every line is a record, in order, without its line break', async t => {
  const { inject, log } = await openDoor(t)
  const response = await inject({ method: 'POST', url: '/topics/t?key=k', headers, payload: '{"n":1}\n\n  \r\n{"n":2}\r\n\r\nnot json\nlast' })
  t.equal(response.statusCode, 201)
  t.same(response.json(), { topic: 't', count: 5, partitions: [{ partition: 0, count: 5, firstOffset: 0, lastOffset: 4 }] })
  t.same(log.values('t'), ['{"n":1}', '  ', '{"n":2}', 'not json', 'last'])
  t.notOk(response.headers.location)
})

t.test('a body without lines appends nothing', async t => {
  const { inject } = await openDoor(t)
  for (const payload of ['', '\n\r\n\n']) {
    const response = await inject({ method: 'POST', url: '/topics/t', headers, payload })
    t.equal(response.statusCode, 201)
    t.match(response.json(), { count: 0, partitions: [] })
  }
})

t.test('lines may be cut anywhere between chunks', async t => {
  const { listen, log } = await openDoor(t)
  const text = Array.from({ length: 300 }, (_, i) => `{"n":${i},"s":"${'ü'.repeat(i % 7)}"}`).join('\n')
  const bytes = Buffer.from(text)
  const chunks = Readable.from((function * () {
    for (let at = 0, size = 1; at < bytes.length; at += size, size = size % 13 + 1) yield bytes.subarray(at, at + size)
  })())
  const response = await fetch(`${await listen()}/topics/t`, { method: 'POST', headers, body: chunks as never, duplex: 'half' } as RequestInit)
  t.equal(response.status, 201)
  t.same(log.values('t').join('\n'), text)
})

t.test('ten thousand lines are one request and few batches', async t => {
  const { inject, log } = await openDoor(t)
  const payload = Array.from({ length: 10_000 }, (_, i) => `{"n":${i}}`).join('\n')
  t.match((await inject({ method: 'POST', url: '/topics/t', headers, payload })).json(), { count: 10_000 })
  t.equal(log.values('t').join('\n'), payload)
  t.ok(log.calls.get('Produce')! <= 10, `${log.calls.get('Produce')} batches`)
})

t.test('a body of any length needs little memory, and its peer waits while the log does', async t => {
  const { listen, log } = await openDoor(t)
  let release = (): void => {}
  const held = new Promise<void>(resolve => { release = resolve })
  log.before = async api => { if (api.name === 'Produce') await held }
  const lines = ('x'.repeat(1023) + '\n').repeat(16)
  let sent = 0
  const body = Readable.from((function * () { for (; sent < 20_000; sent += 16) yield lines })())
  const answer = fetch(`${await listen()}/topics/t`, { method: 'POST', headers, body: body as never, duplex: 'half' } as RequestInit)
  // The peer goes on until the buffers on the way are full, and no further.
  let before = -1
  while (sent !== before) {
    before = sent
    await setTimeout(100)
  }
  t.ok(sent < 12_000, `${sent} KiB were taken while nothing could be appended`)
  release()
  t.match(await (await answer).json(), { count: 20_000 })
})

t.test('the line that is refused is named, and how many were appended before it', async t => {
  const { inject, log } = await openDoor(t, { maxMessageBytes: 2_000 })
  const lines = Array.from({ length: 50 }, (_, i) => String(i).padEnd(i === 33 ? 3_000 : 300, '.'))
  const response = await inject({ method: 'POST', url: '/topics/t', headers, payload: '\n' + lines.join('\n') })
  t.equal(response.statusCode, 413)
  t.match(response.json(), {
    type: 'urn:barnabas:problem:record-too-large',
    kafka: { name: 'MESSAGE_TOO_LARGE' },
    line: 35,
    appended: 33,
    partitions: [{ partition: 0, count: 33, firstOffset: 0, lastOffset: 32 }]
  })
  t.same(log.values('t'), lines.slice(0, 33), 'nothing behind it was appended')
})

t.test('a line that is longer than the server reads at once is refused, and not what came before it', async t => {
  const { inject, log } = await openDoor(t, { door: { maxBodyBytes: 1_000 } })
  for (const payload of ['a\nb\n' + 'x'.repeat(1_001), 'a\nb\n' + 'x'.repeat(1_001) + '\nc\n']) {
    log.topics.delete('t')
    const response = await inject({ method: 'POST', url: '/topics/t', headers, payload })
    t.match(response.json(), { status: 413, type: 'urn:barnabas:problem:record-too-large', line: 3, appended: 2 })
    t.same(log.values('t'), ['a', 'b'])
  }
  t.equal((await inject({ method: 'POST', url: '/topics/t', headers, payload: 'x'.repeat(1_000) })).statusCode, 201)
})

t.test('a topic or partition that is not there is a problem of the first line', async t => {
  const { inject, log, logged } = await openDoor(t, { autoCreate: false })
  log.create('t')
  t.match((await inject({ method: 'POST', url: '/topics/nope', headers, payload: 'a\nb' })).json(), {
    status: 404, type: 'urn:barnabas:problem:unknown-topic', line: 1, appended: 0, partitions: []
  })
  t.match((await inject({ method: 'POST', url: '/topics/t?partition=3', headers, payload: '\na' })).json(), { status: 404, line: 2, appended: 0 })
  log.before = () => { throw new Error('unforeseen') }
  t.match((await inject({ method: 'POST', url: '/topics/t', headers, payload: 'a' })).json(), { status: 500 })
  t.equal(logged.length, 1)
})

t.test('a failure in the middle stops the appending, while the peer is still sending', async t => {
  const { listen, log } = await openDoor(t)
  let produced = 0
  log.before = api => { if (api.name === 'Produce' && ++produced === 3) throw new KafkaError('KAFKA_STORAGE_ERROR') }
  const body = Array.from({ length: 20_000 }, (_, i) => String(i).padEnd(200)).join('\n')
  const response = await fetch(`${await listen()}/topics/t`, { method: 'POST', headers, body })
  t.equal(response.status, 503)
  const { appended, line } = await response.json() as { appended: number, line: number }
  t.equal(line, appended + 1)
  t.equal(log.values('t').length, appended)
  t.equal(produced, 3)
})

t.test('a server that closes waits for a body that it has answered already, and not for its connection to time out', async t => {
  const { listen, log, app } = await openDoor(t)
  log.before = api => { if (api.name === 'Produce') throw new KafkaError('KAFKA_STORAGE_ERROR') }
  const upload = request(`${await listen()}/topics/t`, { method: 'POST', headers, agent: new Agent({ keepAlive: true }) })
  upload.write('a\n')
  const [response] = await once(upload, 'response')
  t.equal(response.statusCode, 503)
  response.resume()
  const closed = app.close()
  upload.end('b\n')
  await closed
})

t.test('records appear while their body is still being sent', async t => {
  const { listen, log } = await openDoor(t)
  const upload = request(`${await listen()}/topics/t`, { method: 'POST', headers })
  upload.write('a\nb\nhalf')
  await until(() => log.topics.has('t') && log.values('t').length === 2)
  upload.write(' a line\n')
  await until(() => log.values('t').length === 3)
  upload.end('end')
  const [response] = await once(upload, 'response')
  t.equal(response.statusCode, 201)
  t.same(log.values('t'), ['a', 'b', 'half a line', 'end'])
  response.resume()
})

t.test('a peer that leaves in the middle has appended its whole lines, and is no error', async t => {
  const { listen, log, logged, app } = await openDoor(t)
  const upload = request(`${await listen()}/topics/t`, { method: 'POST', headers })
  upload.on('error', () => {})
  upload.write('a\nb\nhalf')
  await until(() => log.topics.has('t') && log.values('t').length === 2)
  upload.destroy()
  await app.close()
  t.same(log.values('t'), ['a', 'b'])
  t.same(logged, [])
})

t.test('a process that stops tells how far it came', async t => {
  const { listen, log, draining } = await openDoor(t)
  const upload = request(`${await listen()}/topics/t`, { method: 'POST', headers })
  upload.write('a\nb\nhalf')
  await until(() => log.topics.has('t') && log.values('t').length === 2)
  draining.abort()
  const [response] = await once(upload, 'response')
  t.equal(response.statusCode, 503)
  t.match(JSON.parse(Buffer.concat(await response.toArray()).toString()), { type: 'urn:barnabas:problem:not-available', line: 3, appended: 2 })
  upload.destroy()
})
