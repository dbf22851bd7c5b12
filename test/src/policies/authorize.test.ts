/**
 * Permissions, enforced: what passes passes untouched, what does not is refused alone, and what is hidden is not there.
 */
import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors, KafkaError } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.ts'
import { OffsetForLeaderEpoch } from '../../../protocol/messages/23-offset-for-leader-epoch.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { buildBatch } from '../../../protocol/records.ts'
import { internalPrincipal, type Dispatch } from '../../../protocol/rpc.ts'
import { api, int16 } from '../../../protocol/schema.ts'
import type { RequestInput } from '../../../protocol/schema.ts'
import { openAuthorizer } from '../../../src/access/authorizer.ts'
import { authorize } from '../../../src/policies/authorize.ts'
import { hiddenTopics } from '../../../src/policies/permissions.ts'
import { alice, contextOf, openHouse, type House } from './authorize-kit.ts'

const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const batch = (): Buffer[] => [buildBatch([{ key: null, value: Buffer.from('v') }]).bytes]
const produced = (topics: readonly { name?: string, topicId?: string }[]): RequestInput<typeof Produce> => ({
  acks: -1, timeoutMs: 1000, topicData: topics.map(topic => ({ ...topic, partitionData: [0, 1].map(index => ({ index, records: batch() })) }))
})
const fetched = (topics: readonly { topic?: string, topicId?: string }[]): RequestInput<typeof Fetch> =>
  ({ maxWaitMs: 0, minBytes: 0, topics: topics.map(topic => ({ ...topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] })) })

const idsOf = async (house: House): Promise<Map<string, string>> => {
  const { topics } = await house.engine(Metadata, complete(Metadata.request, { topics: null }), contextOf(internalPrincipal, 13))
  return new Map(topics.map(({ name, topicId }) => [name!, topicId]))
}

t.test('what is allowed goes on as the object that it is, and so does the answer', async t => {
  const answer = complete(Produce.response, { responses: [] })
  let seen: unknown = null
  const next = (async (_api: unknown, request: unknown) => {
    seen = request
    return answer
  }) as unknown as Dispatch
  const dispatch = authorize(() => openAuthorizer, () => t.fail('nobody was refused'))(next)
  const request = complete(Produce.request, produced([{ name: 'orders' }, { name: 'others' }]))
  t.equal(await dispatch(Produce, request, contextOf(alice, 12)), answer)
  t.equal(seen, request)
})

t.test('some topics of a Produce: the others are refused in their places, with what is missing', async t => {
  const house = await openHouse(t, ['a', 'b', 'c'])
  const request = produced([{ name: 'x' }, { name: 'a' }, { name: 'b' }, { name: 'c' }])
  const { responses } = await house.ask(['WRITE TOPIC a', 'WRITE TOPIC c', 'DESCRIBE TOPIC b'], Produce, request, 12)
  t.same(responses.map(({ name, partitionResponses }) => [name, partitionResponses.map(({ index, errorCode }) => [index, errorCode])]), [
    ['x', [[0, 29], [1, 29]]], ['a', [[0, 0], [1, 3]]], ['b', [[0, 29], [1, 29]]], ['c', [[0, 0], [1, 3]]]
  ])
  t.equal(responses[2]!.partitionResponses[0]!.errorMessage, 'Not authorised: WRITE on TOPIC b is needed.')
  t.equal(responses[2]!.partitionResponses[0]!.baseOffset, -1)
  t.same(house.denied, ['WRITE TOPIC x', 'WRITE TOPIC b'])
  t.same(house.denials[0],
    { principal: alice, door: 'kafka', address: '10.0.0.1', operation: 'WRITE', resourceType: 'TOPIC', resourceName: 'x', api: 'Produce' })
  const [{ request: handedOn }] = house.seen as unknown as [{ request: RequestInput<typeof Produce> }]
  t.same(handedOn.topicData!.map(({ name }) => name), ['a', 'c'])
  t.equal(handedOn.topicData![0]!.partitionData[0]!.records, request.topicData[1]!.partitionData[0]!.records, 'the same bytes')
})

t.test('a topic that is named twice is denied once', async t => {
  const house = await openHouse(t)
  await house.ask([], Produce, produced([{ name: 'orders' }, { name: 'orders' }]), 12)
  t.same(house.denied, ['WRITE TOPIC orders'])
  t.same(house.seen, [], 'nothing is left to be handed on')
})

t.test('long names are cut in messages', async t => {
  const house = await openHouse(t)
  const { responses } = await house.ask([], Produce, produced([{ name: 'x'.repeat(30_000) }]), 12)
  t.ok(responses[0]!.partitionResponses[0]!.errorMessage!.length < 400)
})

