/**
 * A cluster in which there is something to tell: a topic on all brokers with records, groups of every kind with a member each and
 * offsets committed, a transaction that is open. Whatever is asked goes to the broker that answers it, each being tried.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorRow, errors } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../../protocol/messages/24-add-partitions-to-txn.ts'
import { ConsumerGroupHeartbeat } from '../../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ShareGroupHeartbeat } from '../../../protocol/messages/76-share-group-heartbeat.ts'
import { buildBatch } from '../../../protocol/records.ts'
import type { Api, Response } from '../../../protocol/schema.ts'
import type { Cluster } from './kafka-cluster.ts'
import { Speaker, type Body } from './speaker.ts'

export const PARTITIONS = 6
/** In the group of each newer kind. */
export const MEMBER = 'AAAAAAAAAAAAAAAAAAAAAQ'
const SESSION_MS = 900_000
const SETTLES_WITHIN_MS = 60_000

/** Members stay although nobody sends their heartbeats. */
export const longSessions: readonly string[] = [
  'group.consumer.max.session.timeout.ms=3600000',
  `group.consumer.session.timeout.ms=${SESSION_MS}`,
  'group.share.max.session.timeout.ms=3600000',
  `group.share.session.timeout.ms=${SESSION_MS}`
]

export interface World {
  readonly topic: string
  readonly topicId: string
  readonly classicGroup: string
  readonly consumerGroup: string
  readonly shareGroup: string
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export const recordsOf = (...values: readonly string[]): readonly Buffer[] =>
  [buildBatch(values.map(value => ({ key: null, value: Buffer.from(value), timestampMs: Date.now() }))).bytes]

export async function buildWorld ({ nodes }: Cluster): Promise<World> {
  const speakers = nodes.map(({ address }) => new Speaker(address))
  const { apiKeys } = (await speakers[0]!.ask(ApiVersions, 3, { clientSoftwareName: 'world', clientSoftwareVersion: '1' }))!
  const newest = ({ key, versions: [, max] }: Api): number | null => {
    const range = apiKeys.find(({ apiKey }) => apiKey === key)
    return range === undefined ? null : Math.min(max, range.maxVersion)
  }

  /** Asks one after the other until one of them answers as it is wanted. Null where they do not know the request. */
  async function ask<A extends Api> (api: A, body: Body, codeIn: (answer: Response<A>) => number, atMost = Infinity): Promise<Response<A> | null> {
    const version = newest(api)
    if (version === null) return null
    let code = -2
    for (const deadline = Date.now() + SETTLES_WITHIN_MS; Date.now() < deadline; await sleep(200)) {
      for (const speaker of speakers) {
        const answer = await speaker.ask(api, Math.min(version, atMost), body)
        code = answer === null ? -2 : codeIn(answer)
        if (code === 0) return answer
      }
    }
    throw new Error(`${api.name} is answered with ${errorRow(code).name}`)
  }

  try {
    const topic = 'told-of'
    const transactionalId = 'writer'
    await ask(CreateTopics, { topics: [{ name: topic, numPartitions: PARTITIONS, replicationFactor: 3, assignments: [], configs: [] }] },
      ({ topics: [one] }) => one!.errorCode === errors.TOPIC_ALREADY_EXISTS ? 0 : one!.errorCode)
    const described = await ask(Metadata, { topics: [{ name: topic }] },
      ({ topics: [one] }) => Math.max(one!.errorCode, ...one!.partitions.map(({ errorCode }) => errorCode)), 12)
    for (let index = 0; index < PARTITIONS; index++) {
      await ask(Produce, { acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData: [{ index, records: recordsOf('one', 'two', 'three') }] }] },
        ({ responses: [one] }) => one!.partitionResponses[0]!.errorCode, 12)
    }

    const world = { topic, topicId: described!.topics[0]!.topicId, classicGroup: 'classic', consumerGroup: 'newer', shareGroup: 'sharers' }
    // The topics of coordinators are made when somebody looks for one.
    for (const [key, keyType] of [[world.classicGroup, 0], [transactionalId, 1]] as const) {
      await ask(FindCoordinator, { key, keyType, coordinatorKeys: [key] }, ({ errorCode, coordinators: [one] }) => one?.errorCode ?? errorCode)
    }
    const protocols = [{ name: 'range', metadata: Buffer.from('000100000001000774' + Buffer.from('old-of').toString('hex') + '000000000000000000', 'hex') }]
    const member = await ask(JoinGroup, {
      groupId: world.classicGroup,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: 1000,
      memberId: '',
      groupInstanceId: 'still',
      protocolType: 'consumer',
      protocols
    }, ({ errorCode }) => errorCode)
    await ask(SyncGroup, {
      groupId: world.classicGroup,
      generationId: member!.generationId,
      memberId: member!.memberId,
      groupInstanceId: 'still',
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [{ memberId: member!.memberId, assignment: Buffer.from('0001000000000000', 'hex') }]
    }, ({ errorCode }) => errorCode)
    const committed = [{ name: topic, partitions: [0, 1, 2].map(partitionIndex => ({ partitionIndex, committedOffset: 1, committedMetadata: 'here' })) }]
    await ask(OffsetCommit, { groupId: 'away', topics: committed }, ({ topics: [one] }) => one!.partitions[0]!.errorCode, 9)
    await ask(ConsumerGroupHeartbeat, {
      groupId: world.consumerGroup,
      memberId: MEMBER,
      memberEpoch: 0,
      rebalanceTimeoutMs: SESSION_MS,
      subscribedTopicNames: [topic],
      topicPartitions: []
    }, ({ errorCode }) => errorCode === errors.UNSUPPORTED_VERSION ? 0 : errorCode)
    await ask(ShareGroupHeartbeat, { groupId: world.shareGroup, memberId: MEMBER, memberEpoch: 0, subscribedTopicNames: [topic] },
      ({ errorCode }) => errorCode)

    const { producerId, producerEpoch } = (await ask(InitProducerId, { transactionalId, transactionTimeoutMs: 600_000 }, ({ errorCode }) => errorCode))!
    await ask(AddPartitionsToTxn, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [0, 1, 2] }]
    }, ({ resultsByTopicV3AndBelow: [one] }) => one!.resultsByPartition[0]!.partitionErrorCode)
    return { ...world, transactionalId, producerId, producerEpoch }
  } finally {
    for (const speaker of speakers) speaker.close()
  }
}
