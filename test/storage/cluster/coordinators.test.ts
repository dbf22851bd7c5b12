/**
 * Groups and transactions in front of a cluster: to whoever coordinates them, asked for once and again when that has proved wrong.
 */
import t, { type Test } from 'tap'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { InitProducerId } from '../../../protocol/messages/22-init-producer-id.ts'
import { EndTxn } from '../../../protocol/messages/26-end-txn.ts'
import { errors } from '../../../protocol/errors.ts'
import { cutAfter } from '../../support/fake-broker.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { Client, nameOf, openEngine, PROMPT_MS, timed } from './support.ts'

interface World { readonly cluster: FakeCluster, readonly client: Client }

/** Three brokers; `g1` is coordinated by the first one, `g2` and the transaction `tx` by the second, `g3` by the third. */
async function world (t: Test): Promise<World> {
  const cluster = await FakeCluster.start(t, 3)
  for (const [key, i] of [['g2', 1], ['tx', 1], ['g3', 2]] as const) cluster.coordinators.set(key, cluster.brokers[i]!.id)
  for (const broker of cluster.brokers) {
    broker.on(Heartbeat, ({ request: { groupId } }) => ({
      errorCode: (cluster.coordinators.get(groupId) ?? cluster.brokers[0]!.id) === broker.id ? errors.NONE : errors.NOT_COORDINATOR
    }))
    broker.on(DescribeGroups, ({ request: { groups } }) => ({
      groups: groups.map(groupId => ({ errorCode: 0, groupId, groupState: `at ${broker.id}`, members: [] }))
    }))
    broker.on(ListGroups, () => ({ errorCode: 0, groups: [{ groupId: `of ${broker.id}`, protocolType: '' }] }))
  }
  return { cluster, client: new Client(await openEngine(t, cluster)) }
}

const beat = async (client: Client, groupId: string): Promise<string> =>
  nameOf((await client.call(Heartbeat, { groupId, generationId: 1, memberId: 'm' })).errorCode)

const counts = ({ brokers }: FakeCluster, api: typeof Heartbeat | typeof FindCoordinator): number[] => brokers.map(broker => broker.askedFor(api).length)

t.test('who coordinates a group is asked for once, for all clients', async t => {
  const { cluster, client } = await world(t)
  for (const groupId of ['g1', 'g2', 'g3', 'g2']) t.equal(await beat(client, groupId), 'NONE')
  t.equal(await beat(new Client(client.engine), 'g2'), 'NONE')
  t.strictSame(counts(cluster, Heartbeat), [1, 3, 1])
  t.equal(cluster.askedFor(FindCoordinator).length, 3)
})

t.test('those who ask at the same moment are one lookup', async t => {
  const { cluster, client } = await world(t)
  const clients = Array.from({ length: 20 }, () => new Client(client.engine))
  t.strictSame(new Set(await Promise.all(clients.map(client => beat(client, 'g2')))), new Set(['NONE']))
  t.equal(cluster.askedFor(FindCoordinator).length, 1)
})

t.test('... unless it is refused: what one is told is not for another', async t => {
  const { cluster, client } = await world(t)
  const refusal = { errorCode: errors.GROUP_AUTHORIZATION_FAILED, errorMessage: 'no', nodeId: -1, port: -1 }
  for (const broker of cluster.brokers) broker.on(FindCoordinator, () => ({ ...refusal }))
  t.strictSame(await Promise.all([beat(client, 'g2'), beat(new Client(client.engine), 'g2')]), ['GROUP_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED'])
  t.equal(cluster.askedFor(FindCoordinator).length, 2)
})

t.test('a coordinator that has moved is told the client once, and found out', async t => {
  const { cluster, client } = await world(t)
  await beat(client, 'g2')
  cluster.coordinators.set('g2', cluster.brokers[2]!.id)
  t.equal(await beat(client, 'g2'), 'NOT_COORDINATOR')
  t.equal(await beat(client, 'g2'), 'NONE')
  t.equal(client.engine.brokers.get(cluster.brokers[1]!.id)!.stats.misdirected, 1)
})

t.test('a coordinator that is down, or cuts the connection: COORDINATOR_NOT_AVAILABLE at once, and the others go on', async t => {
  const { cluster, client } = await world(t)
  await beat(client, 'g2')
  await beat(client, 'g3')
  const undo = cluster.brokers[1]!.on(Heartbeat, () => cutAfter(5))
  t.equal(await beat(client, 'g2'), 'COORDINATOR_NOT_AVAILABLE')
  undo()
  t.equal(await beat(client, 'g2'), 'NONE')
  await cluster.brokers[1]!.stop()
  const { value, ms } = await timed(Promise.all([beat(client, 'g2'), beat(client, 'g3')]))
  t.strictSame(value, ['COORDINATOR_NOT_AVAILABLE', 'NONE'])
  t.ok(ms < PROMPT_MS, `${ms} ms`)
  cluster.coordinators.set('g2', cluster.brokers[2]!.id)
  t.equal(await beat(client, 'g2'), 'NONE', 'another one has taken over')
})

