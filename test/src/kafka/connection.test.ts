import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import type { Context } from '../../../protocol/rpc.ts'
import type { Api, Request } from '../../../protocol/schema.ts'
import { beat, deferred, fetched, openDoor, poll, produce, requestFrame, settled, topicOf, until, type Deferred } from './wire.ts'

const memberOf = (request: Request<Api>): string => (request as Request<typeof Heartbeat>).memberId

t.test('pipelined requests are answered in order, one in the engine at a time', async t => {
  let running = 0
  let most = 0
  const door = await openDoor(t, {
    async answer (_api, request) {
      most = Math.max(most, ++running)
      // The first ones take longest: without an order they would be overtaken.
      await new Promise(resolve => setTimeout(resolve, 10 - Number(memberOf(request))))
      running--
      return { errorCode: Number(memberOf(request)) }
    }
  })
  const wire = await door.open()
  wire.write(Array.from({ length: 10 }, (_, i) => requestFrame(Heartbeat, 4, 100 + i, beat(String(i)))))
  for (let i = 0; i < 10; i++) {
    const { correlationId, body } = await wire.answer(Heartbeat, 4)
    t.equal(correlationId, 100 + i)
    t.equal(body.errorCode, i)
  }
  t.equal(most, 1)
})

t.test('a long pipeline is answered to its end, and lets others have their turn', async t => {
  let inTurn = 0
  let most = 0
  const door = await openDoor(t, {
    answer () {
      if (inTurn++ === 0) {
        setImmediate(() => {
          most = Math.max(most, inTurn)
          inTurn = 0
        })
      }
      return {}
    }
  })
  const wire = await door.open()
  const count = 1000
  wire.write(Array.from({ length: count }, (_, i) => requestFrame(Heartbeat, 4, i, beat(''))))
  for (let i = 0; i < count; i++) {
    const { correlationId } = await wire.answer(Heartbeat, 4)
    if (correlationId !== i) t.equal(correlationId, i)
  }
  t.ok(most > 1 && most < 200, `${most} requests in one turn of the event loop`)
})

t.test('a request may be split at every byte', async t => {
  const door = await openDoor(t, { answer: (_api, request) => ({ errorCode: memberOf(request).length }) })
  const frames = Buffer.concat([requestFrame(Heartbeat, 4, 1, beat('abc')), requestFrame(Heartbeat, 0, 2, beat('abcd'))])
  for (let cut = 1; cut < frames.length; cut++) {
    const wire = await door.open()
    wire.write(frames.subarray(0, cut))
    await until(() => door.stats.bytesIn % frames.length === cut)
    wire.write(frames.subarray(cut))
    t.match(await wire.answer(Heartbeat, 4), { correlationId: 1, body: { errorCode: 3 } })
    t.match(await wire.answer(Heartbeat, 0), { correlationId: 2, body: { errorCode: 4 } })
    wire.socket.destroy()
  }
  const wire = await door.open()
  for (const byte of frames) {
    const before = door.stats.bytesIn
    wire.write(Buffer.from([byte]))
    await until(() => door.stats.bytesIn > before)
  }
  t.match(await wire.answer(Heartbeat, 4), { correlationId: 1, body: { errorCode: 3 } })
  t.match(await wire.answer(Heartbeat, 0), { correlationId: 2, body: { errorCode: 4 } })
})

t.test('the context names the client, its address, the version and the door', async t => {
  const seen: Context[] = []
  const door = await openDoor(t, { answer: (_api, _request, context) => { seen.push(context); return {} } })
  const wire = await door.open()
  wire.send(Heartbeat, 3, 1, beat(''), 'my-client')
  wire.send(Heartbeat, 4, 2, beat(''), null)
  await wire.answer(Heartbeat, 3)
  await wire.answer(Heartbeat, 4)
  t.match(seen, [
    { door: 'kafka', clientId: 'my-client', address: '127.0.0.1', version: 3, throttleMs: 0, principal: { type: 'User', name: 'ANONYMOUS' } },
    { clientId: '', version: 4 }
  ])
  t.not(seen[0], seen[1], 'a throttle of one request must not leak into the next')
})

t.test('records go to the engine and come back as they were, however large', async t => {
  const records = Buffer.alloc(3 * 1024 * 1024, 'abcdefg')
  const door = await openDoor(t, {
    answer (api, request) {
      if (api === Produce) t.ok((request as Request<typeof Produce>).topicData[0]!.partitionData[0]!.records![0]!.equals(records))
      return api === Produce ? { responses: [] } : fetched(records, records)
    }
  })
  const wire = await door.open()
  wire.send(Produce, 9, 1, produce(-1, 't', records))
  await wire.answer(Produce, 9)
  wire.send(Fetch, 12, 2, poll)
  const { body } = await wire.answer(Fetch, 12)
  t.ok(body.responses[0]!.partitions[0]!.records![0]!.equals(Buffer.concat([records, records])))
})

