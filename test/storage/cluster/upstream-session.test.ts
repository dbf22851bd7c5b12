/** Sessions with a broker: what is said, what is understood, and what happens when the broker has forgotten. */
import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { empty, type FetchRequest } from '../../../storage/cluster/fetched.ts'
import { SESSION_FROM, UpstreamSession } from '../../../storage/cluster/upstream-session.ts'
import type { FetchResponse } from '../../../storage/cluster/polls.ts'

const request = (offsets: readonly number[], topic = 'a'): FetchRequest => complete(Fetch.request, {
  maxWaitMs: 10, minBytes: 1, topics: [{ topic, partitions: offsets.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: 100 })) }]
})

/** A broker that answers with these partitions, and keeps what it was asked. */
function broker (t: { teardown: (end: () => void) => void }, ends: Record<number, number>, sessionId = 7) {
  const asked: FetchRequest[] = []
  let next: { errorCode: number, partitions: number[] } | null = null
  t.teardown(() => { asked.length = 0 })
  return {
    asked,
    say: (partitions: number[], errorCode: number = errors.NONE) => { next = { errorCode, partitions } },
    ask: async (request: FetchRequest): Promise<FetchResponse> => {
      asked.push(request)
      const all = request.topics.flatMap(one => one.partitions.map(({ partition }) => partition))
      const { errorCode, partitions } = next ?? { errorCode: errors.NONE as number, partitions: all }
      next = null
      return complete(Fetch.response, {
        errorCode,
        sessionId: errorCode === errors.NONE ? sessionId : 0,
        responses: partitions.length === 0 ? [] : [{ topic: 'a', partitions: partitions.map(index => ({ ...empty(index), highWatermark: ends[index] ?? 0 })) }]
      })
    }
  }
}

const said = ({ sessionId, sessionEpoch, topics, forgottenTopicsData }: FetchRequest) => ({
  session: [sessionId, sessionEpoch],
  partitions: topics.flatMap(({ partitions }) => partitions.map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`)),
  forgotten: forgottenTopicsData.flatMap(({ partitions }) => partitions)
})

t.test('after the first request only changes are said, and the answer is whole all the same', async t => {
  const session = new UpstreamSession()
  const { ask, asked, say } = broker(t, { 0: 5, 1: 9, 2: 3 })
  t.equal(session.serves(SESSION_FROM - 1), false)
  t.equal(session.serves(SESSION_FROM), true)
  await session.fetch(request([0, 0, 0]), ask)
  t.strictSame(said(asked[0]!), { session: [0, 0], partitions: ['0@0', '1@0', '2@0'], forgotten: [] })
  t.equal(session.serves(1), true, 'it is open')
  say([1])
  const { responses } = await session.fetch(request([0, 4, 0]), ask)
  t.strictSame(said(asked[1]!), { session: [7, 1], partitions: ['1@4'], forgotten: [] })
  t.strictSame(responses[0]!.partitions.map(one => [one.partitionIndex, one.highWatermark, one.errorCode]), [[0, 5, 0], [1, 9, 0], [2, 3, 0]])
  say([])
  await session.fetch(request([0, 4]), ask)
  t.strictSame(said(asked[2]!), { session: [7, 2], partitions: [], forgotten: [2] })
  say([])
  await session.fetch(request([0, 4, 0]), ask)
  t.strictSame(said(asked[3]!), { session: [7, 3], partitions: ['2@0'], forgotten: [] })
})

for (const code of ['FETCH_SESSION_ID_NOT_FOUND', 'INVALID_FETCH_SESSION_EPOCH', 'FETCH_SESSION_TOPIC_ID_ERROR'] as const) {
  t.test(`${code}: another one is begun at once, and the client hears nothing of it`, async t => {
    const session = new UpstreamSession()
    const { ask, asked, say } = broker(t, {})
    await session.fetch(request([0, 0]), ask)
    say([], errors[code])
    const { errorCode, responses } = await session.fetch(request([1, 1]), ask)
    t.equal(errorCode, errors.NONE)
    t.strictSame(asked.map(one => said(one).session), [[0, 0], [7, 1], [0, 0]])
    t.equal(responses[0]!.partitions.length, 2)
  })
}

t.test('a broker that has no room for sessions is asked for everything each time', async t => {
  const session = new UpstreamSession()
  const { ask, asked } = broker(t, {}, 0)
  await session.fetch(request([0, 0]), ask)
  t.equal(session.serves(1), false)
  await session.fetch(request([0, 0]), ask)
  t.strictSame(asked.map(one => said(one)), Array.from({ length: 2 }, () => ({ session: [0, 0], partitions: ['0@0', '1@0'], forgotten: [] })))
})

t.test('a connection that breaks ends the session', async t => {
  const session = new UpstreamSession()
  const { ask, asked } = broker(t, {})
  await session.fetch(request([0, 0]), ask)
  await t.rejects(session.fetch(request([0, 1]), async () => { throw new Error('cut') }), { message: 'cut' })
  await session.fetch(request([0, 1]), ask)
  t.strictSame(asked.map(one => said(one).session), [[0, 0], [0, 0]])
})

t.test('the error of a partition is told, and its end stays what it was', async t => {
  const session = new UpstreamSession()
  const { ask } = broker(t, { 0: 5 })
  await session.fetch(request([0, 0]), ask)
  const failing = async (): Promise<FetchResponse> => complete(Fetch.response, {
    sessionId: 7, responses: [{ topic: 'a', partitions: [{ ...empty(0), errorCode: errors.NOT_LEADER_OR_FOLLOWER }] }]
  })
  const { responses: [first] } = await session.fetch(request([0, 0]), failing)
  t.strictSame(first!.partitions.map(({ errorCode, highWatermark }) => [errorCode, highWatermark]), [[errors.NOT_LEADER_OR_FOLLOWER, -1], [errors.NONE, 0]])
  const { responses: [second] } = await session.fetch(request([0, 0]), async () => complete(Fetch.response, { sessionId: 7, responses: [] }))
  t.strictSame(second!.partitions.map(({ errorCode, highWatermark }) => [errorCode, highWatermark]), [[errors.NONE, 5], [errors.NONE, 0]])
})
