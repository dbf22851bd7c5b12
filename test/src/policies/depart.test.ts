import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { readResponse, writeResponse } from '../../../protocol/frame.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { ConsumerGroupHeartbeat } from '../../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ShareGroupHeartbeat } from '../../../protocol/messages/76-share-group-heartbeat.ts'
import { StreamsGroupHeartbeat } from '../../../protocol/messages/88-streams-group-heartbeat.ts'
import { anonymous, compose, neverAborted, type Context, type Dispatch, type Door } from '../../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../../protocol/schema.ts'
import { depart } from '../../../src/policies/depart.ts'
import { FetchSessionCache } from '../../../src/policies/fetch-session-cache.ts'
import { fetchSessions } from '../../../src/policies/fetch-sessions.ts'

let isLeaving = false
let passed: string[] = []
const engine: Dispatch = (async (api: Api) => {
  passed.push(api.name)
  return complete(api.response, { sessionId: 0, brokers: [], topics: [], responses: [], errorCode: 0, nodeId: 2, host: '', port: 0 } as never)
}) as unknown as Dispatch
const dispatch = compose(engine, fetchSessions(new FetchSessionCache()), depart(() => isLeaving))

const contextOf = (version: number, door: Door = 'kafka'): Context =>
  ({ principal: anonymous, door, clientId: 'test', address: '127.0.0.1', version, signal: neverAborted, throttleMs: 0 })

/** The answer as the client reads it: it has to fit the version. */
async function ask<A extends Api> (api: A, request: RequestInput<A>, version: number, door: Door = 'kafka'): Promise<Response<A>> {
  passed = []
  const response = await dispatch(api, complete(api.request, request as never) as never, contextOf(version, door)) as Response<A>
  return readResponse(api, version, Buffer.concat(writeResponse(api, version, 0, response as never)).subarray(4)).body as Response<A>
}

const produce = (acks: number): RequestInput<typeof Produce> => ({
  acks, timeoutMs: 1, topicData: [{ name: 'a', partitionData: [{ index: 0, records: [Buffer.from('x')] }, { index: 4, records: null }] }]
})
const fetch: RequestInput<typeof Fetch> = {
  maxWaitMs: 1, minBytes: 1, topics: [{ topic: 'a', partitions: [{ partition: 3, fetchOffset: 7, partitionMaxBytes: 1 }] }]
}

t.test('as long as it stays, everything passes', async t => {
  isLeaving = false
  await ask(Produce, produce(-1), 9)
  t.same(passed, ['Produce'])
  t.equal((await ask(Metadata, { topics: null }, 13)).errorCode, 0)
  t.same(passed, ['Metadata'])
})

t.test('Metadata: back to the start for those who know how, the others for the rest', async t => {
  isLeaving = true
  const answer = await ask(Metadata, { topics: null }, 13)
  t.match(answer, { errorCode: errors.REBOOTSTRAP_REQUIRED, brokers: [], topics: [] })
  t.same(passed, [])
  for (const version of [0, 8, 12]) {
    await ask(Metadata, { topics: version === 0 ? [] : null }, version)
    t.same(passed, ['Metadata'], `v${version}: the engine names them`)
  }
})

t.test('records: another one leads', async t => {
  isLeaving = true
  const { responses } = await ask(Produce, produce(-1), 9)
  t.match(responses, [{ name: 'a', partitionResponses: [0, 4].map(index => ({ index, errorCode: errors.NOT_LEADER_OR_FOLLOWER, baseOffset: -1 })) }])
  t.same(passed, [], 'nothing was written')
  await dispatch(Produce, complete(Produce.request, produce(0)), contextOf(9))
  t.same(passed, ['Produce'], 'who hears no answer is served to the end')
  for (const version of [4, 12, 17]) {
    t.match((await ask(Fetch, fetch, version)).responses, [{ partitions: [{ partitionIndex: 3, errorCode: errors.NOT_LEADER_OR_FOLLOWER, records: [] }] }])
  }
  isLeaving = false
  const { sessionId } = await ask(Fetch, { ...fetch, sessionEpoch: 0 }, 12)
  isLeaving = true
  const { responses: news } = await ask(Fetch, { maxWaitMs: 1, minBytes: 1, sessionId, sessionEpoch: 1, topics: [] }, 12)
  t.match(news, [{ topic: 'a', partitions: [{ partitionIndex: 3, errorCode: errors.NOT_LEADER_OR_FOLLOWER }] }], 'all partitions of a session')
})

t.test('groups: another one coordinates', async t => {
  isLeaving = true
  const member = { groupId: 'g', memberId: 'm', memberEpoch: 1 }
  t.equal((await ask(Heartbeat, { groupId: 'g', generationId: 1, memberId: 'm' }, 4)).errorCode, errors.NOT_COORDINATOR)
  t.equal((await ask(ConsumerGroupHeartbeat, member as RequestInput<typeof ConsumerGroupHeartbeat>, 0)).errorCode, errors.NOT_COORDINATOR)
  t.equal((await ask(ShareGroupHeartbeat, member as RequestInput<typeof ShareGroupHeartbeat>, 1)).errorCode, errors.NOT_COORDINATOR)
  t.equal((await ask(StreamsGroupHeartbeat, member as RequestInput<typeof StreamsGroupHeartbeat>, 0)).errorCode, errors.NOT_COORDINATOR)
  await ask(FindCoordinator, { key: 'g' }, 3)
  t.same(passed, ['FindCoordinator'])
  await ask(OffsetCommit, { groupId: 'g', memberId: '', topics: [] }, 8)
  t.same(passed, ['OffsetCommit'], 'what was read is committed')
})

t.test('other doors end in their own way', async t => {
  isLeaving = true
  for (const door of ['http', 'ws', 'internal'] as const) {
    await ask(Fetch, fetch, 17, door)
    t.same(passed, ['Fetch'])
  }
})
