/**
 * Static members (KIP-345): a process that restarts under the same group instance id keeps its place.
 */
import t from 'tap'
import { describeGroups } from '../../../../storage/embedded/handlers/15-describe-groups.ts'
import { leaveGroup } from '../../../../storage/embedded/handlers/13-leave-group.ts'
import { Client, stable } from './client.ts'
import { nameOf, settle, World } from './world.ts'

const describe = async (world: World) => (await world.call(describeGroups, 6, { groups: ['group'] })).groups[0]!

/** The same instance, in a process that remembers nothing. */
const restarted = (world: World, { name, instance, version, options }: Client): Client =>
  new Client(world, name, { instance: instance!, version, ...options })

t.test('a restarted member gets a new id and its old assignment, and nobody has to rejoin', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  const again = restarted(world, b)
  t.match(await again.join(), { errorCode: 0, generationId: 1, leader: a.memberId, members: { length: 0 }, skipAssignment: false })
  t.not(again.memberId, b.memberId)
  t.match(await again.sync(), { errorCode: 0, assignment: Buffer.from('b') })
  t.same([await a.heartbeat(), await again.heartbeat()], ['NONE', 'NONE'])
  t.match(await describe(world), { groupState: 'Stable', members: { length: 2 } })
})

t.test('whoever still uses the old id is fenced off, whatever it asks', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  await restarted(world, b).join()
  t.same([
    await b.heartbeat(), await b.commit(7), await b.leave(), nameOf((await b.sync()).errorCode), nameOf((await b.join()).errorCode)
  ], Array(5).fill('FENCED_INSTANCE_ID'))
})

t.test('also where its request is waiting', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b', { instance: 'pod-b' })]
  const entering = a.join()
  await settle()
  const again = restarted(world, a).join()
  t.equal(nameOf((await entering).errorCode), 'FENCED_INSTANCE_ID', 'a JoinGroup')
  const other = b.join()
  await world.clock.advance(1_500)
  await Promise.all([again, other])
  const waiting = b.sync()
  await settle()
  const rejoining = restarted(world, b).join()
  t.equal(nameOf((await waiting).errorCode), 'FENCED_INSTANCE_ID', 'a SyncGroup')
  await world.clock.advance(60_000)
  await rejoining
})

t.test('an instance id that is not the member\'s is refused', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b')]
  await stable(world, a, b)
  const impostor = new Client(world, 'b', { instance: 'pod-x' })
  impostor.memberId = b.memberId
  impostor.generation = 1
  t.equal(await impostor.heartbeat(), 'UNKNOWN_MEMBER_ID', 'nobody has this instance id')
  const thief = new Client(world, 'b', { instance: 'pod-a' })
  thief.memberId = b.memberId
  thief.generation = 1
  t.equal(await thief.heartbeat(), 'FENCED_INSTANCE_ID', 'somebody else has')
})

t.test('a leader that restarts is told to skip the assignment from v9 on (KIP-814)', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  const again = restarted(world, a)
  const answer = await again.join()
  t.match(answer, { errorCode: 0, generationId: 1, skipAssignment: true, leader: again.memberId, members: { length: 2 } })
  t.match(await again.sync(), { assignment: Buffer.from('a') })
  t.equal(await b.heartbeat(), 'NONE')
})

t.test('before v9 it sees the old leader\'s id, so that it does not assign', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a', version: 5 }), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  const again = restarted(world, a)
  t.match(await again.join(), { errorCode: 0, generationId: 1, leader: a.memberId, members: { length: 0 } })
  t.match(await again.sync(), { assignment: Buffer.from('a') })
})

t.test('the new id is answered once it is durable', async t => {
  const world = new World()
  const a = new Client(world, 'a', { instance: 'pod-a' })
  await stable(world, a)
  world.log.isHeld = true
  const again = restarted(world, a)
  let isAnswered = false
  const rejoining = again.join().then(answer => { isAnswered = true; return answer })
  await settle()
  t.notOk(isAnswered)
  await world.clock.advance(15_000)
  t.equal((await describe(world)).members.length, 1, 'however long that takes, its session has not run out')
  await world.log.release()
  t.equal((await rejoining).errorCode, 0)
  await world.clock.advance(10_000)
  t.equal(await again.heartbeat(), 'UNKNOWN_MEMBER_ID', 'afterwards it has to be heard again')
})

t.test('if the log refuses it, the old member stays', async t => {
  const world = new World()
  const a = new Client(world, 'a', { instance: 'pod-a' })
  await stable(world, a)
  world.log.isHeld = true
  const rejoining = restarted(world, a).join()
  await settle()
  await world.log.fail()
  t.equal(nameOf((await rejoining).errorCode), 'COORDINATOR_NOT_AVAILABLE')
  t.match(await a.sync(), { assignment: Buffer.from('a') })
  await world.clock.advance(10_000)
  t.equal(await a.heartbeat(), 'UNKNOWN_MEMBER_ID', 'as long as it is heard of')
})

