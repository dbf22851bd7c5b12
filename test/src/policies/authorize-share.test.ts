/**
 * Records and offsets of share groups.
 */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { ShareFetch } from '../../../protocol/messages/78-share-fetch.ts'
import { ShareAcknowledge } from '../../../protocol/messages/79-share-acknowledge.ts'
import { DescribeShareGroupOffsets } from '../../../protocol/messages/90-describe-share-group-offsets.ts'
import { AlterShareGroupOffsets } from '../../../protocol/messages/91-alter-share-group-offsets.ts'
import { DeleteShareGroupOffsets } from '../../../protocol/messages/92-delete-share-group-offsets.ts'
import type { Request, RequestInput } from '../../../protocol/schema.ts'
import { openHouse, type House } from './authorize-kit.ts'

const { TOPIC_AUTHORIZATION_FAILED: TOPIC, GROUP_AUTHORIZATION_FAILED: GROUP, UNKNOWN_TOPIC_ID: UNKNOWN } = errors
const ALL = ['orders', 'secret', '_barnabas']
const group = 'READ GROUP g'
const acknowledgements = [{ firstOffset: 0, lastOffset: 1, acknowledgeTypes: [1] }]

const topicsOf = (house: House, names: readonly string[], batches: typeof acknowledgements = []): RequestInput<typeof ShareFetch>['topics'] =>
  names.map(name => ({ topicId: house.ids.get(name) ?? 'AAAAAAAAAAAAAAAAAAAAZQ', partitions: [{ partitionIndex: 0, acknowledgementBatches: batches }] }))

const nameOf = (house: House, topicId: string): string => [...house.ids].find(([, id]) => id === topicId)?.[0] ?? 'nowhere'

interface Fetched {
  readonly epoch?: number
  readonly names?: readonly string[]
  readonly batches?: typeof acknowledgements
  readonly forgotten?: readonly string[]
}

/** The error of the answer; of each topic, and of its acknowledgements; what the engine was asked for, and what it was to forget. */
async function fetch (house: House, who: string[] | 'root', { epoch = 0, names = [], batches = [], forgotten = [] }: Fetched): Promise<unknown> {
  const { errorCode, responses } = await house.ask(who, ShareFetch, {
    groupId: 'g',
    memberId: 'm',
    shareSessionEpoch: epoch,
    maxWaitMs: 0,
    minBytes: 0,
    maxRecords: 1,
    batchSize: 1,
    topics: topicsOf(house, names, batches),
    forgottenTopicsData: forgotten.map(name => ({ topicId: house.ids.get(name)!, partitions: [0] }))
  })
  const answers = responses.map(({ topicId, partitions: [one] }) => [nameOf(house, topicId), one!.errorCode, one!.acknowledgeErrorCode])
  const asked = house.seen.map(({ request }) => request as Request<typeof ShareFetch>)
  const named = (topics: readonly { topicId: string }[]): string[] => topics.map(({ topicId }) => nameOf(house, topicId))
  return [errorCode, answers, asked.map(({ topics, forgottenTopicsData }) => [named(topics), named(forgottenTopicsData)])]
}

t.test('records are acquired topic by topic', async t => {
  const house = await openHouse(t)
  t.same(await fetch(house, ['READ TOPIC *'], { names: ALL }), [GROUP, [], []])
  t.same(house.denied, ['READ GROUP g'])
  t.same(await fetch(house, [group, 'READ TOPIC orders'], { names: [...ALL, 'nowhere'] }), [
    0, [['orders', 0, 0], ['secret', TOPIC, 0], ['_barnabas', TOPIC, 0], ['nowhere', UNKNOWN, 0]], [[['orders'], []]]
  ])
  t.same(house.denied, ['READ TOPIC secret', 'READ TOPIC _barnabas'])
  t.same(await fetch(house, [group], { names: ['secret'] }), [0, [['secret', TOPIC, 0]], [[[], []]]], 'it counts in the session all the same')
  t.same(await fetch(house, 'root', { names: ALL }), [0, [['orders', 0, 0], ['secret', 0, 0], ['_barnabas', UNKNOWN, 0]], [[['orders', 'secret'], []]]])
  const { errorCode } = await house.ask('root', ShareFetch, {
    groupId: null, memberId: 'm', shareSessionEpoch: 0, maxWaitMs: 0, minBytes: 0, maxRecords: 1, batchSize: 1, topics: [], forgottenTopicsData: []
  })
  t.same([errorCode, house.seen], [errors.INVALID_REQUEST, []])
})

t.test('a session is decided anew with each request', async t => {
  const house = await openHouse(t, ALL, true)
  const [one, both] = [[group, 'READ TOPIC orders'], [group, 'READ TOPIC orders', 'READ TOPIC secret']]
  const refused = ['secret', TOPIC, 0]
  t.same(await fetch(house, one, { names: ['orders', 'secret'] }), [0, [['orders', 0, 0], refused], [[['orders'], []]]])
  t.same(await fetch(house, one, { epoch: 1 }), [0, [refused], [[[], []]]], 'told each time, as by Kafka')
  t.same(house.denied, ['READ TOPIC secret'])
  t.same(await fetch(house, both, { epoch: 2 }), [0, [['secret', 0, 0]], [[['secret'], []]]], 'permitted in the meantime')
  t.same(await fetch(house, both, { epoch: 3 }), [0, [], [[[], []]]], 'the engine knows it now')
  t.same(await fetch(house, one, { epoch: 4 }), [0, [refused], [[[], ['secret']]]], 'and may not know it any more')
  t.same(await fetch(house, one, { epoch: 5 }), [0, [refused], [[[], []]]])
  t.same(await fetch(house, one, { epoch: 6, names: ['secret'], batches: acknowledgements }), [0, [['secret', TOPIC, TOPIC]], [[[], []]]])
  t.same(await fetch(house, one, { epoch: 7, forgotten: ['secret'] }), [0, [], [[[], ['secret']]]])
  t.same(await fetch(house, both, { epoch: 8 }), [0, [], [[[], []]]], 'what was forgotten does not come back')
  t.same(await fetch(house, one, { epoch: -1, names: ['orders'], batches: acknowledgements }), [0, [['orders', 0, 0]], [[['orders'], []]]])
  t.same(await fetch(house, one, { epoch: 1 }), [errors.SHARE_SESSION_NOT_FOUND, [], []])
})

