/**
 * Requests as @platformatic/kafka writes them, in the newest versions that it shares with us and in those where the form changes.
 */
import t from 'tap'
import { apiOf } from '../../protocol/apis.ts'
import { readRequest } from '../../protocol/frame.ts'
import { Reader } from '../../protocol/reader.ts'

interface PlatformaticApi {
  readonly api: { readonly key: number, readonly version: number }
  readonly createRequest: (...args: readonly unknown[]) => { readonly buffer: Buffer }
}

const platformatic = await import('@platformatic/kafka') as unknown as { readonly [name: string]: PlatformaticApi }

const metadata = Buffer.from([0, 1, 2])
const topicId = '01234567-89ab-cdef-0123-456789abcdef'
const ourTopicId = 'ASNFZ4mrze8BI0VniavN7w'

/** The api, its function's arguments after the connection, and what the request is to say. */
const partition = { partition: 1, currentLeaderEpoch: -1, fetchOffset: 7n, lastFetchedEpoch: -1, partitionMaxBytes: 5 }
const committed = { partitionIndex: 1, committedOffset: 5n, committedLeaderEpoch: -1, committedMetadata: null }

const cases: readonly (readonly [name: string, args: readonly unknown[], expected: object])[] = [
  ['produceV11', [-1, 500, [{ topic: 't', partition: 2, key: Buffer.from('k'), value: Buffer.from('v') }], { compression: 'zstd' }],
    { acks: -1, topicData: [{ name: 't', partitionData: [{ index: 2 }] }] }],
  ['fetchV12', [1, 2, 3, 1, 0, -1, [{ topicId: 't', partitions: [partition] }], [], ''],
    { topics: [{ topic: 't', partitions: [{ fetchOffset: 7 }] }] }],
  ['fetchV17', [1, 2, 3, 1, 0, -1, [{ topicId, partitions: [partition] }], [], 'r'],
    { topics: [{ topicId: ourTopicId, partitions: [{ fetchOffset: 7, partitionMaxBytes: 5 }] }], rackId: 'r' }],
  ['listOffsetsV9', [-1, 0, [{ name: 't', partitions: [{ partitionIndex: 1, currentLeaderEpoch: -1, timestamp: -3n }] }]],
    { topics: [{ name: 't', partitions: [{ timestamp: -3 }] }] }],
  ['metadataV0', [null], { topics: [] }],
  ['metadataV12', [['a'], false], { topics: [{ name: 'a' }], allowAutoTopicCreation: false }],
  ['metadataV12', [null, true], { topics: null }],
  ['offsetCommitV9', ['g', 1, 'm', null, [{ name: 't', partitions: [committed] }]],
    { groupId: 'g', topics: [{ name: 't', partitions: [{ committedOffset: 5, committedMetadata: null }] }] }],
  ['offsetFetchV7', [[{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [1, 2] }] }], true],
    { groupId: 'g', topics: [{ partitionIndexes: [1, 2] }], requireStable: true }],
  ['offsetFetchV9', [[{ groupId: 'g', memberId: null, memberEpoch: -1, topics: null }], false], { groups: [{ groupId: 'g', topics: null }] }],
  ['findCoordinatorV6', [0, ['g']], { keyType: 0, coordinatorKeys: ['g'] }],
  ['joinGroupV9', ['g', 1, 2, '', null, 'consumer', [{ name: 'p', metadata }], null], { protocols: [{ name: 'p', metadata }], reason: null }],
  ['syncGroupV5', ['g', 3, 'm', null, 'consumer', 'p', [{ memberId: 'm', assignment: metadata }]],
    { protocolName: 'p', assignments: [{ assignment: metadata }] }],
  ['heartbeatV4', ['g', 3, 'm', 'static'], { groupInstanceId: 'static' }],
  ['leaveGroupV5', ['g', [{ memberId: 'm', groupInstanceId: null, reason: 'bye' }]], { members: [{ reason: 'bye' }] }],
  ['describeGroupsV5', [['a'], true], { groups: ['a'], includeAuthorizedOperations: true }],
  ['listGroupsV5', [['stable'], ['classic']], {}],
  ['apiVersionsV4', ['soft', '1.0'], { clientSoftwareName: 'soft', clientSoftwareVersion: '1.0' }],
  ['createTopicsV7', [[{ name: 't', numPartitions: 3, replicationFactor: 1, assignments: [], configs: [{ name: 'a', value: null }] }], 5, true],
    { topics: [{ numPartitions: 3, configs: [{ name: 'a', value: null }] }], validateOnly: true }],
  ['deleteTopicsV6', [[{ name: null, topicId }], 5], { topics: [{ name: null, topicId: ourTopicId }], timeoutMs: 5 }],
  ['deleteRecordsV2', [[{ name: 't', partitions: [{ partitionIndex: 1, offset: -1n }] }], 5], { topics: [{ partitions: [{ offset: -1 }] }] }],
  ['initProducerIdV5', [null, 5], { transactionalId: null, producerId: -1, producerEpoch: -1 }],
  ['offsetForLeaderEpochV4', [-1, [{ name: 't', partitions: [{ partitionIndex: 1, currentLeaderEpoch: 2, leaderEpoch: 3 }] }]],
    { topics: [{ topic: 't', partitions: [{ partition: 1, leaderEpoch: 3 }] }] }],
  ['describeConfigsV4', [[{ resourceType: 4, resourceName: '1', configurationKeys: null }], true, false],
    { resources: [{ configurationKeys: null }], includeSynonyms: true }],
  ['createPartitionsV3', [[{ name: 't', count: 4, assignments: [{ brokerIds: [1] }] }], 5, false], { topics: [{ assignments: [{ brokerIds: [1] }] }] }],
  ['deleteGroupsV2', [['a']], { groupsNames: ['a'] }],
  ['incrementalAlterConfigsV1', [[{ resourceType: 2, resourceName: 't', configs: [{ name: 'a', configOperation: 0, value: 'b' }] }], false],
    { resources: [{ configs: [{ value: 'b' }] }] }],
  ['describeClusterV1', [false, 1], { endpointType: 1 }],
  ['saslHandshakeV1', ['PLAIN'], { mechanism: 'PLAIN' }],
  ['saslAuthenticateV2', [metadata], { authBytes: metadata }]
]

for (const [name, args, expected] of cases) {
  t.test(`${name}: ${JSON.stringify(expected)}`, async t => {
    const { api: { key, version }, createRequest } = platformatic[name]!
    const api = apiOf(key)!
    const header = version >= api.flexible ? Buffer.of(0) : Buffer.alloc(0)
    const body = createRequest(...args).buffer
    t.match(readRequest(api, version, new Reader(Buffer.concat([header, body]))) as unknown, expected)
  })
}
