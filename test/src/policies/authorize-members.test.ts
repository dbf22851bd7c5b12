/**
 * Groups whose members the coordinator assigns to, and streams groups.
 */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { ConsumerGroupHeartbeat } from '../../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../../protocol/messages/69-consumer-group-describe.ts'
import { ShareGroupHeartbeat } from '../../../protocol/messages/76-share-group-heartbeat.ts'
import { ShareGroupDescribe } from '../../../protocol/messages/77-share-group-describe.ts'
import type { Request } from '../../../protocol/schema.ts'
import { operations } from '../../../src/access/model.ts'
import { openHouse, type House } from './authorize-kit.ts'

const { TOPIC_AUTHORIZATION_FAILED: TOPIC, GROUP_AUTHORIZATION_FAILED: GROUP } = errors
const bits = (...names: Array<keyof typeof operations>): number => names.reduce((sum, name) => sum | 1 << operations[name], 0)

for (const api of [ConsumerGroupHeartbeat, ShareGroupHeartbeat] as const) {
  const beat = async (house: House, who: string[] | 'root', subscribedTopicNames: string[] | null): Promise<unknown> => {
    const request = { groupId: 'g', memberId: 'm', memberEpoch: 0, subscribedTopicNames }
    const { errorCode, assignment } = await house.ask(who, api as typeof ShareGroupHeartbeat, request)
    return [errorCode, ...(assignment?.topicPartitions ?? []).map(({ topicId }) => [...house.ids].find(([, id]) => id === topicId)?.[0])]
  }

  t.test(`${api.name}: the group is read, and the topics are described`, async t => {
    const house = await openHouse(t)
    t.same(await beat(house, ['READ TOPIC *', 'DESCRIBE GROUP g'], ['orders']), [GROUP])
    t.same(house.denied, ['READ GROUP g'])
    t.same(await beat(house, ['READ GROUP g', 'READ TOPIC orders'], ['orders', 'secret']), [TOPIC])
    t.same(house.denied, ['DESCRIBE TOPIC secret'])
    t.same(house.seen, [])
    t.same(await beat(house, ['READ GROUP g', 'READ TOPIC orders'], ['orders']), [0, 'orders'])
    t.same(house.seen.length, 1)
  })

  t.test(`${api.name}: what is assigned but may not be described is left out`, async t => {
    const house = await openHouse(t)
    t.same(await beat(house, ['READ GROUP g', 'DESCRIBE TOPIC secret'], null), [0, 'secret'])
    t.same(house.denied, [])
    t.same(await beat(house, 'root', null), [0, 'orders', 'secret'])
  })

  t.test(`${api.name}: who asks for what is hidden asks for a topic that is not there`, async t => {
    const house = await openHouse(t)
    t.same(await beat(house, 'root', ['orders', '_barnabas']), [0, 'orders', 'secret'])
    t.same((house.seen[0]!.request as Request<typeof ShareGroupHeartbeat>).subscribedTopicNames, ['orders'])
  })
}

for (const api of [ConsumerGroupDescribe, ShareGroupDescribe] as const) {
  t.test(`${api.name}: groups are refused one by one, and for the topics that they read`, async t => {
    const house = await openHouse(t)
    const describe = async (who: string[] | 'root'): Promise<unknown> => {
      const { groups } = await house.ask(who, api as typeof ShareGroupDescribe, { groupIds: ['h', 'g', 'secretive'], includeAuthorizedOperations: true })
      return groups.map(({ groupId, errorCode, members, authorizedOperations }) =>
        [groupId, errorCode, ...members.flatMap(({ assignment }) => assignment.topicPartitions.map(({ topicName }) => topicName)), authorizedOperations])
    }
    const none = -2147483648
    t.same(await describe(['READ GROUP g', 'DESCRIBE GROUP secretive', 'READ TOPIC orders']),
      [['h', GROUP, none], ['g', 0, 'orders', bits('READ', 'DESCRIBE')], ['secretive', TOPIC, none]])
    t.same(house.denied, ['DESCRIBE GROUP h', 'DESCRIBE TOPIC secret'])
    t.same(await describe('root'), ['h', 'g', 'secretive'].map(group =>
      [group, 0, group === 'secretive' ? 'secret' : 'orders', bits('READ', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS')]))
    t.notMatch(JSON.stringify(await house.ask('root', api as typeof ShareGroupDescribe, { groupIds: ['g'], includeAuthorizedOperations: false })), '_barnabas')
  })
}
