/**
 * Committing and fetching offsets, and how long they are kept.
 */
import t from 'tap'
import { KafkaError } from '../../../../protocol/errors.ts'
import { offsetCommit } from '../../../../storage/embedded/handlers/08-offset-commit.ts'
import { offsetFetch } from '../../../../storage/embedded/handlers/09-offset-fetch.ts'
import { describeGroups } from '../../../../storage/embedded/handlers/15-describe-groups.ts'
import { Client, stable } from './client.ts'
import { nameOf, settle, World } from './world.ts'

type Offset = readonly [topic: string, partition: number, offset: number, metadata?: string | null]

/** As a consumer that is no member, or an operator, would. */
async function commit (world: World, offsets: readonly Offset[], overrides: object = {}, version = 9): Promise<string[]> {
  const { topics } = await world.call(offsetCommit, version, {
    groupId: 'group',
    memberId: '',
    generationIdOrMemberEpoch: -1,
    topics: offsets.map(([name, partitionIndex, committedOffset, committedMetadata = null]) => ({
      name, partitions: [{ partitionIndex, committedOffset, ...(version >= 6 && { committedLeaderEpoch: 5 }), committedMetadata }]
    })),
    ...overrides
  })
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => nameOf(errorCode)))
}

const fetch = async (world: World, topics: readonly { name: string, partitionIndexes: number[] }[] | null, groupId = 'group') =>
  (await world.call(offsetFetch, 9, { groups: [{ groupId, topics }] })).groups[0]!

const allOf = async (world: World, groupId = 'group'): Promise<string[]> =>
  (await fetch(world, null, groupId)).topics.flatMap(({ name, partitions }) => partitions.map(p => `${name}-${p.partitionIndex}:${p.committedOffset}`))

const DAY_MS = 86_400_000

t.test('what was committed is fetched, with its metadata and leader epoch', async t => {
  const world = new World()
  t.same(await commit(world, [['orders', 0, 17, 'größer'], ['orders', 3, 0], ['events', 1, 2 ** 40, '']]), ['NONE', 'NONE', 'NONE'])
  t.match(await fetch(world, [{ name: 'orders', partitionIndexes: [0, 1, 3] }, { name: 'nothing', partitionIndexes: [0] }]), {
    errorCode: 0,
    topics: [{
      name: 'orders',
      partitions: [
        { partitionIndex: 0, committedOffset: 17, committedLeaderEpoch: 5, metadata: 'größer', errorCode: 0 },
        { partitionIndex: 1, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 },
        { partitionIndex: 3, committedOffset: 0, metadata: '' }
      ]
    }, { name: 'nothing', partitions: [{ committedOffset: -1, errorCode: 0 }] }]
  })
  t.same(await allOf(world), ['orders-0:17', 'orders-3:0', `events-1:${2 ** 40}`])
})

t.test('every version of OffsetFetch finds it, and a group without offsets is no error', async t => {
  const world = new World()
  await commit(world, [['orders', 0, 17]])
  const topics = [{ name: 'orders', partitionIndexes: [0] }]
  const found = (committedOffset: number) => ({ errorCode: 0, topics: [{ name: 'orders', partitions: [{ committedOffset, errorCode: 0 }] }] })
  for (let version = 1; version <= 7; version++) {
    t.match(await world.call(offsetFetch, version, { groupId: 'group', topics }), found(17), `v${version}`)
    t.match(await world.call(offsetFetch, version, { groupId: 'none', topics }), found(-1))
    if (version >= 2) t.match(await world.call(offsetFetch, version, { groupId: 'group', topics: null }), found(17))
  }
  t.match(await world.call(offsetFetch, 7, { groupId: 'group', topics, requireStable: true }), found(17))
  const { groups } = await world.call(offsetFetch, 8, { groups: [{ groupId: 'group', topics: null }, { groupId: 'none', topics: null }] })
  t.match(groups, [{ groupId: 'group', topics: [{ name: 'orders' }] }, { groupId: 'none', errorCode: 0, topics: { length: 0 } }])
})

t.test('every version of OffsetCommit commits', async t => {
  const world = new World()
  for (let version = 2; version <= 9; version++) {
    t.same(await commit(world, [['orders', 0, version]], {}, version), ['NONE'])
    t.same(await allOf(world), [`orders-0:${version}`])
  }
})

t.test('a commit is answered, and seen, once it is durable', async t => {
  const world = new World()
  await commit(world, [['orders', 0, 1]])
  world.log.isHeld = true
  let isAnswered = false
  const answer = commit(world, [['orders', 0, 2]]).then(result => { isAnswered = true; return result })
  await settle()
  t.notOk(isAnswered)
  t.same(await allOf(world), ['orders-0:1'])
  await world.log.release()
  t.same(await answer, ['NONE'])
  t.same(await allOf(world), ['orders-0:2'])
})

