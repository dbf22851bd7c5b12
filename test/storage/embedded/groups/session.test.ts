/**
 * Sessions: heartbeats and commits keep a member in its group, silence and LeaveGroup take it out.
 */
import t from 'tap'
import { heartbeat } from '../../../../storage/embedded/handlers/12-heartbeat.ts'
import { leaveGroup } from '../../../../storage/embedded/handlers/13-leave-group.ts'
import { Client, stable } from './client.ts'
import { nameOf, settle, World } from './world.ts'

t.test('a member that is not heard of for its session timeout is out, and the others rejoin', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { sessionMs: 6_000 }), new Client(world, 'b', { sessionMs: 60_000 })]
  await stable(world, a, b)
  await world.clock.advance(5_999)
  t.equal(await a.heartbeat(), 'NONE')
  await world.clock.advance(5_999)
  t.equal(await a.commit(1), 'NONE', 'a commit is as good as a heartbeat')
  await world.clock.advance(5_999)
  t.equal(await b.heartbeat(), 'NONE')
  await world.clock.advance(1)
  t.same([await a.heartbeat(), await b.heartbeat()], ['UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'])
})

t.test('a member whose request waits is not missed, but has to be heard again afterwards', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { sessionMs: 60_000 }), new Client(world, 'b', { sessionMs: 6_000 })]
  await stable(world, a, b)
  const rejoining = b.join('another')
  await world.clock.advance(20_000)
  await a.join()
  t.match(await rejoining, { errorCode: 0, generationId: 2 })
  const waiting = b.sync()
  await world.clock.advance(20_000)
  await a.sync({ [b.memberId]: 'part' })
  t.match(await waiting, { assignment: Buffer.from('part') })
  await world.clock.advance(5_999)
  t.equal(await a.heartbeat(), 'NONE')
  await world.clock.advance(1)
  t.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS')
  t.equal(await b.heartbeat(), 'UNKNOWN_MEMBER_ID')
})

t.test('neither while its session runs out before it syncs', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { sessionMs: 60_000 }), new Client(world, 'b', { sessionMs: 6_000 })]
  await stable(world, a, b)
  const rejoining = b.join('another')
  await world.clock.advance(20_000)
  await a.join()
  await rejoining
  await world.clock.advance(6_000)
  t.equal(await b.heartbeat(), 'UNKNOWN_MEMBER_ID')
})

t.test('a new member whose first JoinGroup waits too long is taken for gone, and told to begin again', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { sessionMs: 1_800_000, rebalanceMs: 1_000_000 }), new Client(world, 'b', { version: 3 })]
  await stable(world, a)
  const entering = b.join()
  await world.clock.advance(299_999)
  t.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS')
  await world.clock.advance(1)
  t.match(await entering, { errorCode: 25, memberId: '' })
})

t.test('heartbeats are refused where they do not fit the group', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  await stable(world, a)
  const beat = async (overrides: object, version = 4): Promise<string> => nameOf((await world.call(heartbeat, version, {
    groupId: 'group', generationId: 1, memberId: a.memberId, ...overrides
  })).errorCode)
  for (let version = 0; version <= 4; version++) t.equal(await beat({}, version), 'NONE')
  t.equal(await beat({ groupId: '' }), 'INVALID_GROUP_ID')
  t.equal(await beat({ groupId: 'other' }), 'UNKNOWN_MEMBER_ID')
  t.equal(await beat({ memberId: 'other' }), 'UNKNOWN_MEMBER_ID')
  t.equal(await beat({ generationId: 0 }), 'ILLEGAL_GENERATION')
  t.equal(await beat({ generationId: 2 }), 'ILLEGAL_GENERATION')
  t.equal(await beat({ groupInstanceId: 'pod' }), 'UNKNOWN_MEMBER_ID')
})

t.test('LeaveGroup takes a member out at once, whatever its version', async t => {
  for (let version = 0; version <= 5; version++) {
    const world = new World()
    const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
    await stable(world, a, b)
    const leave = async () => await world.call(leaveGroup, version, version < 3
      ? { groupId: 'group', memberId: b.memberId }
      : { groupId: 'group', members: [{ memberId: b.memberId, groupInstanceId: null }] })
    t.match(await leave(), version < 3 ? { errorCode: 0 } : { errorCode: 0, members: [{ memberId: b.memberId, errorCode: 0 }] })
    t.same([await a.heartbeat(), await b.heartbeat()], ['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID'])
    await a.join()
    await world.clock.advance(9_000)
    t.equal(await a.heartbeat(), 'NONE')
    await world.clock.advance(9_000)
    t.equal(await a.heartbeat(), 'NONE', 'its session ended when it left, not when it would have run out')
    t.match(await leave(), version < 3 ? { errorCode: 25 } : { errorCode: 0, members: [{ errorCode: 25 }] })
  }
})

t.test('LeaveGroup for a group that is not there', async t => {
  const world = new World()
  const leave = async (groupId: string, version: number) => await world.call(leaveGroup, version, version < 3
    ? { groupId, memberId: 'm' }
    : { groupId, members: [{ memberId: 'm', groupInstanceId: null }, { memberId: 'n', groupInstanceId: null }] })
  t.match(await leave('other', 2), { errorCode: 25 })
  t.match(await leave('other', 3), { errorCode: 0, members: [{ memberId: 'm', errorCode: 25 }, { memberId: 'n', errorCode: 25 }] })
  t.match(await leave('', 5), { errorCode: 24, members: { length: 0 } })
})

t.test('a member that leaves while its requests wait has them answered', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await stable(world, a, b)
  const rejoining = a.join()
  await settle()
  t.equal(await a.leave(), 'NONE')
  t.match(await rejoining, { errorCode: 25, memberId: '' })
  await b.join()
  const c = new Client(world, 'c')
  const entering = c.enter()
  await settle()
  await b.join()
  await entering
  const waiting = c.sync()
  await settle()
  await c.leave()
  t.equal(nameOf((await waiting).errorCode), 'UNKNOWN_MEMBER_ID')
})

t.test('several members can leave at once, in one rebalance', async t => {
  const world = new World()
  const [a, b, c] = [new Client(world, 'a'), new Client(world, 'b'), new Client(world, 'c')]
  await stable(world, a, b, c)
  await world.call(leaveGroup, 3, { groupId: 'group', members: [b, c].map(({ memberId }) => ({ memberId, groupInstanceId: null })) })
  t.match(await a.join(), { generationId: 2, members: { length: 1 } })
})

t.test('an id that was only reserved can leave too', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  a.memberId = (await a.join()).memberId
  t.equal(await a.leave(), 'NONE')
  t.equal(nameOf((await a.join()).errorCode), 'UNKNOWN_MEMBER_ID')
})

t.test('when the last member leaves, those with reserved ids are not waited for', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await stable(world, a)
  b.memberId = (await b.join()).memberId
  await a.leave()
  await world.clock.advance(0)
  const entering = b.join()
  await world.clock.advance(500)
  t.match(await entering, { errorCode: 0, generationId: 3 })
})