t.test('requests about several groups are split, and answered in their order', async t => {
  const { cluster, client } = await world(t)
  const describe = async (): Promise<string[]> => {
    const { groups } = await client.call(DescribeGroups, { groups: ['g3', 'g1', 'g2', 'other'] })
    return groups.map(({ groupId, groupState, errorCode }) => `${groupId} ${errorCode === 0 ? groupState : nameOf(errorCode)}`)
  }
  const [first, second, third] = cluster.brokers.map(({ id }) => `at ${id}`)
  t.strictSame(await describe(), [`g3 ${third}`, `g1 ${first}`, `g2 ${second}`, `other ${first}`])
  t.strictSame(cluster.brokers.map(broker => broker.askedFor(DescribeGroups).length), [1, 1, 1])
  await cluster.brokers[1]!.stop()
  t.strictSame(await describe(), [`g3 ${third}`, `g1 ${first}`, 'g2 COORDINATOR_NOT_AVAILABLE', `other ${first}`])
})

t.test('all brokers list their groups; where one is missing, so would be its groups', async t => {
  const { cluster, client } = await world(t)
  const { groups } = await client.call(ListGroups, {})
  t.strictSame(groups.map(({ groupId }) => groupId).toSorted(), cluster.brokers.map(({ id }) => `of ${id}`))
  await cluster.brokers[2]!.stop()
  t.equal(nameOf((await client.call(ListGroups, {})).errorCode), 'COORDINATOR_NOT_AVAILABLE')
  cluster.unlisted.add(cluster.brokers[2]!.id)
  await new Promise(resolve => setTimeout(resolve, 110)) // what was heard a moment ago is not asked for again
  t.equal((await client.call(ListGroups, {})).groups.length, 2, 'the cluster has noticed')
})

t.test('transactions have their coordinator, even if it is found by a broker that nobody has spoken to', async t => {
  const { cluster, client } = await world(t)
  cluster.brokers[1]!.on(InitProducerId, () => ({ errorCode: 0, producerId: 42, producerEpoch: 3 }))
  cluster.brokers[1]!.on(EndTxn, () => ({ errorCode: 0 }))
  const clients = cluster.brokers.map(() => new Client(client.engine))
  for (const client of clients) {
    const { producerId, producerEpoch } = await client.call(InitProducerId, { transactionalId: 'tx', transactionTimeoutMs: 1000 })
    t.strictSame([producerId, producerEpoch], [42, 3])
  }
  t.equal((await client.call(EndTxn, { transactionalId: 'tx', producerId: 42, producerEpoch: 3, committed: true })).errorCode, 0)
  t.strictSame(cluster.askedFor(FindCoordinator).map(({ version, request: { key, keyType } }) => [version, key, keyType]), [[3, 'tx', 1]])
})

t.test('a new broker that coordinates what nobody knew it did', async t => {
  const { cluster, client } = await world(t)
  const [, , third] = cluster.brokers
  cluster.unlisted.add(third!.id)
  const engine = await openEngine(t, { bootstrap: cluster.bootstrap.slice(0, 2) })
  t.equal(engine.brokers.size, 2)
  cluster.unlisted.clear()
  await new Promise(resolve => setTimeout(resolve, 110))
  t.equal(await beat(new Client(engine), 'g3'), 'NONE')
  t.equal(await beat(client, 'g3'), 'NONE')
  t.equal(engine.brokers.size, 3)
})

t.test('FindCoordinator names gateways, in each of its shapes, and asks anew', async t => {
  const { cluster, client } = await world(t)
  for (const version of [0, 3]) {
    const { nodeId, host, port, errorCode } = await client.call(FindCoordinator, { key: 'g2' }, { version })
    t.strictSame([nodeId, host, port, errorCode], [0, '', 0, 0])
  }
  const { coordinators } = await client.call(FindCoordinator, { coordinatorKeys: ['g1', 'g2'] }, { version: 4 })
  t.strictSame(coordinators.map(({ key, nodeId, host, port }) => [key, nodeId, host, port]), [['g1', 0, '', 0], ['g2', 0, '', 0]])
  t.equal(cluster.askedFor(FindCoordinator).length, 4)
  cluster.coordinators.set('g2', cluster.brokers[2]!.id)
  await client.call(FindCoordinator, { coordinatorKeys: ['g2'] }, { version: 4 })
  t.equal(await beat(client, 'g2'), 'NONE', 'at the new one')
})
