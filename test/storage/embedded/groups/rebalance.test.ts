/**
 * Rebalances after the first: what starts them, who has to take part, and what becomes of those who do not.
 */
import t from 'tap'
import { KafkaError } from '../../../../protocol/errors.ts'
import { syncGroup } from '../../../../storage/embedded/handlers/14-sync-group.ts'
import { describeGroups } from '../../../../storage/embedded/handlers/15-describe-groups.ts'
import { Client, stable, subscription } from './client.ts'
import { nameOf, settle, World } from './world.ts'

const stateOf = async (world: World): Promise<string> => (await world.call(describeGroups, 6, { groups: ['group'] })).groups[0]!.groupState

/** Members of a group that has joined, and in which nobody has sent SyncGroup. */
async function joined (world: World, ...clients: Client[]): Promise<void> {
  const entering = clients.map(async client => await client.enter())
  await world.clock.advance(1_500)
  await Promise.all(entering)
}

t.test('followers get their assignment when the leader has handed it in', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await joined(world, a, b)
  const waiting = b.sync()
  await settle()
  t.equal(await stateOf(world), 'CompletingRebalance')
  const own = a.sync({ [a.memberId]: 'part a', [b.memberId]: 'part b' })
  t.match(await own, { errorCode: 0, assignment: Buffer.from('part a'), protocolType: 'consumer', protocolName: 'range' })
  t.match(await waiting, { errorCode: 0, assignment: Buffer.from('part b') })
  t.equal(await stateOf(world), 'Stable')
  t.match(await b.sync(), { errorCode: 0, assignment: Buffer.from('part b') }, 'and again, if it asks again')
})

t.test('a member that the leader left out gets an empty assignment', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await joined(world, a, b)
  await a.sync({ [a.memberId]: 'all', stranger: 'nothing' })
  t.match(await b.sync(), { errorCode: 0, assignment: Buffer.alloc(0) })
})

t.test('the assignment is answered once it is durable', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  await joined(world, a)
  world.log.isHeld = true
  let isAnswered = false
  const answer = a.sync({ [a.memberId]: 'part' }).then(result => { isAnswered = true; return result })
  await settle()
  t.notOk(isAnswered)
  t.equal(await stateOf(world), 'CompletingRebalance')
  await world.log.release()
  t.match(await answer, { errorCode: 0, assignment: Buffer.from('part') })
})

t.test('if the log refuses it, everyone who waits is told to come again, and the group rebalances', async t => {
  for (const [reason, told] of [['KAFKA_STORAGE_ERROR', 'COORDINATOR_NOT_AVAILABLE'], ['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR']] as const) {
    const world = new World()
    const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
    await joined(world, a, b)
    world.log.isHeld = true
    const answers = [b.sync(), a.sync({ [a.memberId]: 'part' })]
    await settle()
    await world.log.fail(new KafkaError(reason))
    t.same((await Promise.all(answers)).map(({ errorCode }) => nameOf(errorCode)), [told, told])
    t.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS')
  }
})

t.test('a rebalance that begins while the assignment is written makes it void', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b', { version: 3 })]
  await joined(world, a)
  world.log.isHeld = true
  const void1 = a.sync({ [a.memberId]: 'part' })
  await settle()
  const entering = b.join()
  t.equal(nameOf((await void1).errorCode), 'REBALANCE_IN_PROGRESS')
  await world.log.release()
  t.equal(await stateOf(world), 'PreparingRebalance')
  t.match(await a.join(), { errorCode: 0, generationId: 2 })
  t.match(await entering, { errorCode: 0, generationId: 2 })
})

t.test('SyncGroup is refused where it does not fit the group', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  await stable(world, a)
  const sync = async (overrides: object, version = 5): Promise<string> => nameOf((await world.call(syncGroup, version, {
    groupId: 'group',
    generationId: 1,
    memberId: a.memberId,
    ...(version >= 5 && { protocolType: 'consumer', protocolName: 'range' }),
    assignments: [],
    ...overrides
  })).errorCode)
  t.equal(await sync({}), 'NONE')
  t.equal(await sync({ groupId: '' }), 'INVALID_GROUP_ID')
  t.equal(await sync({ groupId: 'other' }), 'UNKNOWN_MEMBER_ID')
  t.equal(await sync({ memberId: 'other' }), 'UNKNOWN_MEMBER_ID')
  t.equal(await sync({ generationId: 0 }), 'ILLEGAL_GENERATION')
  t.equal(await sync({ protocolType: 'connect' }), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await sync({ protocolName: 'roundrobin' }), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await sync({ protocolName: null }), 'INCONSISTENT_GROUP_PROTOCOL', 'v5 may not leave it out (KIP-559)')
  for (let version = 0; version < 5; version++) t.equal(await sync({}, version), 'NONE', `v${version} cannot say`)
})