t.test('by id: names are asked for once, under the name of the server', async t => {
  const house = await openHouse(t)
  const ids = await idsOf(house)
  const dispatch = authorize(() => openAuthorizer, () => {})(async (api, request, context) => {
    if (context.principal === internalPrincipal) asked++
    return await house.engine(api, request, context)
  })
  let asked = 0
  const request = (): RequestInput<typeof Fetch> => fetched([{ topicId: ids.get('orders')! }, { topicId: ids.get('secret')! }])
  for (let i = 0; i < 3; i++) {
    const { responses } = await dispatch(Fetch, complete(Fetch.request, request()), contextOf(alice, 13))
    t.same(responses.map(({ partitions }) => partitions[0]!.errorCode), [0, 0])
  }
  t.equal(asked, 1)

  const { responses } = await house.ask(['READ TOPIC orders'], Fetch, fetched([
    { topicId: ids.get('secret')! }, { topicId: ids.get('orders')! }, { topicId: 'AAAAAAAAAAAAAAAAAAAAZQ' }
  ]), 13)
  t.same(responses.map(({ topicId, partitions }) => [topicId, partitions[0]!.errorCode]), [
    [ids.get('secret'), errors.TOPIC_AUTHORIZATION_FAILED], [ids.get('orders'), 0], ['AAAAAAAAAAAAAAAAAAAAZQ', errors.UNKNOWN_TOPIC_ID]
  ])
  t.same(house.denied, ['READ TOPIC secret'], 'by its name')
  t.equal(house.own.length, 1)
  t.equal(house.own[0]!.context.principal, internalPrincipal)
})

t.test('who knows an id, and may not describe the topic, does not learn its name', async t => {
  const house = await openHouse(t)
  const ids = await idsOf(house)
  const byId = produced([{ topicId: ids.get('secret')! }])
  const unseen = await house.ask([], Produce, byId, 13)
  t.notMatch(JSON.stringify(unseen), /secret/)
  const seen = await house.ask(['DESCRIBE TOPIC secret'], Produce, byId, 13)
  t.match(JSON.stringify(seen), /WRITE on TOPIC secret is needed/)
  const deletion = { topics: [{ name: null, topicId: ids.get('secret')! }], timeoutMs: 1000 }
  t.notMatch(JSON.stringify(await house.ask([], DeleteTopics, deletion)), /secret/)
  t.match(JSON.stringify(await house.ask(['DESCRIBE TOPIC secret'], DeleteTopics, deletion)), /"name":"secret"/)
  t.notMatch(JSON.stringify(await house.ask([], Metadata, { topics: [{ name: null, topicId: ids.get('secret')! }] })), /"secret"/)
})

t.test('a request that nothing is known of is refused, whoever asks', async t => {
  const house = await openHouse(t)
  const unheardOf = api(999, 'Unheard', { versions: [0, 0], flexible: 0 }, {}, { errorCode: int16 })
  for (const who of ['root', 'open', []] as const) {
    const error: unknown = await house.ask(who, unheardOf, {}).then(() => null, thrown => thrown as unknown)
    t.ok(error instanceof KafkaError && error.code === 'CLUSTER_AUTHORIZATION_FAILED')
    t.match((error as KafkaError).missing, { resourceType: 'CLUSTER' })
  }
  t.same(house.seen, [])
})

t.test('what says who one is needs no permission', async t => {
  const dispatch = authorize(() => openAuthorizer, () => {})((async () => 'answered') as unknown as Dispatch)
  t.equal(await dispatch(ApiVersions, complete(ApiVersions.request, {}), contextOf(alice, 3)) as unknown, 'answered')
})