t.test('commits take effect in the order in which they were made, also if the log takes its time', async t => {
  const world = new World()
  world.log.isHeld = true
  const answers = [1, 2, 3].map(async offset => await commit(world, [['orders', 0, offset]]))
  await settle()
  t.equal(world.log.waiting, 3)
  await world.log.release()
  await Promise.all(answers)
  t.same(await allOf(world), ['orders-0:3'])
})

t.test('one that fails leaves what was committed before', async t => {
  for (const [reason, told] of [['KAFKA_STORAGE_ERROR', 'COORDINATOR_NOT_AVAILABLE'], ['MESSAGE_TOO_LARGE', 'INVALID_COMMIT_OFFSET_SIZE']] as const) {
    const world = new World()
    await commit(world, [['orders', 0, 1]])
    world.log.isHeld = true
    const answer = commit(world, [['orders', 0, 2], ['nothing', 0, 1]])
    await settle()
    await world.log.fail(new KafkaError(reason))
    t.same(await answer, [told, 'UNKNOWN_TOPIC_OR_PARTITION'])
    t.same(await allOf(world), ['orders-0:1'])
  }
})

t.test('a partition that does not exist, or too much metadata, does not hold up the others', async t => {
  const world = new World()
  t.same(await commit(world, [['nothing', 0, 1], ['orders', 4, 1], ['orders', 0, 1, 'x'.repeat(4_096)], ['orders', 1, 1, 'x'.repeat(4_097)], ['orders', 2, 1]]),
    ['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION', 'NONE', 'OFFSET_METADATA_TOO_LARGE', 'NONE'])
  t.same(await allOf(world), ['orders-0:1', 'orders-2:1'])
})

t.test('members commit in their generation, others only while the group is empty', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b', { version: 3 })]
  t.same(await commit(world, [['orders', 0, 1]]), ['NONE'], 'a simple group')
  await stable(world, a)
  t.equal(await a.commit(5), 'NONE')
  t.equal(await a.committed(), 5)
  const member = { memberId: a.memberId, generationIdOrMemberEpoch: 1 }
  const refused = async (overrides: object): Promise<string> => (await commit(world, [['orders', 0, 9]], overrides))[0]!
  t.equal(await refused({}), 'UNKNOWN_MEMBER_ID')
  t.equal(await refused({ ...member, generationIdOrMemberEpoch: 0 }), 'ILLEGAL_GENERATION')
  t.equal(await refused({ ...member, generationIdOrMemberEpoch: -1 }), 'ILLEGAL_GENERATION')
  t.equal(await refused({ ...member, memberId: 'other' }), 'UNKNOWN_MEMBER_ID')
  t.equal(await refused({ ...member, groupInstanceId: 'pod' }), 'UNKNOWN_MEMBER_ID')
  const entering = b.join()
  await settle()
  t.equal(await a.commit(6), 'NONE', 'before it rejoins')
  await a.join()
  await entering
  t.equal(await a.commit(7), 'REBALANCE_IN_PROGRESS', 'while the assignment is not known')
  t.equal(await a.committed(), 6)
  await a.leave()
  await b.leave()
  t.equal(await a.commit(8), 'UNKNOWN_MEMBER_ID')
  t.same(await commit(world, [['orders', 0, 9]]), ['NONE'], 'an operator resets the empty group')
})

t.test('a member of a group that does not exist is told so, in the words of its version', async t => {
  const world = new World()
  const member = { memberId: 'm', generationIdOrMemberEpoch: 3 }
  t.same(await commit(world, [['orders', 0, 1]], member, 9), ['GROUP_ID_NOT_FOUND'])
  t.same(await commit(world, [['orders', 0, 1]], member, 8), ['ILLEGAL_GENERATION'])
  t.same(await commit(world, [['nothing', 0, 1]], { groupId: 'unused' }), ['UNKNOWN_TOPIC_OR_PARTITION'])
  t.match(await world.call(describeGroups, 6, { groups: ['unused'] }), { groups: [{ errorCode: 69 }] }, 'no group comes of a commit of nothing')
})

t.test('the oldest clients commit under an empty group id', async t => {
  const world = new World()
  t.same(await commit(world, [['orders', 0, 4]], { groupId: '' }), ['NONE'])
  t.same(await allOf(world, ''), ['orders-0:4'])
})

t.test('offsets of a simple group expire a week after each commit, and the group goes with the last', async t => {
  const world = new World()
  await commit(world, [['orders', 0, 1], ['orders', 1, 1]])
  await world.clock.advance(5 * DAY_MS)
  await commit(world, [['orders', 1, 2]])
  await world.clock.advance(2 * DAY_MS - 1)
  t.same(await allOf(world), ['orders-0:1', 'orders-1:2'])
  await world.clock.advance(600_000)
  t.same(await allOf(world), ['orders-1:2'])
  await world.clock.advance(5 * DAY_MS)
  t.match(await world.call(describeGroups, 6, { groups: ['group'] }), { groups: [{ errorCode: 69 }] })
  t.equal(world.groups.size, 0)
})

