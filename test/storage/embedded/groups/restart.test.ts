/**
 * What a coordinator writes, and what the next one makes of it.
 */
import t from 'tap'
import { GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue } from '../../../../protocol/messages/group-log.ts'
import { readPayload, writePayload } from '../../../../protocol/payload.ts'
import type { NewRecord } from '../../../../protocol/records.ts'
import { joinGroup } from '../../../../storage/embedded/handlers/11-join-group.ts'
import { leaveGroup } from '../../../../storage/embedded/handlers/13-leave-group.ts'
import { describeGroups } from '../../../../storage/embedded/handlers/15-describe-groups.ts'
import { listGroups } from '../../../../storage/embedded/handlers/16-list-groups.ts'
import { offsetFetch } from '../../../../storage/embedded/handlers/09-offset-fetch.ts'
import { deleteGroups } from '../../../../storage/embedded/handlers/42-delete-groups.ts'
import { Client, stable, subscription } from './client.ts'
import { nameOf, settle, World } from './world.ts'

const describe = async (world: World) => (await world.call(describeGroups, 6, { groups: ['group'] })).groups[0]!

/** The same member, in the same process, talking to another coordinator. */
function at (world: World, client: Client): Client {
  const { name, instance, version, options, memberId, generation, last } = client
  return Object.assign(new Client(world, name, { ...(instance !== null && { instance }), version, ...options }), { memberId, generation, last })
}

t.test('members find their group as they left it', async t => {
  const before = new World()
  const [a, b] = [new Client(before, 'a'), new Client(before, 'b', { instance: 'pod-b', rebalanceMs: 30_000 })]
  await stable(before, a, b)
  await a.commit(5)
  const was = await describe(before)
  const world = before.restart()
  t.same(await describe(world), was)
  const [a2, b2] = [at(world, a), at(world, b)]
  t.same([await a2.heartbeat(), await b2.heartbeat()], ['NONE', 'NONE'])
  t.match(await b2.sync(), { errorCode: 0, assignment: Buffer.from('b') })
  t.equal(await a2.committed(), 5)
  t.equal(await a2.commit(6), 'NONE')
  t.match(await new Client(world, 'b', { instance: 'pod-b' }).join(), { errorCode: 0, generationId: 1 }, 'static ones too')
})

t.test('they have their session timeout to be heard of', async t => {
  const before = new World()
  const [a, b] = [new Client(before, 'a', { sessionMs: 7_000 }), new Client(before, 'b', { sessionMs: 20_000, rebalanceMs: 20_000 })]
  await stable(before, a, b)
  const world = before.restart()
  await world.clock.advance(6_999)
  t.equal((await describe(world)).members.length, 2)
  await world.clock.advance(1)
  t.equal(await at(world, b).heartbeat(), 'REBALANCE_IN_PROGRESS')
  t.equal(await at(world, a).heartbeat(), 'UNKNOWN_MEMBER_ID')
})

t.test('a member whose request waits is not missed after a restart either', async t => {
  const before = new World()
  const [a, b] = [new Client(before, 'a', { sessionMs: 60_000 }), new Client(before, 'b', { sessionMs: 6_000 })]
  await stable(before, a, b)
  const world = before.restart()
  const rejoining = at(world, b).join('another')
  await world.clock.advance(20_000)
  await at(world, a).join()
  t.match(await rejoining, { errorCode: 0, generationId: 2 })
})

t.test('the leader is who it was', async t => {
  const before = new World()
  const [a, b] = [new Client(before, 'a', { instance: 'pod-a' }), new Client(before, 'b')]
  await stable(before, a, b)
  const again = new Client(before, 'a', { instance: 'pod-a' })
  await again.join()
  const world = before.restart()
  t.match(await at(world, b).join(), { errorCode: 0, generationId: 1, leader: again.memberId })
})

t.test('a rebalance that was under way is forgotten: the last stable generation counts', async t => {
  const before = new World()
  const [a, b] = [new Client(before, 'a'), new Client(before, 'b', { version: 3 })]
  await stable(before, a)
  const entering = b.join()
  await settle()
  const world = before.restart()
  t.equal(nameOf((await entering).errorCode), 'NOT_COORDINATOR')
  t.match(await describe(world), { groupState: 'Stable', members: { length: 1 } })
  t.equal(await at(world, a).heartbeat(), 'NONE')
})