t.test('a Produce with acks=0 has no answer and holds no place', async t => {
  const topics: string[] = []
  const door = await openDoor(t, {
    answer (api, request) {
      if (api === Produce) topics.push(topicOf(request))
      return { responses: [] }
    }
  })
  const wire = await door.open()
  wire.send(Produce, 9, 1, produce(0, 'a'))
  wire.send(Produce, 9, 2, produce(0, 'b'))
  wire.send(Produce, 9, 3, produce(1, 'c'))
  t.equal((await wire.answer(Produce, 9)).correlationId, 3)
  t.same(topics, ['a', 'b', 'c'])
})

t.test('a Produce with acks=0 that fails closes the connection', async t => {
  const door = await openDoor(t, {
    answer: () => ({ responses: [{ name: 't', partitionResponses: [{ index: 4, errorCode: errors.MESSAGE_TOO_LARGE, baseOffset: -1 }] }] })
  })
  const wire = await door.open()
  wire.send(Produce, 9, 1, produce(0))
  await wire.closed()
  await door.ended('acks0_failed')
  t.match(door.logs.at(-1), { msg: /acks=0 to t-4 failed with MESSAGE_TOO_LARGE/, clientId: 'test' })
})

t.test('a slow reader does not pile up answers', async t => {
  const records = Buffer.alloc(1024 * 1024)
  let taken = 0
  const door = await openDoor(t, {
    answer () {
      taken++
      return fetched(records)
    }
  })
  const wire = await door.open()
  const count = 64
  wire.socket.pause()
  wire.write(Array.from({ length: count }, (_, i) => requestFrame(Fetch, 12, i, poll)))
  await settled(() => taken)
  t.ok(taken < 32, `${taken} of ${count} requests were taken while nothing was read`)
  wire.socket.resume()
  for (let i = 0; i < count; i++) t.equal((await wire.answer(Fetch, 12)).correlationId, i)
})

t.test('a fast sender does not pile up requests', async t => {
  const hold: Deferred<object>[] = []
  const door = await openDoor(t, {
    answer () {
      hold.push(deferred<object>())
      return hold.at(-1)!.promise
    }
  })
  const wire = await door.open()
  const frame = requestFrame(Produce, 9, 1, produce(-1, 't', Buffer.alloc(1024 * 1024)))
  const count = 32
  for (let i = 0; i < count; i++) wire.write(frame)
  const read = await settled(() => door.stats.bytesIn)
  t.ok(read < 4 * frame.length, `${read} bytes were read with one request in the engine`)
  for (let i = 0; i < count; i++) {
    await until(() => hold.length > i)
    hold[i]!.resolve({ responses: [] })
    await wire.answer(Produce, 9)
  }
})

t.test('a throttled connection is answered at once, told so, and muted', async t => {
  let requests = 0
  const door = await openDoor(t, {
    answer (_api, _request, context) {
      if (++requests === 1) context.throttleMs = 200
      return {}
    }
  })
  const wire = await door.open()
  const start = performance.now()
  wire.send(Metadata, 8, 1, { topics: [] })
  wire.send(Metadata, 8, 2, { topics: [] })
  const first = await wire.answer(Metadata, 8)
  t.equal(first.body.throttleTimeMs, 200)
  t.equal(requests, 1)
  const other = await door.open()
  await other.ping()
  t.equal((await wire.answer(Metadata, 8)).body.throttleTimeMs, 0)
  t.ok(performance.now() - start >= 199, 'the second waited for its time')
})

t.test('what keeps a peer in its group is let through while it is muted, in order; the rest waits', async t => {
  const taken: string[] = []
  const door = await openDoor(t, {
    answer (api, _request, context) {
      taken.push(api.name)
      context.throttleMs = api === Produce ? 300 : api === Heartbeat ? 10 : 0
      return api === Produce ? { responses: [] } : {}
    }
  })
  const wire = await door.open()
  const start = performance.now()
  wire.send(Produce, 9, 1, produce(-1))
  wire.send(Heartbeat, 4, 2, beat('m'))
  wire.send(OffsetCommit, 8, 3, { groupId: 'g', generationIdOrMemberEpoch: 1, memberId: 'm', topics: [] })
  wire.send(ApiVersions, 0, 4, {})
  wire.send(Produce, 9, 5, produce(-1))
  wire.send(Heartbeat, 4, 6, beat('m'))
  for (let id = 1; id <= 4; id++) t.equal((await wire.next())!.readInt32BE(0), id)
  t.ok(performance.now() - start < 250, 'nobody waited')
  t.same(taken, ['Produce', 'Heartbeat', 'OffsetCommit'])
  t.equal((await wire.next())!.readInt32BE(0), 5)
  t.ok(performance.now() - start >= 299, 'the throttle of a heartbeat did not shorten that of the first request')
  t.equal((await wire.next())!.readInt32BE(0), 6, 'what lies behind it waits with it')
})

