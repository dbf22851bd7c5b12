/**
 * Requests as kafkajs writes them. Its encoders are hand-written, so that they show what Kafka's generated code never does: empty
 * lists where null is meant, fields left at odd values.
 */
import t from 'tap'
import { createRequire } from 'node:module'
import { apis } from '../../protocol/apis.ts'
import { RecordBatch } from '../../protocol/batch.ts'
import { readRequest, readRequestHeader } from '../../protocol/frame.ts'
import { Reader } from '../../protocol/reader.ts'
import { recordsIn } from '../../protocol/records.ts'
import type { Api } from '../../protocol/schema.ts'

const require = createRequire(import.meta.url)
const apiNamed = (name: string): Api => apis.find(api => api.name === name)!

interface KafkajsRequest { readonly apiKey: number, readonly apiVersion: number }
interface KafkajsDefinition {
  readonly versions: readonly string[]
  readonly protocol: (options: { version: number }) => (args: unknown) => { readonly request: KafkajsRequest }
}
const kafkajs = require('kafkajs/src/protocol/requests') as { readonly requests: { readonly [name: string]: KafkajsDefinition } }
const frameOf = require('kafkajs/src/protocol/request') as
  (options: { correlationId: number, clientId: string, request: KafkajsRequest }) => Promise<{ readonly buffer: Buffer }>

const group = { groupId: 'g', memberId: 'm', groupGenerationId: 3, generationId: 3 }
const metadata = Buffer.from([0, 1, 2])
const messages = [{ key: 'k', value: 'v', headers: { h: 'x' }, timestamp: 1700000000000 }, { key: null, value: null, timestamp: 1700000000001 }]

/** What kafkajs is told, and what its request is to say; the second may depend on the version. */
const cases: { readonly [name: string]: readonly [args: unknown, expected: (version: number) => object] } = {
  Produce: [
    { acks: -1, timeout: 500, compression: 1, topicData: [{ topic: 't', partitions: [{ partition: 2, firstSequence: 5, messages }] }] },
    () => ({ transactionalId: null, acks: -1, timeoutMs: 500, topicData: [{ name: 't', partitionData: [{ index: 2 }] }] })
  ],
  Fetch: [
    { maxWaitTime: 10, minBytes: 1, maxBytes: 99, topics: [{ topic: 't', partitions: [{ partition: 1, fetchOffset: '7', maxBytes: 5 }] }] },
    () => ({ replicaId: -1, maxWaitMs: 10, maxBytes: 99, topics: [{ topic: 't', partitions: [{ partition: 1, fetchOffset: 7, partitionMaxBytes: 5 }] }] })
  ],
  ListOffsets: [
    { topics: [{ topic: 't', partitions: [{ partition: 1, timestamp: -2 }] }] },
    () => ({ replicaId: -1, topics: [{ name: 't', partitions: [{ partitionIndex: 1, timestamp: -2 }] }] })
  ],
  Metadata: [{ topics: [] }, version => ({ topics: version === 0 ? [] : null })],
  OffsetCommit: [
    { ...group, topics: [{ topic: 't', partitions: [{ partition: 1, offset: '12', metadata: 'x' }] }] },
    () => ({ generationIdOrMemberEpoch: 3, topics: [{ name: 't', partitions: [{ committedOffset: 12, committedMetadata: 'x' }] }] })
  ],
  OffsetFetch: [
    { groupId: 'g', topics: [{ topic: 't', partitions: [{ partition: 1 }] }] },
    () => ({ groupId: 'g', topics: [{ name: 't', partitionIndexes: [1] }] })
  ],
  GroupCoordinator: [{ groupId: 'g' }, () => ({ key: 'g', keyType: 0 })],
  JoinGroup: [
    { groupId: 'g', sessionTimeout: 1, rebalanceTimeout: 2, memberId: '', protocolType: 'consumer', groupProtocols: [{ name: 'p', metadata }] },
    () => ({ sessionTimeoutMs: 1, memberId: '', protocols: [{ name: 'p', metadata }] })
  ],
  Heartbeat: [group, () => ({ groupId: 'g', generationId: 3, memberId: 'm' })],
  LeaveGroup: [
    { ...group, members: [{ memberId: 'm' }] },
    version => version < 3 ? { memberId: 'm' } : { members: [{ memberId: 'm', groupInstanceId: null }] }
  ],
  SyncGroup: [
    { ...group, groupAssignment: [{ memberId: 'm', memberAssignment: metadata }] },
    () => ({ generationId: 3, assignments: [{ memberId: 'm', assignment: metadata }] })
  ],
  DescribeGroups: [{ groupIds: ['a', 'b'] }, () => ({ groups: ['a', 'b'] })],
  ListGroups: [{}, () => ({ statesFilter: [] })],
  SaslHandshake: [{ mechanism: 'PLAIN' }, () => ({ mechanism: 'PLAIN' })],
  SaslAuthenticate: [{ authBytes: Buffer.from('00000003000102', 'hex') }, () => ({ authBytes: metadata })],
  ApiVersions: [{}, () => ({})],
  CreateTopics: [
    { timeout: 5, validateOnly: true, topics: [{ topic: 't', numPartitions: 3, replicationFactor: 1, configEntries: [{ name: 'a', value: 'b' }] }] },
    () => ({ topics: [{ name: 't', numPartitions: 3, replicationFactor: 1, configs: [{ name: 'a', value: 'b' }] }], timeoutMs: 5, validateOnly: true })
  ],
  DeleteTopics: [{ topics: ['t'], timeout: 5 }, () => ({ topicNames: ['t'], timeoutMs: 5 })],
  DeleteRecords: [
    { topics: [{ topic: 't', partitions: [{ partition: 1, offset: '-1' }] }] },
    () => ({ topics: [{ name: 't', partitions: [{ partitionIndex: 1, offset: -1 }] }] })
  ],
  InitProducerId: [{}, () => ({ transactionalId: null, transactionTimeoutMs: 5000 })],
  DescribeConfigs: [{ resources: [{ type: 2, name: 't' }] }, () => ({ resources: [{ resourceType: 2, resourceName: 't', configurationKeys: null }] })],
  CreatePartitions: [{ topicPartitions: [{ topic: 't', count: 4 }] }, () => ({ topics: [{ name: 't', count: 4, assignments: null }] })],
  DeleteGroups: [['a'], () => ({ groupsNames: ['a'] })]
}

