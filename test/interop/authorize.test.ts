/**
 * The same questions to a real Kafka with its StandardAuthorizer and to our policy over the embedded engine: each row is a
 * user of its own with its own rules, and both must answer it alike, element by element. What only a cluster serves is asked
 * of our policy in front of the same Kafka, which knows it as somebody who may do everything.
 */
import t, { type Test } from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { readRequest, readRequestHeader, readResponse, writeRequest, writeResponse } from '../../protocol/frame.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../protocol/messages/24-add-partitions-to-txn.ts'
import { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/messages/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../protocol/messages/69-consumer-group-describe.ts'
import { Reader } from '../../protocol/reader.ts'
import { neverAborted, type Dispatch } from '../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../protocol/schema.ts'
import { AclTable } from '../../src/access/acls.ts'
import { AclAuthorizer } from '../../src/access/authorizer.ts'
import { operations, patternTypes, permissions, resourceTypes, type AclBinding } from '../../src/access/model.ts'
import { authorize } from '../../src/policies/authorize.ts'
import { Connection } from '../engine/connection.ts'
import { openEngine } from '../storage/embedded/support.ts'
import { GROUPS, TOPICS, rows, type Ids } from './support/permission-rows.ts'
import { MEMBERS, MEMBER_ID, TRANSACTIONS, clusterRows } from './support/cluster-permission-rows.ts'
import { formattedBroker, testProperties } from './support/kafka-broker.ts'
import { freePort, temporaryFolder } from './support/ports.ts'

const ADMIN = 'admin'
const ALL = [ADMIN, ...[...rows, ...clusterRows].map((_row, i) => userOf(i))]

function userOf (row: number): string {
  return `u${row}`
}

/** Somebody to ask, as somebody. */
type Ask = <A extends Api> (user: string, api: A, version: number, request: RequestInput<A>) => Promise<Response<A>>

t.test('Kafka and our policy answer alike', { timeout: 300_000 }, async t => {
  const bindings = [...rows, ...clusterRows].flatMap(({ acls }, i) => acls.map(acl => ({ ...acl, principal: `User:${userOf(i)}` })))
  const { engine } = await openEngine(t, t.testdir())
  const [kafka, ours] = [await askKafka(t), askOurs(engine.dispatch, bindings)]
  await kafka(ADMIN, CreateAcls, 3, { creations: bindings.map(asCreation) })
  await until('Kafka knows the rules', async () => {
    const { resources } = await kafka(ADMIN, DescribeAcls, 3, {
      resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1
    })
    return resources.flatMap(({ acls }) => acls).length === bindings.length
  })
  const kafkaIds = await prepare(kafka)
  const ourIds = await prepare(ours)
  for (const [i, { name, api, version, request, settles }] of rows.entries()) {
    if (settles) await until('Kafka is ready', async () => !isNotReady(await kafka(userOf(i), api, version, request(kafkaIds))))
    const theirs = shapeOf(await kafka(userOf(i), api, version, request(kafkaIds)), kafkaIds)
    t.same(shapeOf(await ours(userOf(i), api, version, request(ourIds)), ourIds), theirs, `${name} (${api.name} v${version})`)
  }
  const through = askOurs((api, request, { version }) => kafka(ADMIN, api, version, request as never), bindings)
  await prepareCluster(kafka)
  for (const [i, { name, api, version, request }] of clusterRows.entries()) {
    const user = userOf(rows.length + i)
    const theirs = shapeOf(await kafka(user, api, version, request(kafkaIds)), kafkaIds)
    t.same(shapeOf(await through(user, api, version, request(kafkaIds)), kafkaIds), theirs, `in front of Kafka: ${name} (${api.name} v${version})`)
  }
})

/** Transactions that have begun, and groups of the newer protocols that read. */
async function prepareCluster (ask: Ask): Promise<void> {
  for (const transactionalId of TRANSACTIONS) {
    await until(`${transactionalId} has begun`, async () => {
      // Asking for its coordinator makes Kafka create the topic of transactions.
      await ask(ADMIN, FindCoordinator, 4, { keyType: 1, coordinatorKeys: [transactionalId] })
      const producer = await ask(ADMIN, InitProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
      const { resultsByTopicV3AndBelow } = await ask(ADMIN, AddPartitionsToTxn, 3, {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.producerEpoch,
        v3AndBelowTopics: ['orders', 'secret'].map(name => ({ name, partitions: [0] }))
      })
      const results = resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) => resultsByPartition)
      return results.every(({ partitionErrorCode }) => partitionErrorCode === errors.NONE)
    })
  }
  for (const [groupId, topic] of MEMBERS) {
    const member = { groupId, memberId: MEMBER_ID, rebalanceTimeoutMs: 10_000, subscribedTopicNames: [topic], topicPartitions: [] }
    await until(`${groupId} reads`, async () => {
      const { errorCode } = await ask(ADMIN, ConsumerGroupHeartbeat, 1, { ...member, memberEpoch: 0 })
      const { groups } = await ask(ADMIN, ConsumerGroupDescribe, 1, { groupIds: [groupId], includeAuthorizedOperations: false })
      return errorCode === errors.NONE && groups.some(({ members }) => members.some(({ assignment }) => assignment.topicPartitions.length > 0))
    })
  }
}

