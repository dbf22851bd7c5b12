import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { beat, deferred, fetched, openDoor, poll, requestFrame, until } from './wire.ts'

t.test('a connection that says nothing is closed', async t => {
  const door = await openDoor(t, { limits: { idleTimeoutMs: 100 } })
  const wire = await door.open()
  await wire.ping()
  await wire.closed()
  await door.ended('idle')
})

t.test('a connection that waits for the engine, or that speaks, is not idle', async t => {
  const door = await openDoor(t, {
    limits: { idleTimeoutMs: 200 },
    async answer (api) {
      if (api === Fetch) await new Promise(resolve => setTimeout(resolve, 600))
      return { responses: [], brokers: [], topics: [] }
    }
  })
  const [waiting, talking] = [await door.open(), await door.open()]
  waiting.send(Fetch, 12, 1, poll)
  const answered = waiting.answer(Fetch, 12)
  for (let i = 0; i < 30; i++) {
    await talking.ping()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.equal((await answered).correlationId, 1)
  t.equal(door.stats.disconnects.idle, 0)
})

t.test('a muted connection is not idle', async t => {
  const door = await openDoor(t, {
    limits: { idleTimeoutMs: 100 },
    answer (_api, _request, context) {
      context.throttleMs = 400
      return {}
    }
  })
  const wire = await door.open()
  wire.send(Metadata, 8, 1, { topics: [] })
  wire.send(Metadata, 8, 2, { topics: [] })
  await wire.answer(Metadata, 8)
  t.equal((await wire.answer(Metadata, 8)).correlationId, 2)
})

t.test('half a frame and silence is closed, and so is half a length', async t => {
  const door = await openDoor(t, { limits: { partialFrameTimeoutMs: 100 } })
  const frame = requestFrame(Heartbeat, 4, 1, beat('m'))
  const wires = await Promise.all([frame.length - 1, 4, 1].map(async length => {
    const wire = await door.open()
    wire.write(frame.subarray(0, length))
    return wire
  }))
  const quiet = await door.open()
  await Promise.all(wires.map(wire => wire.closed()))
  await door.ended('partial_frame', 3)
  await quiet.ping()
})

t.test('a trickle is no progress', async t => {
  const door = await openDoor(t, { limits: { partialFrameTimeoutMs: 400 } })
  const wire = await door.open()
  wire.write(Buffer.from([0, 0, 0xff, 0xff]))
  const drip = setInterval(() => wire.socket.write(Buffer.alloc(1)), 10)
  t.teardown(() => clearInterval(drip))
  wire.socket.on('error', () => {})
  await wire.closed()
  await door.ended('partial_frame')
})

t.test('a large frame may take its time as long as it comes', async t => {
  const door = await openDoor(t, { limits: { partialFrameTimeoutMs: 50 } })
  const wire = await door.open()
  const frame = requestFrame(Heartbeat, 4, 1, beat('x'.repeat(20_000)))
  for (let at = 0; at < frame.length; at += 500) {
    wire.write(frame.subarray(at, at + 500))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  t.equal((await wire.answer(Heartbeat, 4)).correlationId, 1)
})

t.test('a client that does not read its answers is closed in the end', async t => {
  const records = Buffer.alloc(8 * 1024 * 1024)
  const door = await openDoor(t, {
    limits: { idleTimeoutMs: 200 },
    answer: () => fetched(records)
  })
  const wire = await door.open()
  wire.socket.pause()
  wire.write([1, 2, 3].map(i => requestFrame(Fetch, 12, i, poll)))
  await door.ended('slow_reader')
  t.equal(door.stats.connections, 0)
})

t.test('no more connections than allowed', async t => {
  const door = await openDoor(t, { bounds: { max: 2 } })
  const [one, two] = [await door.open(), await door.open()]
  await one.ping()
  await two.ping()
  const three = await door.open()
  three.socket.on('error', () => {})
  await three.closed()
  await door.ended('too_many')
  t.match(door.logs.at(-1), { level: 40, listener: 'test', address: '127.0.0.1', msg: /2 are open, which is the limit/ })
  one.socket.destroy()
  await until(() => door.stats.connections === 1)
  await (await door.open()).ping()
})

t.test('close lets the request in the engine answer, at once if it only waits', async t => {
  const door = await openDoor(t, {
    answer: (_api, _request, { signal }) => new Promise(resolve => {
      signal.addEventListener('abort', () => setTimeout(() => resolve({ responses: [] }), 20))
    })
  })
  const [idle, waiting] = [await door.open(), await door.open()]
  waiting.send(Fetch, 12, 7, poll)
  waiting.send(Fetch, 12, 8, poll)
  await until(() => door.stats.connections === 2 && door.stats.bytesIn > 0)
  const closed = door.listener.close(60_000)
  t.equal((await waiting.answer(Fetch, 12)).correlationId, 7)
  await waiting.closed()
  await idle.closed()
  waiting.socket.end()
  idle.socket.end()
  await closed
  await door.ended('shutdown', 2)
  t.throws(() => door.listener.address)
  await t.rejects(door.open())
})

t.test('close waits no longer than its grace', async t => {
  const never = deferred<object>()
  const door = await openDoor(t, { answer: () => never.promise })
  const wire = await door.open()
  wire.send(Heartbeat, 4, 1, beat('m'))
  await until(() => door.stats.bytesIn > 0)
  await door.listener.close(50)
  await wire.closed()
  await door.ended('shutdown')
  t.equal(door.stats.connections, 0)
  never.resolve({})
  await door.listener.close(0)
})

t.test('an address that is taken is named, with what to do', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  await t.rejects(openDoor(t, { port }), {
    message: `Cannot listen for Kafka clients on 127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}. ` +
      'Free that address or choose another one.'
  })
})