const otherNames: { readonly [name: string]: string } = { GroupCoordinator: 'FindCoordinator' }

for (const [name, [args, expected]] of Object.entries(cases)) {
  t.test(`${name} of kafkajs`, async t => {
    const api = apiNamed(otherNames[name] ?? name)
    const versions = kafkajs.requests[name]!.versions.map(Number).filter(version => version >= api.versions[0] && version <= api.versions[1])
    t.ok(versions.length > 0)
    for (const version of versions) {
      const { request } = kafkajs.requests[name]!.protocol({ version })(args)
      const { buffer } = await frameOf({ correlationId: 9, clientId: 'js', request })
      const reader = new Reader(buffer, 4)
      t.strictSame(readRequestHeader(reader), { apiKey: api.key, version, correlationId: 9, clientId: 'js' })
      t.match(readRequest(api, version, reader), expected(version), `v${version}`)
    }
  })
}

t.test('the records of a produce request', async t => {
  const { request } = kafkajs.requests['Produce']!.protocol({ version: 7 })(cases['Produce']![0])
  const reader = new Reader((await frameOf({ correlationId: 9, clientId: 'js', request })).buffer, 4)
  readRequestHeader(reader)
  const { topicData } = readRequest(apiNamed('Produce'), 7, reader) as { topicData: { partitionData: { records: Buffer[] }[] }[] }
  const batch = new RecordBatch(topicData[0]!.partitionData[0]!.records[0]!)
  t.match(batch, { isSound: true, compression: 1, recordCount: 2 })
  t.strictSame([...recordsIn(batch)], [
    { offset: 0, timestampMs: 1700000000000, key: Buffer.from('k'), value: Buffer.from('v'), headers: [{ key: 'h', value: Buffer.from('x') }] },
    { offset: 1, timestampMs: 1700000000001, key: null, value: null, headers: [] }
  ])
})
