/**
 * Partial answers of requests that are not only a list of topics.
 */
import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { AlterUserScramCredentials } from '../../../protocol/messages/51-alter-user-scram-credentials.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import type { Dispatch } from '../../../protocol/rpc.ts'
import type { Request, RequestInput } from '../../../protocol/schema.ts'
import { AclTable } from '../../../src/access/acls.ts'
import { AclAuthorizer } from '../../../src/access/authorizer.ts'
import { operations } from '../../../src/access/model.ts'
import { authorize } from '../../../src/policies/authorize.ts'
import { interleave } from '../../../src/policies/authorize-elements.ts'
import { alice, binding, contextOf, openHouse } from './authorize-kit.ts'

const CLUSTER = 'CLUSTER kafka-cluster'
const bits = (...names: Array<keyof typeof operations>): number => names.reduce((sum, name) => sum | 1 << operations[name], 0)
const newTopics = (names: readonly string[]): RequestInput<typeof CreateTopics>['topics'] =>
  names.map(name => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }))

t.test('answers and refusals are merged, whatever the engine answers', async t => {
  t.same(interleave(['b', 'd'], ['A', null, 'C', null]), ['A', 'b', 'C', 'd'])
  t.same(interleave(['b'], ['A', null, 'C', null]), ['A', 'b', 'C'], 'one too few')
  t.same(interleave(['b', 'd', 'e'], ['A', null, 'C', null]), ['A', 'b', 'C', 'd', 'e'], 'one too many')
})

t.test('asking for topics creates those that may be created', async t => {
  const house = await openHouse(t, ['orders'])
  const ask = async (rules: string[], names: string[]): Promise<unknown> => {
    const { topics } = await house.ask(rules, Metadata, { topics: names.map(name => ({ name })), allowAutoTopicCreation: true })
    return topics.map(({ name, errorCode }) => [name, errorCode])
  }
  t.same(await ask(['DESCRIBE TOPIC *', 'CREATE TOPIC new-1'], ['none', 'orders', 'new-1', 'nor this']),
    [['none', 29], ['orders', 0], ['new-1', 0], ['nor this', errors.INVALID_TOPIC_EXCEPTION]])
  t.same(house.denied, ['CREATE TOPIC none'])
  t.same(await ask(['DESCRIBE TOPIC *'], ['none', 'orders']), [['none', 29], ['orders', 0]])
  t.same(await ask(['DESCRIBE TOPIC *', `CREATE ${CLUSTER}`], ['new-2', 'orders']), [['new-2', 0], ['orders', 0]])
  t.same(await ask(['CREATE TOPIC *', 'READ TOPIC orders'], ['new-3', 'orders']), [['new-3', 29], ['orders', 0]])
  const { topics } = await house.ask('root', Metadata, { topics: null })
  t.same(topics.map(({ name }) => name).sort(), ['__consumer_offsets', 'new-1', 'new-2', 'orders'])
})

t.test('where asking creates nothing, what is not there is not there', async t => {
  const next = (async (api: unknown, request: Request<typeof Metadata>) => api === DescribeConfigs
    ? complete(DescribeConfigs.response, {
      results: [{
        errorCode: 0,
        errorMessage: null,
        resourceType: 4,
        resourceName: '',
        configs: [{ name: 'auto.create.topics.enable', value: 'false', readOnly: true, isSensitive: false, synonyms: [] }]
      }]
    })
    : complete(Metadata.response, { brokers: [], topics: request.topics!.map(({ name }) => ({ errorCode: 3, name, partitions: [] })) })) as unknown as Dispatch
  const acls = new AclTable()
  acls.add(binding('DESCRIBE TOPIC *'))
  const authorizer = new AclAuthorizer(acls, { superUsers: new Set(), allowWithoutAcl: false })
  const dispatch = authorize(() => authorizer, () => t.fail('nobody was refused'))(next)
  const { topics } = await dispatch(Metadata, complete(Metadata.request, { topics: [{ name: 'none' }] }), contextOf(alice, 12))
  t.same(topics.map(({ errorCode }) => errorCode), [errors.UNKNOWN_TOPIC_OR_PARTITION])
})