t.test('those of a group expire a week after its last member has left', async t => {
  const world = new World()
  const a = new Client(world, 'a', { sessionMs: 1_800_000 })
  await stable(world, a)
  await a.commit(5)
  for (let day = 0; day < 10; day++) {
    await world.clock.advance(DAY_MS / 100)
    await a.heartbeat()
  }
  await a.leave()
  await world.clock.advance(7 * DAY_MS - 1)
  t.equal(await a.committed(), 5)
  await world.clock.advance(600_000)
  t.equal(await a.committed(), -1)
})

t.test('while it has members, only those of topics that none of them reads', async t => {
  const world = new World({ config: { offsetsRetentionMs: 3_600_000 } })
  const a = new Client(world, 'a', { sessionMs: 1_800_000 })
  await commit(world, [['events', 0, 1]])
  await stable(world, a)
  await a.commit(5)
  for (let i = 0; i < 4; i++) {
    await world.clock.advance(1_200_000)
    t.equal(await a.heartbeat(), 'NONE')
  }
  t.same(await allOf(world), ['orders-0:5'])
})

t.test('and none where nobody can say what it reads, which does not keep the offsets of others', async t => {
  const world = new World({ config: { offsetsRetentionMs: 3_600_000 } })
  const connect = new Client(world, 'worker', { sessionMs: 1_800_000, protocolType: 'connect' })
  const odd = new Client(world, 'odd', { sessionMs: 1_800_000, groupId: 'odd', metadata: Buffer.from('?') })
  for (const groupId of ['group', 'odd', 'simple']) await commit(world, [['events', 0, 1]], { groupId })
  await stable(world, connect)
  await stable(world, odd)
  for (let i = 0; i < 4; i++) {
    await world.clock.advance(1_200_000)
    t.same([await connect.heartbeat(), await odd.heartbeat()], ['NONE', 'NONE'])
  }
  t.same([await allOf(world), await allOf(world, 'odd'), await allOf(world, 'simple')], [['events-0:1'], ['events-0:1'], []])
})

t.test('a commit may ask for a retention of its own, until v4', async t => {
  const world = new World()
  await commit(world, [['orders', 0, 1]], { retentionTimeMs: 3_600_000 }, 4)
  await world.clock.advance(3_599_999)
  t.same(await allOf(world), ['orders-0:1'])
  const next = world.restart()
  t.same(await allOf(next), ['orders-0:1'])
  await next.clock.advance(600_000)
  t.same(await allOf(next), [])
})

t.test('expiry does not take an offset whose next commit is on its way', async t => {
  const world = new World()
  await commit(world, [['orders', 0, 1]])
  await world.clock.advance(7 * DAY_MS - 600_001)
  world.log.isHeld = true
  const answer = commit(world, [['orders', 0, 2]])
  await world.clock.advance(600_001)
  world.log.isHeld = false
  await world.log.release()
  await world.clock.advance(600_000)
  t.same(await answer, ['NONE'])
  t.same(await allOf(world), ['orders-0:2'])
  t.same(await allOf(world.restart()), ['orders-0:2'])
})

t.test('a group that somebody is about to join does not go', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  await world.clock.advance(599_999)
  a.memberId = (await a.join()).memberId
  await world.clock.advance(1)
  const entering = a.join()
  await world.clock.advance(500)
  t.equal((await entering).errorCode, 0)
})

t.test('if the log does not take the tombstones, the next check tries again', async t => {
  const world = new World()
  await commit(world, [['orders', 0, 1]])
  world.log.isHeld = true
  await world.clock.advance(7 * DAY_MS + 600_000)
  await world.log.fail()
  t.same(await allOf(world), ['orders-0:1'])
  world.log.isHeld = false
  await world.clock.advance(600_000)
  t.same(await allOf(world), [])
})

t.test('the offsets of a deleted topic go with it, also those that were on their way', async t => {
  const world = new World()
  await commit(world, [['orders', 0, 1], ['events', 0, 1]])
  await commit(world, [['orders', 2, 1]], { groupId: 'other' })
  world.log.isHeld = true
  const late = commit(world, [['orders', 1, 1]])
  await settle()
  world.topics.delete('orders')
  const deletion = world.groups.topicDeleted('orders')
  await world.log.release()
  await settle()
  await world.log.release()
  await deletion
  await late
  world.log.isHeld = false
  t.same([await allOf(world), await allOf(world, 'other')], [['events-0:1'], []])
  const next = world.restart()
  t.same([await allOf(next), await allOf(next, 'other')], [['events-0:1'], []])
})