const waiting = [errors.UNKNOWN_TOPIC_OR_PARTITION, errors.LEADER_NOT_AVAILABLE, errors.COORDINATOR_LOAD_IN_PROGRESS]
const isNotReady = (answer: unknown): boolean => waiting.some(code => JSON.stringify(answer).includes(`"errorCode":${code},`))

function asCreation ({ resourceType, resourceName, patternType, principal, host, operation, permission }: AclBinding):
RequestInput<typeof CreateAcls>['creations'][number] {
  return {
    resourceType: resourceTypes[resourceType],
    resourceName,
    resourcePatternType: patternTypes[patternType],
    principal,
    host,
    operation: operations[operation],
    permissionType: permissions[permission]
  }
}

/** Topics, and groups that have committed. Gives the ids. */
async function prepare (ask: Ask): Promise<Ids> {
  const made = await ask(ADMIN, CreateTopics, 7, {
    topics: TOPICS.map(name => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }))
  })
  for (const { name, errorCode, errorMessage } of made.topics) if (errorCode !== errors.NONE) throw new Error(`${name}: ${errorMessage}`)
  let ids: Ids = new Map()
  await until('the topics are there', async () => {
    const { topics } = await ask(ADMIN, Metadata, 13, { topics: TOPICS.map(name => ({ name })), allowAutoTopicCreation: false })
    ids = new Map(topics.map(({ name, topicId }) => [name!, topicId]))
    return topics.every(({ errorCode, partitions }) => errorCode === errors.NONE && partitions.every(({ leaderId }) => leaderId >= 0))
  })
  for (const groupId of GROUPS) {
    await until(`${groupId} has a coordinator`, async () => {
      const { coordinators } = await ask(ADMIN, FindCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
      if (coordinators[0]!.errorCode !== errors.NONE) return false
      const { topics } = await ask(ADMIN, OffsetCommit, 8, {
        groupId,
        memberId: '',
        topics: ['orders', 'secret'].map(name => ({ name, partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: null }] }))
      })
      return topics.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === errors.NONE))
    })
  }
  return ids
}

async function until (what: string, look: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await look()) return
    await sleep(100)
  }
  throw new Error(`not within 30 s: ${what}`)
}

