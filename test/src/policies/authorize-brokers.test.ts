/**
 * What is asked of single brokers or of the controller; configurations and offsets as older tools change them.
 */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { AlterConfigs } from '../../../protocol/messages/33-alter-configs.ts'
import { DescribeLogDirs } from '../../../protocol/messages/35-describe-log-dirs.ts'
import { ElectLeaders } from '../../../protocol/messages/43-elect-leaders.ts'
import { OffsetDelete } from '../../../protocol/messages/47-offset-delete.ts'
import { ListConfigResources } from '../../../protocol/messages/74-list-config-resources.ts'
import { openHouse } from './authorize-kit.ts'

const CLUSTER = 'CLUSTER kafka-cluster'
const {
  TOPIC_AUTHORIZATION_FAILED: TOPIC, GROUP_AUTHORIZATION_FAILED: GROUP, CLUSTER_AUTHORIZATION_FAILED: REFUSED, UNKNOWN_TOPIC_OR_PARTITION: UNKNOWN
} = errors

t.test('folders are seen by those who may describe the cluster', async t => {
  const house = await openHouse(t)
  const { errorCode, results } = await house.ask(['DESCRIBE TOPIC *'], DescribeLogDirs, { topics: null })
  t.same([errorCode, results], [REFUSED, []])
  t.same(house.denied, [`DESCRIBE ${CLUSTER}`])
  t.same(house.seen, [])
  const seen = await house.ask([`DESCRIBE ${CLUSTER}`], DescribeLogDirs, { topics: null })
  t.same(seen.results.map(({ topics }) => topics.map(({ name }) => name)), [['orders', 'secret']])
})

t.test('leaders are elected by those who may alter the cluster', async t => {
  const house = await openHouse(t)
  const topicPartitions = ['orders', '_barnabas'].map(topic => ({ topic, partitions: [0] }))
  const elect = async (who: string[] | 'root', topics: typeof topicPartitions | null, version: number): Promise<unknown> => {
    const { errorCode, replicaElectionResults } = await house.ask(who, ElectLeaders, { topicPartitions: topics }, version)
    return [errorCode, ...replicaElectionResults.map(({ topic, partitionResult }) => [topic, partitionResult[0]!.errorCode])]
  }
  t.same(await elect([`DESCRIBE ${CLUSTER}`], topicPartitions, 2), [REFUSED, ['orders', REFUSED], ['_barnabas', REFUSED]])
  t.same(house.denied, [`ALTER ${CLUSTER}`])
  t.same(await elect([], topicPartitions, 0), [0, ['orders', REFUSED], ['_barnabas', REFUSED]], 'v0 has no error of its own')
  t.same(await elect([], null, 2), [REFUSED])
  t.same(house.seen, [])
  t.same(await elect([`ALTER ${CLUSTER}`], topicPartitions, 2), [0, ['orders', 0], ['_barnabas', UNKNOWN]])
  t.same(await elect('root', [topicPartitions[1]!], 2), [0, ['_barnabas', UNKNOWN]])
  t.same(house.seen, [], 'nothing that is hidden is elected')
  t.same(await elect('root', null, 2), [0, ['orders', 0], ['secret', 0]])
})

t.test('whole configurations are replaced where single ones may be changed', async t => {
  const house = await openHouse(t)
  const resources = [[2, 'secret'], [2, 'orders'], [4, ''], [32, 'g'], [2, '_barnabas']].map(([resourceType, resourceName]) =>
    ({ resourceType: resourceType as number, resourceName: resourceName as string, configs: [{ name: 'retention.ms', value: '1' }] }))
  const alter = async (who: string[] | 'root'): Promise<unknown> =>
    (await house.ask(who, AlterConfigs, { resources, validateOnly: false })).responses.map(({ errorCode }) => errorCode)
  t.same(await alter(['ALTER_CONFIGS TOPIC orders', 'ALTER TOPIC secret']), [TOPIC, 0, REFUSED, GROUP, TOPIC])
  t.same(await alter('root'), [0, 0, 0, 0, UNKNOWN])
})

t.test('what has configurations is listed without what is hidden', async t => {
  const house = await openHouse(t)
  const refused = await house.ask([`DESCRIBE ${CLUSTER}`], ListConfigResources, { resourceTypes: [2] })
  t.same([refused.errorCode, refused.configResources, house.seen], [REFUSED, [], []])
  const { configResources } = await house.ask([`DESCRIBE_CONFIGS ${CLUSTER}`], ListConfigResources, { resourceTypes: [] })
  t.same(configResources.map(({ resourceType, resourceName }) => [resourceType, resourceName]), [[2, 'orders'], [2, 'secret'], [32, '_barnabas']])
})

t.test('offsets are deleted with the group, topic by topic', async t => {
  const house = await openHouse(t)
  const topics = ['orders', 'secret', '_barnabas'].map(name => ({ name, partitions: [{ partitionIndex: 0 }] }))
  const remove = async (who: string[] | 'root', groupId = 'g'): Promise<unknown> => {
    const answer = await house.ask(who, OffsetDelete, { groupId, topics })
    return [answer.errorCode, ...answer.topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode])]
  }
  t.same(await remove(['READ GROUP g', 'READ TOPIC *']), [GROUP])
  t.same(house.denied, ['DELETE GROUP g'])
  t.same(await remove(['DELETE GROUP g', 'READ TOPIC orders']), [0, ['orders', 0], ['secret', TOPIC], ['_barnabas', TOPIC]])
  t.same(await remove(['DELETE GROUP gone', 'READ TOPIC orders'], 'gone'), [errors.GROUP_ID_NOT_FOUND], 'an error of the group stands for its topics')
  t.same(await remove('root'), [0, ['orders', 0], ['secret', 0], ['_barnabas', UNKNOWN]])
})