t.test('authorised operations are those that are allowed', async t => {
  const house = await openHouse(t, ['orders'])
  const rules = ['READ TOPIC orders', 'READ GROUP g', 'DENY DESCRIBE GROUP h', 'ALL GROUP h', `ALTER_CONFIGS ${CLUSTER}`]
  const { topics, clusterAuthorizedOperations } = await house.ask(rules, Metadata, {
    topics: null, includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true
  }, 9)
  t.equal(topics[0]!.topicAuthorizedOperations, bits('READ', 'DESCRIBE'))
  t.equal(clusterAuthorizedOperations, 0, 'the cluster may not be described')
  t.equal((await house.ask([...rules, `DESCRIBE ${CLUSTER}`], DescribeCluster, { includeClusterAuthorizedOperations: true })).clusterAuthorizedOperations,
    bits('DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'))
  const { groups } = await house.ask(rules, DescribeGroups, { groups: ['g', 'h'], includeAuthorizedOperations: true }, 5)
  t.same(groups.map(({ errorCode, authorizedOperations }) => [errorCode, authorizedOperations]), [[0, bits('READ', 'DESCRIBE')], [30, -2147483648]])
  t.same(house.denied, ['DESCRIBE GROUP h'])
  t.equal((await house.ask(rules, DescribeCluster, { includeClusterAuthorizedOperations: false })).clusterAuthorizedOperations, -2147483648)
  const open = await house.ask('open', Metadata, { topics: [{ name: 'orders' }], includeTopicAuthorizedOperations: true }, 9)
  t.equal(open.topics[0]!.topicAuthorizedOperations, 0b110111111000)
})

t.test('offsets: the group, then the topics', async t => {
  const house = await openHouse(t)
  const topics = ['secret', 'orders'].map(name => ({ name, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }] }))
  const commit = async (rules: string[]): Promise<unknown> => {
    const answer = await house.ask(rules, OffsetCommit, { groupId: 'g', memberId: '', topics }, 8)
    return answer.topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode])
  }
  t.same(await commit(['READ TOPIC orders']), [['secret', 30], ['orders', 30]])
  t.same(house.denied, ['READ GROUP g'])
  t.same(await commit(['READ TOPIC orders', 'READ GROUP g']), [['secret', 29], ['orders', 0]])
  await house.ask([], OffsetCommit, { groupId: 'g', memberId: '', topics: [] }, 8)
  t.same(house.seen, [], 'a commit of nothing goes no further either')
  await house.ask('root', OffsetCommit, { groupId: 'g', memberId: '', topics }, 8)

  const rules = ['DESCRIBE GROUP g', 'READ TOPIC orders']
  const wanted = ['secret', 'orders'].map(name => ({ name, partitionIndexes: [0] }))
  const { groups } = await house.ask(rules, OffsetFetch, {
    topics: [], groups: [{ groupId: 'h', topics: wanted }, { groupId: 'g', topics: wanted }, { groupId: 'g', topics: null }]
  }, 8)
  t.same(groups.map(({ groupId, errorCode, topics }) => [groupId, errorCode, topics.map(({ name, partitions }) => [name, partitions[0]!.errorCode])]), [
    ['h', 30, []], ['g', 0, [['secret', 29], ['orders', 0]]], ['g', 0, [['orders', 0]]]
  ])
  t.equal(groups[1]!.topics[1]!.partitions[0]!.committedOffset, 5)
  t.same(house.denied, ['DESCRIBE GROUP h', 'READ TOPIC secret'].map(text => text.replace('READ', 'DESCRIBE')))
  const older = await house.ask(rules, OffsetFetch, { groupId: 'g', topics: null }, 7)
  t.same(older.topics.map(({ name }) => name), ['orders'])
})

t.test('coordinators: each key for itself', async t => {
  const house = await openHouse(t)
  const { coordinators } = await house.ask(['READ GROUP g'], FindCoordinator, { coordinatorKeys: ['h', 'g'] }, 4)
  t.same(coordinators.map(({ key, errorCode, nodeId }) => [key, errorCode, nodeId]), [['h', 30, -1], ['g', 0, coordinators[1]!.nodeId]])
  t.equal(coordinators[0]!.errorMessage, 'Not authorised: DESCRIBE on GROUP h is needed.')
  const one = await house.ask([], FindCoordinator, { key: 'h' }, 3)
  t.match(one, { errorCode: 30, nodeId: -1, port: -1, errorMessage: 'Not authorised: DESCRIBE on GROUP h is needed.' })
})

