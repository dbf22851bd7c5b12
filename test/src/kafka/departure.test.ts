/**
 * How a client leaves: with a FIN, with a RST, with requests still on their way.
 */
import { once } from 'node:events'
import t from 'tap'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { beat, deferred, openDoor, poll, produce, requestFrame, topicOf, until } from './wire.ts'

t.test('what was sent before a FIN is carried out, and answered', async t => {
  const topics: string[] = []
  const door = await openDoor(t, {
    async answer (api, request) {
      await new Promise(setImmediate)
      if (api === Produce) topics.push(topicOf(request))
      return { responses: [] }
    }
  })
  const wire = await door.open()
  for (const topic of ['a', 'b', 'c']) wire.write(requestFrame(Produce, 9, 1, produce(0, topic)))
  wire.write(requestFrame(Produce, 9, 7, produce(-1, 'd')))
  wire.socket.end()
  t.equal((await wire.answer(Produce, 9)).correlationId, 7)
  await wire.closed()
  t.same(topics, ['a', 'b', 'c', 'd'])
  await door.ended('client')
})

t.test('what was sent before a FIN is carried out even when the peer is gone', async t => {
  const topics: string[] = []
  const gone = deferred()
  const door = await openDoor(t, {
    async answer (api, request) {
      // Two answers to a peer that is gone: the first is met by a RST, and the second finds the socket closed by it.
      await gone.promise
      await new Promise(resolve => setTimeout(resolve, 10))
      if (api === Produce) topics.push(topicOf(request))
      return { responses: [], brokers: [], topics: [] }
    }
  })
  const wire = await door.open()
  wire.write(Buffer.concat([1, 2].map(id => requestFrame(Metadata, 1, id, { topics: [] }))))
  wire.write(Buffer.concat(['a', 'b'].map(topic => requestFrame(Produce, 9, 3, produce(0, topic)))))
  wire.socket.end()
  await once(wire.socket, 'finish')
  wire.socket.destroy()
  gone.resolve()
  await until(() => topics.length > 0)
  t.equal(door.stats.connections, 0, 'the connection is closed by now')
  await until(() => topics.length === 2)
  t.same(topics, ['a', 'b'])
})

t.test('half a request and a FIN end quietly', async t => {
  const door = await openDoor(t)
  const wire = await door.open()
  wire.write(requestFrame(Heartbeat, 4, 1, beat('')).subarray(0, 9))
  wire.socket.end()
  await wire.closed()
  await door.ended('client')
})

t.test('the signal is aborted when the peer goes away', async t => {
  let polls = 0
  let aborted = 0
  const door = await openDoor(t, {
    async answer (_api, _request, { signal }) {
      polls++
      await once(signal, 'abort')
      aborted++
      return { sessionId: 0, responses: [] }
    }
  })
  const wire = await door.open()
  wire.send(Fetch, 12, 1, poll)
  await until(() => polls === 1)
  wire.socket.resetAndDestroy()
  await door.ended('reset')
  await until(() => aborted === 1)

  const leaver = await door.open()
  leaver.send(Fetch, 12, 1, poll)
  leaver.socket.end()
  t.equal((await leaver.answer(Fetch, 12)).correlationId, 1, 'a FIN ends a long poll too')
  t.equal(aborted, 2)
})

t.test('an engine may reject with the reason of the abort, and that is no failure', async t => {
  let waiting = 0
  const door = await openDoor(t, {
    answer: async (_api, _request, { signal }) => {
      waiting++
      await once(signal, 'abort')
      waiting--
      throw signal.reason
    }
  })
  for (const leave of ['destroy', 'end'] as const) {
    const wire = await door.open()
    wire.send(Fetch, 12, 1, poll)
    await until(() => waiting === 1)
    wire.socket[leave]()
    await until(() => door.stats.connections === 0)
    t.equal(waiting, 0)
  }
  const last = await door.open()
  last.send(Fetch, 12, 1, poll)
  await until(() => waiting === 1)
  const closed = door.listener.close(60_000)
  await last.closed()
  last.socket.end()
  await closed
  t.same(door.logs.filter(line => line.level > 30), [])
})

t.test('a FIN does not cut short what does more than read', async t => {
  const door = await openDoor(t, {
    async answer (_api, _request, { signal }) {
      await new Promise(resolve => setTimeout(resolve, 30))
      return { errorCode: signal.aborted ? 1 : 0 }
    }
  })
  const wire = await door.open()
  wire.send(Heartbeat, 4, 1, beat(''))
  wire.socket.end()
  t.equal((await wire.answer(Heartbeat, 4)).body.errorCode, 0)
})
