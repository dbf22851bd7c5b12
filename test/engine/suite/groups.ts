/**
 * Groups, in their basics: finding the coordinator, membership of a single consumer, committed offsets. Rebalances have
 * tests of their own.
 */
import type { Test } from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { Client, eventually, nameOf, newName, type Engine, type TopicRef } from './kit.ts'

/** The last versions that name topics, and that ask for one group at a time. */
const BY_NAME = 9
const ONE_GROUP = 7
const ONE_KEY = 3

export function groupSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  t.test('a group has a coordinator, which is one of the brokers', async t => {
    const group = newName()
    const { brokers } = await client.call(Metadata, { topics: [] })
    for (const version of client.versions(FindCoordinator)) {
      const nodeId = await eventually(async () => {
        const oneKey = version <= ONE_KEY
        const answer = await client.call(FindCoordinator, { key: oneKey ? group : '', coordinatorKeys: oneKey ? [] : [group], keyType: 0 }, { version })
        const one = oneKey ? answer : answer.coordinators[0]!
        return one.errorCode === errors.NONE ? one.nodeId : null
      })
      t.ok(brokers.some(broker => broker.nodeId === nodeId), `v${version}`)
    }
  })

  t.test('what is committed is read back, by every version', async t => {
    const topic = await client.topic(2)
    for (const [i, version] of client.versions(OffsetCommit).filter(version => version <= BY_NAME).entries()) {
      const group = await coordinated(client)
      t.strictSame(await commit(client, group, topic, [[0, 10 + i, `meta ${i}`], [1, 20 + i, '']], version), ['NONE', 'NONE'])
      for (const reading of client.versions(OffsetFetch).filter(version => version <= BY_NAME)) {
        t.strictSame(await committed(client, group, topic, [0, 1], reading), [[10 + i, `meta ${i}`], [20 + i, '']], `v${version}, read by v${reading}`)
      }
    }
  })

  t.test('nothing was committed where nothing was, which is no error', async t => {
    const topic = await client.topic(2)
    const group = await coordinated(client)
    t.strictSame(await committed(client, group, topic, [0, 1]), [[-1, ''], [-1, '']])
    await commit(client, group, topic, [[1, 5, '']])
    t.strictSame(await committed(client, group, topic, [0, 1]), [[-1, ''], [5, '']])
  })

  t.test('a partition that is not there is refused, beside one that is', async t => {
    const topic = await client.topic()
    const group = await coordinated(client)
    t.strictSame(await commit(client, group, topic, [[7, 1, ''], [0, 2, '']]), ['UNKNOWN_TOPIC_OR_PARTITION', 'NONE'])
    t.strictSame(await committed(client, group, topic, [0]), [[2, '']])
  })

  t.test('metadata that is too long is refused', async t => {
    const topic = await client.topic()
    t.strictSame(await commit(client, await coordinated(client), topic, [[0, 1, 'x'.repeat(5000)]]), ['OFFSET_METADATA_TOO_LARGE'])
  })

  t.test('a member joins, gets what it assigned to itself, beats, commits and leaves', async t => {
    const topic = await client.topic()
    const group = await coordinated(client)
    const { memberId, generationId } = await member(client, group)
    const assignment = Buffer.from('mine')
    const synced = await client.call(SyncGroup, {
      groupId: group, generationId, memberId, protocolType: 'test', protocolName: 'range', assignments: [{ memberId, assignment }]
    })
    t.strictSame([nameOf(synced.errorCode), synced.assignment.toString()], ['NONE', 'mine'])

    const beat = async (member: string, generation: number): Promise<string> =>
      nameOf((await client.call(Heartbeat, { groupId: group, memberId: member, generationId: generation })).errorCode)
    t.equal(await beat(memberId, generationId), 'NONE')
    t.equal(await beat(memberId, generationId + 1), 'ILLEGAL_GENERATION')
    t.equal(await beat('stranger', generationId), 'UNKNOWN_MEMBER_ID')

    const as = (memberId: string, generationId: number): Promise<string[]> => commit(client, group, topic, [[0, 3, '']], BY_NAME, { memberId, generationId })
    t.strictSame(await as(memberId, generationId), ['NONE'])
    t.strictSame(await as('stranger', generationId), ['UNKNOWN_MEMBER_ID'])
    t.strictSame(await as('', -1), ['UNKNOWN_MEMBER_ID'], 'who is no member does not commit beside members')

    const { groups: [described] } = await client.call(DescribeGroups, { groups: [group], includeAuthorizedOperations: false })
    t.strictSame([described!.groupState, described!.protocolData, described!.members.map(({ memberId }) => memberId)], ['Stable', 'range', [memberId]])
    const deleted = await client.call(DeleteGroups, { groupsNames: [group] })
    t.equal(nameOf(deleted.results[0]!.errorCode), 'NON_EMPTY_GROUP')

    const left = await client.call(LeaveGroup, { groupId: group, members: [{ memberId }] })
    t.strictSame([nameOf(left.errorCode), left.members.map(({ errorCode }) => nameOf(errorCode))], ['NONE', ['NONE']])
    t.strictSame(await committed(client, group, topic, [0]), [[3, '']], 'what it committed stays')
  })

  t.test('what was committed in a topic goes with it', async t => {
    const topic = await client.topic()
    const group = await coordinated(client)
    await commit(client, group, topic, [[0, 4, '']])
    t.equal(await client.deleteTopic({ name: topic.name }), 'NONE')
    await eventually(async () => same(await committed(client, group, topic, [0]), [[-1, '']]) ? true : null)
    const again = await client.topic(1, {}, topic.name)
    t.strictSame(await committed(client, group, again, [0]), [[-1, '']])
  })

  t.test('groups are listed, and gone when they are deleted, with their offsets', async t => {
    const topic = await client.topic()
    const group = await coordinated(client)
    await commit(client, group, topic, [[0, 4, '']])
    const listed = async (): Promise<boolean> => (await client.call(ListGroups, {})).groups.some(({ groupId }) => groupId === group)
    t.equal(await listed(), true)
    const remove = async (): Promise<string> => nameOf((await client.call(DeleteGroups, { groupsNames: [group] })).results[0]!.errorCode)
    t.equal(await remove(), 'NONE')
    t.equal(await listed(), false)
    t.strictSame(await committed(client, group, topic, [0]), [[-1, '']])
    t.equal(await remove(), 'GROUP_ID_NOT_FOUND')
  })
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** A new group whose coordinator is ready. */
export async function coordinated (client: Client): Promise<string> {
  const group = newName()
  return await eventually(async () => {
    const { groups } = await client.call(OffsetFetch, { groups: [{ groupId: group, topics: null }] }, { version: BY_NAME })
    return groups[0]!.errorCode === errors.NONE ? group : null
  })
}