t.test('heartbeats never starve, however long a mute', async t => {
  const door = await openDoor(t, {
    answer (api, _request, context) {
      if (api === Produce) context.throttleMs = 3_600_000
      return api === Produce ? { responses: [] } : {}
    }
  })
  const wire = await door.open()
  wire.send(Produce, 9, 1, produce(-1))
  await wire.answer(Produce, 9)
  for (let id = 2; id < 200; id++) {
    wire.send(Heartbeat, 4, id, beat('m'))
    t.equal((await wire.answer(Heartbeat, 4)).correlationId, id)
  }
})

t.test('a muted connection does not read on, and is not closed for the half a frame that it left in its socket', async t => {
  const door = await openDoor(t, {
    limits: { partialFrameTimeoutMs: 50 },
    answer (_api, _request, context) {
      context.throttleMs = 400
      return { responses: [] }
    }
  })
  const wire = await door.open()
  wire.send(Produce, 9, 1, produce(-1))
  await wire.answer(Produce, 9)
  const large = requestFrame(Produce, 9, 2, produce(-1, 't', Buffer.alloc(8 * 1024 * 1024)))
  wire.write(large)
  const read = await settled(() => door.stats.bytesIn)
  t.ok(read < 512 * 1024, `${read} bytes were read`)
  t.equal(door.memory.stats.reservedBytes, 0)
  t.equal((await wire.answer(Produce, 9)).correlationId, 2)
})

t.test('the time on the event loop is told of each request', async t => {
  const told: [string, number][] = []
  const door = await openDoor(t, {
    work: (context, ms) => { told.push([context.clientId, ms]) },
    dispatch (api) {
      const until = performance.now() + 3
      while (performance.now() < until);
      return Promise.resolve(complete(api.response, {} as never)) as never
    }
  })
  const wire = await door.open()
  wire.send(Heartbeat, 4, 1, beat('m'), 'busy')
  await wire.answer(Heartbeat, 4)
  t.same(told.map(([clientId]) => clientId), ['busy', 'busy'], 'reading and dispatching, then writing')
  t.ok(told[0]![1] >= 3 && told[0]![1] < 200 && told[1]![1] > 0 && told[1]![1] < 100, JSON.stringify(told))
})

t.test('acks=0 is muted all the same', async t => {
  const times: number[] = []
  const door = await openDoor(t, {
    answer (_api, _request, context) {
      times.push(performance.now())
      context.throttleMs = 100
      return { responses: [] }
    }
  })
  const wire = await door.open()
  wire.send(Produce, 9, 1, produce(0))
  wire.send(Produce, 9, 2, produce(0))
  await until(() => times.length === 2)
  t.ok(times[1]! - times[0]! >= 99)
})

t.test('an exception closes that connection, and only that', async t => {
  const door = await openDoor(t, {
    answer (_api, request) {
      if (memberOf(request) === 'evil') throw new Error('boom')
      return {}
    }
  })
  const wire = await door.open()
  const other = await door.open()
  wire.send(Heartbeat, 4, 1, beat('evil'), 'bad-client')
  await wire.closed()
  await other.ping()
  const failures = door.logs.filter(line => line.level === 50)
  t.equal(failures.length, 1)
  t.match(failures[0], { api: 'Heartbeat', version: 4, clientId: 'bad-client', err: { message: 'boom' } })
  await door.ended('failure')
})

t.test('a dispatch that throws instead of rejecting does no more harm', async t => {
  const door = await openDoor(t, { dispatch: () => { throw new Error('at once') } })
  const wire = await door.open()
  wire.send(Heartbeat, 4, 1, beat(''))
  await wire.closed()
  t.match(door.logs.at(-1), { level: 50, api: 'Heartbeat', err: { message: 'at once' } })
})

t.test('a response that its version cannot carry is our failure', async t => {
  const door = await openDoor(t, { answer: () => ({ nodeId: 1, coordinators: [] }) })
  const wire = await door.open()
  wire.send(FindCoordinator, 4, 1, { coordinatorKeys: [] })
  await wire.closed()
  t.match(door.logs.at(-1), { level: 50, err: { message: /could not be written/ } })
})

t.test('a request that makes no sense closes the connection with a warning', async t => {
  const door = await openDoor(t)
  const wire = await door.open()
  await wire.ping()
  wire.write(Buffer.concat([requestFrame(Heartbeat, 4, 1, beat('')).fill(0xff, 20)]))
  await wire.closed()
  t.match(door.logs.at(-1), { level: 40, msg: /Not a valid request/ })
  await door.ended('protocol')

  const large = await door.open()
  await large.ping()
  large.write(Buffer.from([0x7f, 0xff, 0xff, 0xff]))
  await large.closed()
  t.match(door.logs.at(-1), { level: 40, msg: /a frame of 2147483647 bytes was announced, the limit is 104857600/ })
})

t.test('bytes are counted in both directions', async t => {
  const door = await openDoor(t)
  const wire = await door.open()
  const frame = requestFrame(Heartbeat, 4, 1, beat(''))
  wire.write(frame)
  await wire.answer(Heartbeat, 4)
  t.equal(door.stats.bytesIn, frame.length)
  t.equal(door.stats.bytesOut, wire.receivedBytes)
  t.equal(door.stats.connections, 1)
  t.equal(door.stats.connectionsTotal, 1)
})