t.test('a new member makes the others rejoin', async t => {
  const world = new World()
  const [a, b, c] = [new Client(world, 'a'), new Client(world, 'b'), new Client(world, 'c')]
  await stable(world, a, b)
  t.equal(await a.heartbeat(), 'NONE')
  const entering = c.enter()
  await settle()
  t.equal(await stateOf(world), 'PreparingRebalance')
  t.equal(await a.heartbeat(), 'REBALANCE_IN_PROGRESS')
  t.equal(nameOf((await b.sync()).errorCode), 'REBALANCE_IN_PROGRESS')
  const rejoined = await Promise.all([a.join(), b.join(), entering])
  t.same(rejoined.map(({ generationId }) => generationId), [2, 2, 2])
  t.equal(a.last!.members.length, 3, 'the leader stays')
  t.equal(await a.heartbeat(), 'NONE', 'a member of the new generation, which waits for its assignment')
})

t.test('a rebalance also waits for those who were given an id, but not longer than that id lasts', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b', { sessionMs: 6_000 })]
  await stable(world, a)
  await b.join()
  const rejoining = a.join()
  await world.clock.advance(5_999)
  t.equal(await stateOf(world), 'PreparingRebalance')
  await world.clock.advance(1)
  t.match(await rejoining, { errorCode: 0, generationId: 2 })
})

t.test('who does not rejoin within the longest rebalance timeout of the group is out', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { rebalanceMs: 7_000, sessionMs: 60_000 }), new Client(world, 'b', { rebalanceMs: 20_000, sessionMs: 60_000 })]
  await stable(world, a, b)
  const rejoining = a.join() // the leader
  await world.clock.advance(19_999)
  t.equal(await b.heartbeat(), 'REBALANCE_IN_PROGRESS')
  await world.clock.advance(1)
  t.match(await rejoining, { errorCode: 0, generationId: 2, members: { length: 1 } })
  t.equal(await b.heartbeat(), 'UNKNOWN_MEMBER_ID')
})

t.test('if it was the leader who did not, one who did takes over', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { rebalanceMs: 7_000 }), new Client(world, 'b', { rebalanceMs: 7_000 })]
  await stable(world, a, b)
  b.options = { ...b.options, protocols: ['range', 'roundrobin'] }
  const rejoining = b.join()
  await world.clock.advance(7_000)
  t.match(await rejoining, { leader: b.memberId, members: { length: 1 } })
})

t.test('a follower that rejoins with nothing new to say is told the generation it has', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await stable(world, a, b)
  t.match(await b.join(), { errorCode: 0, generationId: 1, leader: a.memberId, members: { length: 0 } })
  t.equal(await stateOf(world), 'Stable')
})

t.test('with something new to say, or as the leader, it makes the group rebalance', async t => {
  const protocols = ['range', 'roundrobin']
  const ways: Record<string, (leader: Client, follower: Client) => Promise<unknown>> = {
    'another subscription': async (_, follower) => await follower.join('another'),
    'another preference': async (_, follower) => {
      follower.options = { ...follower.options, protocols: protocols.toReversed() }
      return await follower.join()
    },
    'the leader': async leader => await leader.join()
  }
  for (const [way, rejoin] of Object.entries(ways)) {
    const world = new World()
    const [a, b] = [new Client(world, 'a', { protocols }), new Client(world, 'b', { protocols })]
    await stable(world, a, b)
    const waiting = rejoin(a, b)
    await settle()
    t.equal(await stateOf(world), 'PreparingRebalance', way)
    await world.clock.advance(60_000)
    await waiting
  }
})

t.test('the leader is told what is new', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await stable(world, a, b)
  const rejoining = b.join('another')
  await settle()
  await a.join()
  await rejoining
  t.same(a.last!.members.map(({ metadata }) => metadata), [subscription('a'), subscription('another')])
})

t.test('the leader stays the leader when others leave', async t => {
  const world = new World()
  const [a, b, c] = [new Client(world, 'a', { instance: 'pod-a' }), new Client(world, 'b'), new Client(world, 'c')]
  await stable(world, a, b, c)
  const again = new Client(world, 'a', { instance: 'pod-a' })
  await again.join()
  await b.leave()
  const rejoining = [c.join(), again.join()]
  for (const answer of await Promise.all(rejoining)) t.equal(answer.leader, again.memberId)
})

