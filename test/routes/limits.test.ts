import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { BodyWatch, readRaw } from '../../routes/bodies.ts'
import { openDoor, type TestDoor } from '../support/http-door.ts'
import { until } from '../support/until.ts'

async function dial (t: Test, base: string): Promise<{ socket: Socket, text: () => string }> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => { text += chunk }).on('error', () => {})
  await once(socket, 'connect')
  return { socket, text: () => text }
}

t.test('the server\'s own limits are set', async t => {
  const { app } = await openDoor(t)
  t.equal(app.server.headersTimeout, 10_000)
  t.equal(app.server.keepAliveTimeout, 72_000)
  t.equal(app.server.requestTimeout, 0, 'bodies have a deadline of our own')
})

t.test('headers that do not end in time are cut off', async t => {
  const door = await openDoor(t)
  const base = await door.listen()
  door.app.server.headersTimeout = 300
  const { socket, text } = await dial(t, base)
  socket.write('POST /topics/t HTTP/1.1\r\nHost: x\r\nX-Slow')
  await once(socket, 'close')
  t.match(text(), /^HTTP\/1\.1 408 /)
})

t.test('headers that are too many are refused', async t => {
  const { listen } = await openDoor(t)
  const { socket, text } = await dial(t, await listen())
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 5000 }, (_, i) => `X-${i}: y\r\n`).join('')}\r\n`)
  await once(socket, 'close')
  t.match(text(), /^HTTP\/1\.1 431 /)
})

/** A server whose patience with bodies is short. */
async function shortWatch (t: Test): Promise<{ base: string, watch: BodyWatch, handled: () => number }> {
  const app = fastify()
  const watch = new BodyWatch(200, 20)
  let handled = 0
  watch.watch(app)
  readRaw(app, watch)
  app.post('/', async () => { handled++; return 'ok' })
  app.addHook('onClose', async () => watch.close())
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { base: app.listeningOrigin, watch, handled: () => handled }
}

t.test('a body that does not arrive in time is answered, and the connection closed', async t => {
  const { base, watch, handled } = await shortWatch(t)
  const { socket, text } = await dial(t, base)
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
  await until(() => watch.size === 1)
  await once(socket, 'close')
  t.match(text(), /^HTTP\/1\.1 408 /)
  t.match(text(), /urn:barnabas:problem:request-timeout/)
  t.match(text(), /connection: close/i)
  t.equal(watch.size, 0)
  t.equal(handled(), 0)
})

t.test('a body that arrives in time is forgotten, as is one of a peer that left', async t => {
  const { base, watch, handled } = await shortWatch(t)
  const { socket, text } = await dial(t, base)
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc')
  await until(() => watch.size === 1)
  socket.write('def')
  await until(() => text().endsWith('ok'))
  t.equal(watch.size, 0)
  t.equal(handled(), 1)
  const other = await dial(t, base)
  other.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc')
  await until(() => watch.size === 1)
  other.socket.destroy()
  await until(() => watch.size === 0)
})

t.test('an upload that is meant to last may take its time', async t => {
  const { base, watch, handled } = await shortWatch(t)
  const { socket, text } = await dial(t, base)
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
  await until(() => handled() === 1)
  await setTimeout(400)
  t.notOk(socket.destroyed)
  t.equal(watch.size, 0)
  t.match(text(), /^HTTP\/1\.1 200 /)
})

t.test('a body announced larger than allowed is refused before it is sent', async t => {
  const { listen }: TestDoor = await openDoor(t, { door: { maxBodyBytes: 1000 } })
  const { socket, text } = await dial(t, await listen())
  socket.write('POST /topics/t HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n')
  await once(socket, 'close')
  t.match(text(), /^HTTP\/1\.1 413 /)
  t.match(text(), /urn:barnabas:problem:body-too-large/)
})

t.test('a body without a length is refused when it has become too large', async t => {
  const { listen, log } = await openDoor(t, { door: { maxBodyBytes: 1000 } })
  const { socket, text } = await dial(t, await listen())
  socket.write('POST /topics/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (let i = 0; i < 3; i++) socket.write(`200\r\n${'x'.repeat(512)}\r\n`)
  await once(socket, 'close')
  t.match(text(), /^HTTP\/1\.1 413 /)
  t.equal(log.topics.size, 0)
})