t.test('records are acknowledged topic by topic', async t => {
  const house = await openHouse(t)
  const acknowledge = async (who: string[] | 'root', names: readonly string[]): Promise<unknown> => {
    const { errorCode, responses } = await house.ask(who, ShareAcknowledge, {
      groupId: 'g', memberId: 'm', shareSessionEpoch: 1, topics: topicsOf(house, names, acknowledgements)
    })
    return [errorCode, ...responses.map(({ topicId, partitions: [one] }) => [nameOf(house, topicId), one!.errorCode])]
  }
  t.same(await acknowledge(['READ TOPIC *'], ALL), [GROUP])
  t.same(house.seen, [])
  t.same(await acknowledge([group, 'READ TOPIC orders'], ALL), [0, ['orders', 0], ['secret', TOPIC], ['_barnabas', TOPIC]])
  t.same(await acknowledge([group], ['secret']), [0, ['secret', TOPIC]])
  t.equal(house.seen.length, 1, 'it counts in the session all the same')
  t.same(await acknowledge('root', ['orders', '_barnabas', 'nowhere']), [0, ['orders', 0], ['_barnabas', UNKNOWN], ['nowhere', UNKNOWN]])
})

t.test('offsets are described group by group and topic by topic', async t => {
  const house = await openHouse(t)
  const named = ALL.map(topicName => ({ topicName, partitions: [0] }))
  const describe = async (who: string[] | 'root', topics: typeof named | null, ...groupIds: string[]): Promise<unknown> => {
    const { groups } = await house.ask(who, DescribeShareGroupOffsets, { groups: groupIds.map(groupId => ({ groupId, topics })) })
    return groups.map(({ groupId, errorCode, topics }) =>
      [groupId, errorCode, ...topics.map(({ topicName, partitions: [one] }) => [topicName, one!.errorCode, one!.startOffset])])
  }
  const rules = ['DESCRIBE GROUP g', 'READ TOPIC orders']
  t.same(await describe(rules, named, 'h', 'g'), [['h', GROUP], ['g', 0, ['orders', 0, 5], ['secret', TOPIC, -1], ['_barnabas', TOPIC, -1]]])
  t.same(house.denied, ['DESCRIBE GROUP h', 'DESCRIBE TOPIC secret', 'DESCRIBE TOPIC _barnabas'])
  t.same(await describe(rules, null, 'h', 'g'), [['h', GROUP], ['g', 0, ['orders', 0, 5]]])
  t.same(await describe(['DESCRIBE GROUP g'], named.slice(1), 'g'), [['g', 0, ['secret', TOPIC, -1], ['_barnabas', TOPIC, -1]]])
  t.same(house.seen, [])
  t.same(await describe('root', named, 'g'), [['g', 0, ['orders', 0, 5], ['secret', 0, 5], ['_barnabas', 0, -1]]], 'what is not there has no offset')
  t.same(await describe('root', null, 'g'), [['g', 0, ['orders', 0, 5], ['secret', 0, 5]]])
})

t.test('offsets are changed and deleted with the group, topic by topic', async t => {
  const house = await openHouse(t)
  const alter = async (who: string[] | 'root'): Promise<unknown> => {
    const topics = ALL.map(topicName => ({ topicName, partitions: [{ partitionIndex: 0, startOffset: 0 }] }))
    const { errorCode, responses } = await house.ask(who, AlterShareGroupOffsets, { groupId: 'g', topics })
    return [errorCode, ...responses.map(({ topicName, partitions: [one] }) => [topicName, one!.errorCode])]
  }
  const remove = async (who: string[] | 'root'): Promise<unknown> => {
    const { errorCode, responses } = await house.ask(who, DeleteShareGroupOffsets, { groupId: 'g', topics: ALL.map(topicName => ({ topicName })) })
    return [errorCode, ...responses.map(({ topicName, errorCode }) => [topicName, errorCode])]
  }
  const some = [0, ['orders', 0], ['secret', TOPIC], ['_barnabas', TOPIC]]
  const hidden = [0, ['orders', 0], ['secret', 0], ['_barnabas', errors.UNKNOWN_TOPIC_OR_PARTITION]]
  t.same(await alter(['DESCRIBE GROUP g', 'READ TOPIC *']), [GROUP])
  t.same(await alter([group, 'READ TOPIC orders']), some)
  t.same(await alter('root'), hidden)
  t.same(await remove([group, 'READ TOPIC *']), [GROUP])
  t.same(house.denied, ['DELETE GROUP g'])
  t.same(await remove(['DELETE GROUP g', 'READ TOPIC orders']), some)
  t.same(await remove('root'), hidden)
})