t.test('in v0, which has no rebalance timeout, the session timeout is the time to rejoin', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { version: 0, sessionMs: 7_000 }), new Client(world, 'b', { version: 0, sessionMs: 7_000 })]
  await stable(world, a, b)
  const rejoining = a.join()
  await world.clock.advance(5_000)
  t.equal(await b.heartbeat(), 'REBALANCE_IN_PROGRESS')
  await world.clock.advance(1_999)
  t.equal(await b.heartbeat(), 'REBALANCE_IN_PROGRESS')
  await world.clock.advance(1)
  t.match(await rejoining, { errorCode: 0, generationId: 2 })
  t.equal(await b.heartbeat(), 'UNKNOWN_MEMBER_ID')
})

t.test('a member that lost the answer to its JoinGroup is told the same again', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await joined(world, a, b)
  t.match(await a.join(), { errorCode: 0, generationId: 1, members: [{}, {}] }, 'the leader, with all members')
  t.match(await b.join(), { errorCode: 0, generationId: 1, members: { length: 0 } })
  t.equal(await stateOf(world), 'CompletingRebalance')
})

t.test('a JoinGroup that is sent again while the first waits takes its place, and the first is answered too', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await stable(world, a, b)
  const first = a.join()
  await settle()
  const second = a.join()
  t.equal(nameOf((await first).errorCode), 'REBALANCE_IN_PROGRESS')
  await Promise.all([b.join(), second])
  t.match(await second, { errorCode: 0, generationId: 2 })
})

t.test('whoever joins and then does not sync is out after the rebalance timeout (KAFKA-12984)', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { rebalanceMs: 7_000 }), new Client(world, 'b', { rebalanceMs: 7_000 })]
  await joined(world, a, b)
  const waiting = b.sync() // the leader never does
  await world.clock.advance(6_000)
  t.equal(await a.heartbeat(), 'NONE', 'though it sends heartbeats')
  await world.clock.advance(1_000)
  t.equal(nameOf((await waiting).errorCode), 'REBALANCE_IN_PROGRESS')
  t.equal(await a.heartbeat(), 'UNKNOWN_MEMBER_ID')
  t.match(await b.join(), { errorCode: 0, generationId: 2, leader: b.memberId })
})

t.test('also a follower, when the group is stable without it', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { rebalanceMs: 7_000 }), new Client(world, 'b', { rebalanceMs: 7_000 })]
  await joined(world, a, b)
  await a.sync({ [a.memberId]: 'part' })
  await world.clock.advance(6_000)
  t.same([await a.heartbeat(), await b.heartbeat()], ['NONE', 'NONE'])
  await world.clock.advance(1_000)
  t.same([await a.heartbeat(), await b.heartbeat()], ['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID'])
})

t.test('the time to sync begins anew with each generation', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { rebalanceMs: 7_000 }), new Client(world, 'b', { rebalanceMs: 7_000 })]
  await joined(world, a, b)
  await world.clock.advance(6_000)
  const rejoining = b.join('another')
  await settle()
  await a.join()
  await rejoining
  await world.clock.advance(6_000)
  t.same([await a.heartbeat(), await b.heartbeat()], ['NONE', 'NONE'])
})

t.test('SyncGroup that is sent again while the first waits takes its place', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await joined(world, a, b)
  const first = b.sync()
  await settle()
  const second = b.sync()
  t.equal(nameOf((await first).errorCode), 'REBALANCE_IN_PROGRESS')
  await a.sync({ [b.memberId]: 'part b' })
  t.match(await second, { errorCode: 0, assignment: Buffer.from('part b') })
})

t.test('an assignment that the log refuses late does not disturb the generation that has begun since', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b', { version: 3 })]
  await joined(world, a)
  world.log.isHeld = true
  const lost = a.sync({ [a.memberId]: 'part' })
  await settle()
  const entering = b.join()
  await lost
  await a.join()
  await entering
  const waiting = b.sync()
  await settle()
  await world.log.fail()
  t.equal(await stateOf(world), 'CompletingRebalance')
  world.log.isHeld = false
  await a.sync({ [b.memberId]: 'part b' })
  t.match(await waiting, { errorCode: 0, assignment: Buffer.from('part b') })
})

t.test('what was assigned before is void once a generation ends without an assignment', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  const assignment = async (): Promise<string> =>
    (await world.call(describeGroups, 6, { groups: ['group'] })).groups[0]!.members[0]!.memberAssignment.toString()
  await stable(world, a)
  await a.join()
  t.equal(await assignment(), 'a')
  await a.join('another')
  t.equal(await assignment(), '')
})

t.test('a group that everybody leaves is empty, and its next generation follows on', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await stable(world, a, b)
  await a.leave()
  await b.leave()
  t.equal(await stateOf(world), 'Empty')
  const c = new Client(world, 'c', { protocolType: 'connect', protocols: ['default'] })
  await stable(world, c)
  t.equal(c.generation, 3, 'one was for the rebalance that found nobody')
  t.equal(c.last!.protocolType, 'connect', 'and it may be for something else')
})