function askOurs (next: Dispatch, bindings: readonly AclBinding[]): Ask {
  const acls = new AclTable()
  for (const binding of bindings) acls.add(binding)
  const authorizer = new AclAuthorizer(acls, { superUsers: new Set([`User:${ADMIN}`]), allowWithoutAcl: false })
  const dispatch = authorize(() => authorizer, () => {})(next)
  return async (user, api, version, request) => {
    const reader = new Reader(Buffer.concat(writeRequest(api, version, 0, null, request)).subarray(4))
    readRequestHeader(reader)
    const response = await dispatch(api, readRequest(api, version, reader), {
      principal: { type: 'User', name: user }, door: 'kafka', clientId: 'test', address: '127.0.0.1', version, signal: neverAborted, throttleMs: 0
    })
    return readResponse(api, version, Buffer.concat(writeResponse(api, version, 0, response as never)).subarray(4)).body
  }
}

async function askKafka (t: Test): Promise<Ask> {
  const port = await freePort()
  const broker = await formattedBroker(t, temporaryFolder(t), {
    listeners: [`SASL_PLAINTEXT://127.0.0.1:${port}`],
    properties: [
      ...testProperties(),
      'listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name=SASL_PLAINTEXT',
      'sasl.enabled.mechanisms=PLAIN',
      'sasl.mechanism.inter.broker.protocol=PLAIN',
      'listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ' +
        `username="${ADMIN}" password="${ADMIN}-pass" ${ALL.map(user => `user_${user}="${user}-pass"`).join(' ')};`,
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      `super.users=User:${ADMIN};User:ANONYMOUS`
    ],
    listens: [['127.0.0.1', port]]
  })
  await broker.start()
  const connections = new Map<string, Connection>()
  t.teardown(() => { for (const connection of connections.values()) connection.destroy() })
  await until('Kafka lets users in', () => connected(port, ADMIN).then(connection => {
    connections.set(ADMIN, connection)
    return true
  }, () => false))
  return async (user, api, version, request) => {
    let connection = connections.get(user)
    if (connection?.isOpen !== true) {
      connection = await connected(port, user)
      connections.set(user, connection)
    }
    return await connection.send(api, version, request)
  }
}

async function connected (port: number, user: string): Promise<Connection> {
  const connection = await Connection.open(port)
  await connection.send(SaslHandshake, 1, { mechanism: 'PLAIN' })
  const { errorCode, errorMessage } = await connection.send(SaslAuthenticate, 2, { authBytes: Buffer.from(`\0${user}\0${user}-pass`) })
  if (errorCode === errors.NONE) return connection
  connection.destroy()
  throw new Error(`${user}: ${errorMessage}`)
}

/** What an answer says about permission: names, errors and operations. Order is no part of it. */
const TOLD = new Set([
  'errorCode', 'topicConfigErrorCode', 'name', 'topic', 'groupId', 'key', 'user', 'index', 'partition', 'partitionIndex', 'resourceType', 'resourceName',
  'topicAuthorizedOperations', 'clusterAuthorizedOperations', 'authorizedOperations', 'numPartitions', 'entityType', 'entityName',
  'partitionErrorCode', 'acknowledgeErrorCode', 'topicName', 'transactionalId', 'partitionId', 'startOffset'
])
const UNTOLD = new Set(['brokers', 'members', 'nodeEndpoints', 'acls', 'resources', 'matchingAcls', 'recordErrors', 'abortedTransactions', 'records'])

function shapeOf (value: unknown, ids: Ids): unknown {
  if (Array.isArray(value)) return value.map(one => shapeOf(one, ids)).map(one => JSON.stringify(one)).sort().map(one => JSON.parse(one) as unknown)
  if (typeof value !== 'object' || value === null) return value
  const shape: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) {
    if (name === 'topicId') shape[name] = [...ids].find(([, id]) => id === one)?.[0] ?? null
    else if (name === 'configs') shape[name] = one !== null && (one as unknown[]).length > 0
    else if (TOLD.has(name) || (Array.isArray(one) && !UNTOLD.has(name))) shape[name] = shapeOf(one, ids)
  }
  return shape
}