t.test('a group that everyone left is empty after a restart, and remembers since when', async t => {
  const before = new World()
  const a = new Client(before, 'a')
  await stable(before, a)
  await a.commit(5)
  await a.leave()
  await before.clock.advance(6 * 86_400_000)
  const world = before.restart()
  t.match(await describe(world), { groupState: 'Empty', protocolType: 'consumer', members: { length: 0 } })
  await world.clock.advance(86_400_000 + 600_000)
  t.equal(await at(world, a).committed(), -1)
})

t.test('if that was not written, its members come back and time out once more', async t => {
  const before = new World()
  const a = new Client(before, 'a')
  await stable(before, a)
  before.log.isHeld = true
  await a.leave()
  await before.log.fail()
  t.equal((await describe(before)).groupState, 'Empty')
  const world = before.restart()
  t.equal((await describe(world)).groupState, 'Stable')
  await world.clock.advance(10_000)
  t.equal((await describe(world)).groupState, 'Empty')
})

t.test('a group that has shrunk its size sends the last to rejoin away', async t => {
  const before = new World()
  const clients = ['a', 'b', 'c'].map(name => new Client(before, name, { rebalanceMs: 7_000 }))
  await stable(before, ...clients)
  const world = before.restart({ config: { maxSize: 2 } })
  const [a, b, c] = clients.map(client => at(world, client)) as [Client, Client, Client]
  t.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS')
  const rejoining = [a.join(), b.join()]
  await settle()
  t.equal(nameOf((await c.join()).errorCode), 'GROUP_MAX_SIZE_REACHED')
  t.same((await Promise.all(rejoining)).map(({ generationId }) => generationId), [2, 2])
})

t.test('what is written is what Kafka writes', async t => {
  const world = new World()
  const a = new Client(world, 'a', { instance: 'pod-a' })
  await stable(world, a)
  await a.commit(5)
  const [group, offset] = world.log.records as [NewRecord, NewRecord]
  t.same([group.key!.readInt16BE(0), group.value!.readInt16BE(0), offset.key!.readInt16BE(0), offset.value!.readInt16BE(0)], [2, 3, 1, 3])
  await world.call(leaveGroup, 5, { groupId: 'group', members: [{ memberId: '', groupInstanceId: 'pod-a' }] })
  t.match(readPayload(GroupMetadataValue, world.log.records.at(-1)!.value!), {
    protocolType: 'consumer', generation: 2, protocol: null, leader: null, members: { length: 0 }
  })
  t.same(readPayload(GroupMetadataKey, group.key!), { group: 'group' })
  t.match(readPayload(GroupMetadataValue, group.value!), {
    protocolType: 'consumer',
    generation: 1,
    protocol: 'range',
    leader: a.memberId,
    members: [{
      memberId: a.memberId,
      groupInstanceId: 'pod-a',
      clientId: 'a',
      clientHost: '/10.0.0.7',
      rebalanceTimeout: 60_000,
      sessionTimeout: 10_000,
      subscription: subscription('a'),
      assignment: Buffer.from('a')
    }]
  })
  t.same(readPayload(OffsetCommitKey, offset.key!), { group: 'group', topic: 'orders', partition: 0 })
  t.match(readPayload(OffsetCommitValue, offset.value!), { offset: 5, leaderEpoch: -1, metadata: '' })
})

