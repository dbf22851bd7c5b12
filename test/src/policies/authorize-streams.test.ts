/**
 * Streams groups: what a topology reads, writes and has created.
 */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { StreamsGroupHeartbeat } from '../../../protocol/messages/88-streams-group-heartbeat.ts'
import { StreamsGroupDescribe } from '../../../protocol/messages/89-streams-group-describe.ts'
import type { RequestInput } from '../../../protocol/schema.ts'
import { openHouse } from './authorize-kit.ts'

type Topology = NonNullable<RequestInput<typeof StreamsGroupHeartbeat>['topology']>

const { TOPIC_AUTHORIZATION_FAILED: TOPIC, GROUP_AUTHORIZATION_FAILED: GROUP, STREAMS_INVALID_TOPOLOGY: INVALID } = errors

const topology = (sourceTopics: string[], internal: string[]): Topology => ({
  epoch: 0,
  subtopologies: [{
    subtopologyId: '0',
    sourceTopics,
    sourceTopicRegex: [],
    stateChangelogTopics: internal.map(name => ({ name, partitions: 1, replicationFactor: 1, topicConfigs: [] })),
    repartitionSinkTopics: [],
    repartitionSourceTopics: [],
    copartitionGroups: []
  }]
})

t.test('a member joins with the topics that it may describe, and creates those that it may create', async t => {
  const house = await openHouse(t)
  const join = async (who: string[] | 'root', topology: Topology | null): Promise<number> =>
    (await house.ask(who, StreamsGroupHeartbeat, { groupId: 'g', memberId: 'm', memberEpoch: 0, endpointInformationEpoch: 0, topology })).errorCode
  const group = 'READ GROUP g'
  t.equal(await join(['READ TOPIC *'], null), GROUP)
  t.same(house.denied, ['READ GROUP g'])
  t.equal(await join([group], null), 0, 'what goes on names no topics')
  t.equal(await join([group, 'READ TOPIC orders'], topology(['orders', 'secret'], [])), TOPIC)
  t.same(house.denied, ['DESCRIBE TOPIC secret'])
  t.equal(await join([group, 'READ TOPIC orders'], topology(['orders'], [])), 0)
  const rules = [group, 'READ TOPIC *']
  t.equal(await join(rules, topology(['orders'], ['app-log'])), TOPIC)
  t.same(house.denied, ['CREATE TOPIC app-log'])
  t.same(house.seen, [], 'in the name of the gateway it would be created')
  t.equal(await join(rules, topology(['orders'], ['secret'])), 0, 'it is there')
  t.equal(await join([...rules, 'CREATE TOPIC app- PREFIXED'], topology(['orders'], ['app-log'])), 0)
  t.equal(await join([...rules, 'CREATE CLUSTER kafka-cluster'], topology(['orders'], ['app-log'])), 0)
  for (const hidden of [topology(['_barnabas'], []), topology([], ['_barnabas'])]) {
    t.equal(await join('root', hidden), INVALID)
    t.same(house.seen, [])
  }
})

t.test('a group is described to those who may describe its topics', async t => {
  const house = await openHouse(t)
  const describe = async (who: string[] | 'root'): Promise<unknown> => {
    const { groups } = await house.ask(who, StreamsGroupDescribe, { groupIds: ['h', 'g', 'k'], includeAuthorizedOperations: false })
    return groups.map(({ groupId, errorCode, topology }) => [groupId, errorCode, topology !== null])
  }
  const rules = ['READ GROUP g', 'READ GROUP k', 'READ TOPIC orders', 'DESCRIBE TOPIC g-log']
  t.same(await describe(rules), [['h', GROUP, false], ['g', 0, true], ['k', TOPIC, false]])
  t.same(house.denied, ['DESCRIBE GROUP h', 'DESCRIBE TOPIC k-log'])
  t.same(await describe('root'), [['h', 0, true], ['g', 0, true], ['k', 0, true]])
})