for (const HIDDEN of hiddenTopics) {
  t.test(`the hidden topic ${HIDDEN} is there for nobody but the server`, async t => {
    const house = await openHouse(t, ['orders', 'secret', HIDDEN])
    const id = (await idsOf(house)).get(HIDDEN)!
    const config = { resourceType: 2, resourceName: HIDDEN, configs: [] }
    for (const who of ['root', 'open'] as const) {
      const unknown = async (what: string, answer: Promise<unknown>, code = errors.UNKNOWN_TOPIC_OR_PARTITION): Promise<void> => {
        const text = JSON.stringify(await answer)
        t.match(text, new RegExp(`"errorCode":${code}\\b`), `${what}, ${who}`)
        t.notMatch(text, /"errorCode":0,"name"|"highWatermark":[0-9]/, what)
        t.equal(house.denied.length, 1, `${what} is told`)
      }
      await unknown('Produce', house.ask(who, Produce, produced([{ name: HIDDEN }]), 12))
      await unknown('Produce by id', house.ask(who, Produce, produced([{ topicId: id }]), 13), errors.UNKNOWN_TOPIC_ID)
      await unknown('Fetch', house.ask(who, Fetch, fetched([{ topic: HIDDEN }]), 12))
      await unknown('Fetch by id', house.ask(who, Fetch, fetched([{ topicId: id }]), 13), errors.UNKNOWN_TOPIC_ID)
      await unknown('Fetch of a replica', house.ask(who, Fetch, { ...fetched([{ topic: HIDDEN }]), replicaId: 1 }, 12))
      await unknown('ListOffsets', house.ask(who, ListOffsets, {
        replicaId: -1, topics: [{ name: HIDDEN, partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
      }))
      await unknown('OffsetForLeaderEpoch', house.ask(who, OffsetForLeaderEpoch, {
        topics: [{ topic: HIDDEN, partitions: [{ partition: 0, leaderEpoch: 0 }] }]
      }))
      await unknown('DeleteRecords', house.ask(who, DeleteRecords, {
        topics: [{ name: HIDDEN, partitions: [{ partitionIndex: 0, offset: -1 }] }], timeoutMs: 1
      }))
      await unknown('Metadata', house.ask(who, Metadata, { topics: [{ name: HIDDEN }] }))
      await unknown('Metadata by id', house.ask(who, Metadata, { topics: [{ name: null, topicId: id }] }), errors.UNKNOWN_TOPIC_ID)
      await unknown('OffsetCommit', house.ask(who, OffsetCommit, {
        groupId: 'g', memberId: '', topics: [{ name: HIDDEN, partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: null }] }]
      }, 9))
      await unknown('DeleteTopics', house.ask(who, DeleteTopics, { topics: [{ name: HIDDEN, topicId: NO_ID }], timeoutMs: 1000 }))
      await unknown('DeleteTopics by id', house.ask(who, DeleteTopics, { topics: [{ name: null, topicId: id }], timeoutMs: 1000 }), errors.UNKNOWN_TOPIC_ID)
      await unknown('CreatePartitions', house.ask(who, CreatePartitions,
        { topics: [{ name: HIDDEN, count: 2, assignments: null }], timeoutMs: 1000, validateOnly: false }))
      await unknown('DescribeConfigs', house.ask(who, DescribeConfigs, { resources: [{ ...config, configurationKeys: null }] }))
      await unknown('IncrementalAlterConfigs', house.ask(who, IncrementalAlterConfigs, { resources: [config], validateOnly: false }))
      await unknown('CreateTopics', house.ask(who, CreateTopics, {
        topics: [{ name: HIDDEN, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
      }), errors.TOPIC_AUTHORIZATION_FAILED)

      const all = await house.ask(who, Metadata, { topics: null })
      t.same(all.topics.map(({ name }) => name).sort(), ['__consumer_offsets', 'orders', 'secret'], 'it is not listed')
      const offsets = await house.ask(who, OffsetFetch, { topics: [], groups: [{ groupId: 'g', topics: [{ name: HIDDEN, partitionIndexes: [0] }] }] }, 9)
      t.match(offsets.groups[0]!.topics[0]!.partitions[0], { committedOffset: -1, errorCode: 0 }, 'as for any topic that is not there')
    }
    const { topics } = await house.ask([], Metadata, { topics: [{ name: HIDDEN }] })
    t.equal(topics[0]!.errorCode, errors.TOPIC_AUTHORIZATION_FAILED, 'who may not describe it is refused, as for any name')
    const mine = await house.ask(internalPrincipal, Metadata, { topics: [{ name: HIDDEN }] })
    t.equal(mine.topics[0]!.errorCode, 0)
    const other = await house.ask({ ...internalPrincipal }, Metadata, { topics: [{ name: HIDDEN }] })
    t.equal(other.topics[0]!.errorCode, errors.TOPIC_AUTHORIZATION_FAILED, 'the server is an object, not a name')
  })

  t.test(`after a refusal ${HIDDEN} cannot be created by asking for it`, async t => {
    const house = await openHouse(t, ['orders'])
    for (const who of ['root', 'open'] as const) {
      const { topics } = await house.ask(who, Metadata, { topics: [{ name: HIDDEN }, { name: 'orders' }], allowAutoTopicCreation: true })
      t.same(topics.map(({ errorCode }) => errorCode), [errors.UNKNOWN_TOPIC_OR_PARTITION, 0])
    }
    t.notOk((await idsOf(house)).has(HIDDEN))
  })
}