t.test('groups are listed to those who may describe them', async t => {
  const house = await openHouse(t)
  for (const groupId of ['g', 'h']) {
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }] }]
    await house.ask('root', OffsetCommit, { groupId, memberId: '', topics }, 8)
  }
  const list = async (rules: string[]): Promise<string[]> => (await house.ask(rules, ListGroups, {}, 4)).groups.map(({ groupId }) => groupId).sort()
  t.same(await list([]), [])
  t.same(await list(['DELETE GROUP g']), ['g'])
  t.same(await list([`DESCRIBE ${CLUSTER}`]), ['g', 'h'])
  t.same(house.denied, [])
})

t.test('a topic is created without its configuration for those who may not see that', async t => {
  const house = await openHouse(t)
  const { topics } = await house.ask(['CREATE TOPIC new-', 'CREATE TOPIC new-1', 'CREATE TOPIC new-2', 'DESCRIBE_CONFIGS TOPIC new-2'], CreateTopics,
    { topics: newTopics(['other', 'new-1', 'new-2']) })
  t.match(topics[0], { name: 'other', errorCode: 29, errorMessage: 'Not authorised: CREATE on TOPIC other is needed.' })
  t.match(topics[1], { name: 'new-1', errorCode: 0, topicConfigErrorCode: 29, numPartitions: -1, replicationFactor: -1 })
  t.same(topics[1]!.configs, [])
  t.match(topics[2], { name: 'new-2', errorCode: 0, topicConfigErrorCode: 0, numPartitions: 1 })
  t.ok(topics[2]!.configs!.length > 0)
  t.same(house.denied, ['CREATE TOPIC other'])
})

t.test('who may describe a topic but not delete it is told whether there is one', async t => {
  const house = await openHouse(t)
  const names = { topicNames: ['orders', 'absent', 'secret', 'absent-too'], timeoutMs: 1000 }
  const { responses } = await house.ask(['DESCRIBE TOPIC orders', 'DESCRIBE TOPIC absent'], DeleteTopics, names, 5)
  t.same(responses.map(({ name, errorCode }) => [name, errorCode]), [['orders', 29], ['absent', 3], ['secret', 29], ['absent-too', 29]])
  const some = await house.ask(['DELETE TOPIC orders', 'DELETE TOPIC absent'], DeleteTopics, names, 5)
  t.same(some.responses.map(({ name, errorCode }) => [name, errorCode]), [['orders', 0], ['absent', 3], ['secret', 29], ['absent-too', 29]])
})

t.test('configurations: topics by name, all that is no topic or group by the cluster', async t => {
  const house = await openHouse(t)
  const resources = [[2, 'secret'], [2, 'orders'], [4, ''], [32, 'g'], [99, 'x']].map(([resourceType, resourceName]) =>
    ({ resourceType: resourceType as number, resourceName: resourceName as string, configurationKeys: ['retention.ms'] }))
  const { results } = await house.ask(['DESCRIBE_CONFIGS TOPIC orders'], DescribeConfigs, { resources })
  t.same(results.map(({ errorCode }) => errorCode), [29, 0, 31, 30, 31])
})

t.test('users that are to be changed are each refused once', async t => {
  const house = await openHouse(t)
  const upsertion = { name: 'a', mechanism: 1, iterations: 4096, salt: Buffer.alloc(16), saltedPassword: Buffer.alloc(32) }
  const deletions = ['a', 'b'].map(name => ({ name, mechanism: 2 }))
  const { results } = await house.ask([], AlterUserScramCredentials, { deletions, upsertions: [upsertion] })
  t.same(results.map(({ user, errorCode }) => [user, errorCode]), [['a', 31], ['b', 31]])
  t.same(house.denied, [`ALTER ${CLUSTER}`])
})
