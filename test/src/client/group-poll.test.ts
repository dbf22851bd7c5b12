/**
 * What becomes of a poll when an answer does not arrive, a request fails, or the one who takes the records does.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { KafkaError } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { compose, on } from '../../../protocol/rpc.ts'
import type { GroupConsumer } from '../../../src/client/group-consumer.ts'
import type { Sink } from '../../../src/client/group-fetch.ts'
import { context, houseTest, read } from '../../support/group-house.ts'

const bounds = { waitMs: 5000, maxBytes: 1000 }
const taking: Sink = { record: () => true, unreadable: () => true }
const at = { topic: 't', partition: 0 }

async function reading (consumer: GroupConsumer): Promise<GroupConsumer> {
  await consumer.assign(context, [at])
  return consumer
}

houseTest('what is taken back while the next poll waits is given to that one', async (t, { consumer, write }) => {
  await write('t', 0, '1', '2')
  const a = await reading(consumer())
  const takeBack = await a.poll(context, taking, bounds)
  const next = read(a, 2, 10_000)
  await sleep(50)
  const startedAt = performance.now()
  takeBack()
  t.same(await next, ['1', '2'])
  t.ok(performance.now() - startedAt < 5000, 'at once')
})

houseTest('what is taken back after the next poll was answered is given once more, with what came after it', async (t, { consumer, write }) => {
  await write('t', 0, '1')
  const a = await reading(consumer())
  const takeBack = await a.poll(context, taking, bounds)
  await write('t', 0, '2')
  t.same(await read(a, 1), ['2'])
  takeBack()
  t.same(await read(a, 2), ['1', '2'])
  takeBack()
  t.same(await read(a), [], 'once is enough')
})

houseTest('a seek holds, whatever is taken back after it', async (t, { consumer, write }) => {
  await write('t', 0, '1', '2', '3')
  const a = await reading(consumer())
  const takeBack = await a.poll(context, taking, bounds)
  await a.seek(context, [{ ...at, offset: 2 }])
  takeBack()
  t.same(await read(a), ['3'])
})

houseTest('a sink that fails gets nothing more, and what it was given is there for the next one', async (t, { consumer, write }) => {
  await write('t', 0, '1', '2', '3')
  const a = await reading(consumer())
  const given: string[] = []
  // Of a kind that is tried again where the log says it.
  const failing = new KafkaError('NOT_LEADER_OR_FOLLOWER', 'says the sink')
  await t.rejects(a.poll(context, {
    ...taking,
    record: (_, { value }) => {
      if (given.push(value!.toString()) === 2) throw failing
      return true
    }
  }, bounds), failing)
  t.same(given, ['1', '2'])
  t.same(await read(a, 3), ['1', '2', '3'])
})

houseTest('what goes wrong with what is not read any more does not end a poll', async (t, { dispatch, consumer, write }) => {
  await write('t', 0, '1', '2')
  const asked = Promise.withResolvers<void>()
  const moved = Promise.withResolvers<void>()
  let isFirst = true
  const a = await reading(consumer({}, {}, compose(dispatch, on(Fetch, async (request, _context, next) => {
    if (!isFirst) return await next(request)
    isFirst = false
    asked.resolve()
    await moved.promise
    throw new KafkaError('NOT_LEADER_OR_FOLLOWER')
  }))))
  const next = read(a, 1)
  await asked.promise
  await a.seek(context, [{ ...at, offset: 1 }])
  moved.resolve()
  t.same(await next, ['2'])
})

houseTest('what may pass is tried again while there is time, and said when there is none', async (t, { dispatch, consumer, write }) => {
  await write('t', 0, '1')
  const fails = (code: 'NOT_LEADER_OR_FOLLOWER' | 'UNKNOWN_SERVER_ERROR', times: number): Promise<GroupConsumer> => reading(consumer({}, {}, compose(dispatch,
    on(Fetch, async (request, _context, next) => {
      if (times-- > 0) throw new KafkaError(code)
      return await next(request)
    }))))
  t.same(await read(await fails('NOT_LEADER_OR_FOLLOWER', 1), 1), ['1'])
  await t.rejects(read(await fails('NOT_LEADER_OR_FOLLOWER', Infinity), 1, 0), { code: 'NOT_LEADER_OR_FOLLOWER' })
  await t.rejects(read(await fails('UNKNOWN_SERVER_ERROR', 1), 1), { code: 'UNKNOWN_SERVER_ERROR' })
})

houseTest('a log that says nothing at all to who has stopped waiting has failed nobody', async (t, { dispatch, consumer, write }) => {
  await write('t', 0, '1', '2')
  const asked = Promise.withResolvers<void>()
  let isFirst = true
  const a = await reading(consumer({}, {}, compose(dispatch, on(Fetch, async (request, { signal }, next) => {
    if (!isFirst) return await next(request)
    isFirst = false
    asked.resolve()
    if (!signal.aborted) await once(signal, 'abort')
    throw signal.reason
  }))))
  const next = read(a, 1)
  await asked.promise
  await a.seek(context, [{ ...at, offset: 1 }])
  t.same(await next, ['2'])
})

houseTest('records that come a little later than asked for are given all the same', async (t, { dispatch, consumer, write }) => {
  await write('t', 0, '1')
  const a = await reading(consumer({}, {}, compose(dispatch, on(Fetch, async (request, { signal }, next) => {
    await sleep(request.maxWaitMs + 100, undefined, { signal })
    return await next(request)
  }))))
  t.same(await read(a, 1, 50), ['1'])
})