t.test('a rebalance that begins while the new id is written answers in its place', async t => {
  const world = new World()
  const [a, b, c] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b', { version: 3 }), new Client(world, 'c')]
  await stable(world, a, c)
  world.log.isHeld = true
  const again = restarted(world, a)
  const rejoining = again.join()
  await settle()
  const entering = b.join()
  await settle()
  await world.log.release()
  await c.join()
  t.match(await rejoining, { errorCode: 0, generationId: 2, skipAssignment: false, members: { length: 3 } })
  t.match(await entering, { errorCode: 0, generationId: 2 })
  t.equal(await again.heartbeat(), 'NONE')
})

t.test('whether it has sent SyncGroup is a question to the member, not to the process', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a', rebalanceMs: 7_000 }), new Client(world, 'b', { instance: 'pod-b', rebalanceMs: 7_000 })]
  const entering = [a.join(), b.join()]
  await world.clock.advance(1_500)
  await Promise.all(entering)
  await a.sync({ [b.memberId]: 'part b' })
  const again = restarted(world, b)
  await again.join()
  t.match(await again.sync(), { assignment: Buffer.from('part b') })
  await world.clock.advance(7_000)
  t.equal(await a.heartbeat(), 'NONE')
})

t.test('with other metadata it keeps its place, as long as the group keeps its protocol', async t => {
  const world = new World()
  const protocols = ['range', 'roundrobin']
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a', protocols }), new Client(world, 'b', { instance: 'pod-b', protocols })]
  await stable(world, a, b)
  const again = restarted(world, b)
  t.match(await again.join('with more topics'), { errorCode: 0, generationId: 1 })
  const last = restarted(world, b)
  last.options = { ...last.options, protocols: ['roundrobin'] }
  const rejoining = last.join()
  await settle()
  t.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS', 'now the group would choose another')
  await a.join()
  t.match(await rejoining, { errorCode: 0, generationId: 2, protocolName: 'roundrobin' })
})

t.test('while the leader assigns, a restart begins a rebalance: the assignment would go to the old id', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b', { instance: 'pod-b' })]
  const entering = [a.join(), b.join()]
  await world.clock.advance(1_500)
  await Promise.all(entering)
  const again = restarted(world, b).join()
  t.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS')
  await a.join()
  t.match(await again, { errorCode: 0, generationId: 2 })
})

t.test('a static member that does not rejoin stays in the group until its session ends', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { rebalanceMs: 7_000 }), new Client(world, 'b', { instance: 'pod-b', rebalanceMs: 7_000, sessionMs: 30_000 })]
  await stable(world, a, b)
  const rejoining = a.join()
  await world.clock.advance(7_000)
  t.match(await rejoining, { generationId: 2, members: { length: 2 } }, 'the leader assigns to it too')
})

t.test('if only static members are left and none of them rejoins, the rebalance waits for a session to end', async t => {
  const world = new World()
  const a = new Client(world, 'a', { version: 3, rebalanceMs: 7_000 })
  const b = new Client(world, 'b', { instance: 'pod-b', rebalanceMs: 7_000, sessionMs: 25_000 })
  await stable(world, a, b)
  await a.leave()
  await world.clock.advance(15_000)
  t.equal((await describe(world)).groupState, 'PreparingRebalance')
  await world.clock.advance(15_000)
  t.match(await describe(world), { groupState: 'Empty', members: { length: 0 } })
})

t.test('an operator removes static members by instance id alone', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  const { errorCode, members } = await world.call(leaveGroup, 5, {
    groupId: 'group',
    members: [
      { memberId: '', groupInstanceId: 'pod-a' },
      { memberId: '', groupInstanceId: 'pod-x' },
      { memberId: 'stale', groupInstanceId: 'pod-b' },
      { memberId: 'stale', groupInstanceId: null },
      { memberId: '', groupInstanceId: null }
    ]
  })
  t.equal(errorCode, 0)
  t.same(members.map(member => nameOf(member.errorCode)), ['NONE', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID'])
  t.match(members, [{ groupInstanceId: 'pod-a', memberId: '' }, {}, { groupInstanceId: 'pod-b', memberId: 'stale' }, {}, {}])
  t.match(await describe(world), { members: { length: 1 } })
  t.equal(await a.heartbeat(), 'UNKNOWN_MEMBER_ID')
  t.equal(await b.heartbeat(), 'REBALANCE_IN_PROGRESS')
  const again = await world.call(leaveGroup, 5, { groupId: 'group', members: [{ memberId: 'stale', groupInstanceId: 'pod-a' }] })
  t.equal(nameOf(again.members[0]!.errorCode), 'UNKNOWN_MEMBER_ID', 'nobody has that instance id any more')
})

t.test('the group is described with the client that a restarted member is now', async t => {
  const world = new World()
  const a = new Client(world, 'before', { instance: 'pod-a' })
  await stable(world, a)
  const again = new Client(world, 'after', { instance: 'pod-a' })
  await again.join('before')
  t.match(await describe(world), { members: [{ clientId: 'after', clientHost: '/10.0.0.7', memberAssignment: Buffer.from('before') }] })
})