/** A first member, alone in its group. */
async function member (client: Client, groupId: string): Promise<{ memberId: string, generationId: number }> {
  for (let memberId = ''; ;) {
    const joined = await client.call(JoinGroup, {
      groupId,
      memberId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: 'test',
      protocols: [{ name: 'range', metadata: Buffer.from('any') }]
    })
    if (joined.errorCode === errors.NONE) return joined
    if (joined.errorCode !== errors.MEMBER_ID_REQUIRED) throw new Error(`not joined: ${nameOf(joined.errorCode)}`)
    memberId = joined.memberId
  }
}

type Offset = readonly [partition: number, offset: number, metadata: string]

export async function commit (
  client: Client, groupId: string, topic: TopicRef, offsets: readonly Offset[], version = BY_NAME, as = { memberId: '', generationId: -1 }
): Promise<string[]> {
  const { topics } = await client.call(OffsetCommit, {
    groupId,
    memberId: as.memberId,
    generationIdOrMemberEpoch: as.generationId,
    topics: [{
      name: topic.name,
      partitions: offsets.map(([partitionIndex, committedOffset, committedMetadata]) => ({ partitionIndex, committedOffset, committedMetadata }))
    }]
  }, { version })
  return topics[0]!.partitions.map(({ errorCode }) => nameOf(errorCode))
}

export async function committed (client: Client, groupId: string, topic: TopicRef, partitionIndexes: number[], version = BY_NAME): Promise<unknown[]> {
  const topics = [{ name: topic.name, partitionIndexes }]
  const oneGroup = version <= ONE_GROUP
  const answer = await client.call(OffsetFetch, oneGroup ? { groupId, topics } : { groupId: '', topics: [], groups: [{ groupId, topics }] }, { version })
  const { partitions } = (oneGroup ? answer : answer.groups[0]!).topics[0]!
  return partitions.map(({ committedOffset, metadata }) => [committedOffset, metadata])
}