t.test('what older and newer programs have written is read, what is not about groups is left alone', async t => {
  const offsetKey = (version: number, partition: number) => writePayload(OffsetCommitKey, version, { group: 'group', topic: 'orders', partition })
  const committed = { offset: 9, metadata: 'm', commitTimestamp: 1_767_225_600_000 }
  const member = { memberId: 'm', clientId: 'c', clientHost: '/h', sessionTimeout: 10_000, subscription: subscription('m'), assignment: Buffer.from('part') }
  const stored: NewRecord[] = [
    { key: offsetKey(0, 0), value: writePayload(OffsetCommitValue, 0, committed) },
    { key: offsetKey(1, 1), value: writePayload(OffsetCommitValue, 4, { ...committed, offset: 10 }) },
    {
      key: writePayload(GroupMetadataKey, 2, { group: 'group' }),
      value: writePayload(GroupMetadataValue, 0, { protocolType: 'consumer', generation: 7, protocol: 'range', leader: 'm', members: [member] })
    },
    { key: Buffer.from([0, 99, 1, 2, 3]), value: Buffer.from('a record of another kind') },
    { key: Buffer.from([0]), value: null },
    { key: null, value: Buffer.from('?') }
  ]
  const world = new World({ stored })
  t.match(await describe(world), { groupState: 'Stable', members: [{ memberId: 'm', memberAssignment: Buffer.from('part') }] })
  t.match(await world.call(offsetFetch, 9, { groups: [{ groupId: 'group', topics: null }] }), {
    groups: [{ topics: [{ name: 'orders', partitions: [{ committedOffset: 9, metadata: 'm' }, { committedOffset: 10 }] }] }]
  })
  const entering = new Client(world, 'b', { version: 3, rebalanceMs: 5_000 }).join()
  await world.clock.advance(9_999)
  t.equal((await describe(world)).members.length, 2, 'v0 has no rebalance timeout: its member has its session timeout to rejoin')
  await world.clock.advance(1)
  t.match(await entering, { errorCode: 0, generationId: 8 })
})

t.test('a record that makes no sense stops the start', async t => {
  const stored = [{ key: writePayload(GroupMetadataKey, 2, { group: 'group' }), value: Buffer.from([0, 3, 0]) }]
  t.throws(() => new World({ stored }), { name: 'ProtocolError' })
})

t.test('a coordinator that stops answers whoever waits, and leaves no timer behind', async t => {
  const world = new World()
  const [a, b, c] = [new Client(world, 'a'), new Client(world, 'b'), new Client(world, 'c', { groupId: 'other' })]
  const entering = [a.enter(), b.enter()]
  await world.clock.advance(1_500)
  await Promise.all(entering)
  const waiting = [b.sync(), new Client(world, 'd', { groupId: 'third', version: 3 }).join()]
  await c.join()
  await settle()
  world.groups.stop()
  t.same((await Promise.all(waiting)).map(({ errorCode }) => nameOf(errorCode)), ['NOT_COORDINATOR', 'NOT_COORDINATOR'])
  t.equal(world.clock.pending, 0)
})

t.test('afterwards it says that it is not there, rather than that there is nothing', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  await stable(world, a)
  await a.commit(5)
  world.groups.stop()
  const gone = 'COORDINATOR_NOT_AVAILABLE'
  t.same([await a.heartbeat(), await a.commit(6), nameOf((await a.join()).errorCode), nameOf((await a.sync()).errorCode)], [gone, gone, gone, gone])
  t.equal(nameOf((await world.call(joinGroup, 0, { groupId: 'g', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'x', protocols: [] })).errorCode), gone)
  const topics = [{ name: 'orders', partitionIndexes: [0] }]
  t.match(await world.call(offsetFetch, 9, { groups: [{ groupId: 'group', topics }] }), { groups: [{ errorCode: 15 }] })
  t.match(await world.call(offsetFetch, 5, { groupId: 'group', topics }), { errorCode: 15 })
  t.match(await world.call(offsetFetch, 1, { groupId: 'group', topics }), { topics: [{ partitions: [{ errorCode: 15 }] }] })
  t.match(await world.call(describeGroups, 6, { groups: ['group'] }), { groups: [{ errorCode: 15 }] })
  t.match(await world.call(listGroups, 5, {}), { errorCode: 15 })
  t.match(await world.call(deleteGroups, 2, { groupsNames: ['group'] }), { results: [{ errorCode: 15 }] })
})

t.test('an assignment that is being written when it stops is answered, and nothing comes of it later', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  const entering = a.enter()
  await world.clock.advance(500)
  await entering
  world.log.isHeld = true
  const waiting = a.sync({ [a.memberId]: 'part' })
  await settle()
  world.groups.stop()
  t.equal(nameOf((await waiting).errorCode), 'NOT_COORDINATOR')
  await world.log.release()
  t.equal(world.clock.pending, 0)
})
