/**
 * JoinGroup: who is let in, under which id, and how long the first rebalance waits.
 */
import t from 'tap'
import { joinGroup } from '../../../../storage/embedded/handlers/11-join-group.ts'
import { describeGroups } from '../../../../storage/embedded/handlers/15-describe-groups.ts'
import { Client, stable, subscription } from './client.ts'
import { nameOf, settle, World } from './world.ts'

const isAnswered = async (promise: Promise<unknown>): Promise<boolean> => {
  await settle()
  const waiting = Symbol('waiting')
  return await Promise.race([promise, Promise.resolve(waiting)]) !== waiting
}

t.test('a dynamic member without an id is given one from v4 on, and is let in once it comes back with it (KIP-394)', async t => {
  for (const version of [4, 5, 6, 7, 8, 9]) {
    const world = new World()
    const client = new Client(world, 'app', { version })
    const first = await client.join()
    t.equal(nameOf(first.errorCode), 'MEMBER_ID_REQUIRED', `v${version}`)
    t.match(first.memberId, /^app-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
    client.memberId = first.memberId
    const second = client.join()
    await world.clock.advance(500)
    t.match(await second, { errorCode: 0, generationId: 1, memberId: first.memberId, leader: first.memberId })
  }
})

t.test('below v4 a dynamic member is let in at once, whatever the version', async t => {
  for (const version of [0, 1, 2, 3]) {
    const world = new World()
    const answer = new Client(world, 'old', { version }).join()
    await world.clock.advance(500)
    t.match(await answer, { errorCode: 0, generationId: 1, protocolName: 'range', memberId: /^old-/ }, `v${version}`)
  }
})

t.test('a static member skips the detour, and its id begins with its instance id', async t => {
  const world = new World()
  const answer = new Client(world, 'app', { instance: 'pod-1' }).join()
  await world.clock.advance(500)
  t.match(await answer, { errorCode: 0, memberId: /^pod-1-/ })
})

t.test('an id that nobody came back with is forgotten after the session timeout', async t => {
  const world = new World()
  const client = new Client(world, 'app', { sessionMs: 7_000 })
  client.memberId = (await client.join()).memberId
  await world.clock.advance(7_000)
  t.equal(nameOf((await client.join()).errorCode), 'UNKNOWN_MEMBER_ID')
})

t.test('of the ids that nobody comes back with only as many are kept as the group may have members, the newest', async t => {
  const world = new World({ config: { maxSize: 3 } })
  const clients = Array.from({ length: 4 }, (_, i) => new Client(world, `c${i}`, { version: 9 }))
  for (const client of clients) client.memberId = (await client.join()).memberId
  t.equal(nameOf((await clients[0]!.join()).errorCode), 'UNKNOWN_MEMBER_ID')
  const last = clients[3]!.join()
  await world.clock.advance(500)
  t.equal((await last).errorCode, 0)
})

t.test('requests that cannot be met are refused with Kafka\'s errors', async t => {
  const world = new World()
  const refused = async (overrides: object, version = 9): Promise<string> => nameOf((await world.call(joinGroup, version, {
    groupId: 'group',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription('x') }],
    ...overrides
  })).errorCode)
  t.equal(await refused({ groupId: '' }), 'INVALID_GROUP_ID')
  t.equal(await refused({ groupId: 'g'.repeat(0x8000) }), 'INVALID_GROUP_ID', 'a group id that no record can hold')
  t.equal(await refused({ sessionTimeoutMs: 5_999 }), 'INVALID_SESSION_TIMEOUT')
  t.equal(await refused({ sessionTimeoutMs: 1_800_001 }), 'INVALID_SESSION_TIMEOUT')
  t.equal(await refused({ memberId: 'made-up' }), 'UNKNOWN_MEMBER_ID')
  t.equal(await refused({ protocols: [] }), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await refused({ protocolType: '' }), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await refused({ protocolType: 'x'.repeat(0x8000) }), 'INVALID_REQUEST', 'a name that no record can hold')
  t.equal(await refused({ protocols: Array.from({ length: 101 }, (_, i) => ({ name: `p${i}`, metadata: Buffer.alloc(0) })) }), 'INVALID_REQUEST')
  const { groups } = await world.call(describeGroups, 6, { groups: ['group'] })
  t.equal(nameOf(groups[0]!.errorCode), 'GROUP_ID_NOT_FOUND', 'and no group came of it')
})

t.test('a refusal is one that every version can carry', async t => {
  const world = new World()
  for (let version = 0; version <= 9; version++) {
    const answer = await world.call(joinGroup, version, { groupId: '', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols: [] })
    t.match(answer, { generationId: -1, protocolName: version < 7 ? '' : null, leader: '', members: { length: 0 } }, `v${version}`)
  }
})

t.test('whoever offers none of the protocols that all members support, or another type, is refused', async t => {
  const world = new World()
  await stable(world, new Client(world, 'a', { protocols: ['range', 'roundrobin'] }), new Client(world, 'b', { protocols: ['roundrobin'] }))
  const refused = async (protocols: string[], protocolType = 'consumer'): Promise<string> =>
    nameOf((await new Client(world, 'c', { protocols, protocolType }).join()).errorCode)
  t.equal(await refused(['range']), 'INCONSISTENT_GROUP_PROTOCOL', 'only one member supports it')
  t.equal(await refused(['roundrobin'], 'connect'), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await refused([]), 'INCONSISTENT_GROUP_PROTOCOL')
  t.equal(await refused(['range', 'roundrobin']), 'MEMBER_ID_REQUIRED')
})

t.test('the first rebalance waits half a second, and once more for as long as members keep coming', async t => {
  const world = new World()
  const first = new Client(world, 'a', { version: 3 }).join()
  await world.clock.advance(300)
  const second = new Client(world, 'b', { version: 3 }).join()
  await world.clock.advance(200)
  t.notOk(await isAnswered(first), 'after 500 ms: somebody has joined')
  await world.clock.advance(499)
  t.notOk(await isAnswered(first))
  await world.clock.advance(1)
  t.match(await first, { generationId: 1, members: [{}, {}] }, 'after 1000 ms: nobody else has')
  t.match(await second, { generationId: 1, members: { length: 0 } })
})

t.test('it does not wait longer than the rebalance timeout, however many come', async t => {
  const world = new World()
  const answers: Promise<unknown>[] = []
  for (let i = 0; i < 5; i++) {
    answers.push(new Client(world, `c${i}`, { version: 3, rebalanceMs: 1_200 }).join())
    await world.clock.advance(i < 4 ? 280 : 79)
  }
  t.notOk(await isAnswered(answers[0]!), 'at 1199 ms')
  await world.clock.advance(1)
  t.match(await Promise.all(answers), answers.map(() => ({ generationId: 1 })), 'at 1200 ms')
})

t.test('only a group that was empty waits: a rebalance of a stable one ends as soon as everyone has rejoined', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  await stable(world, a)
  const entering = b.enter()
  await settle()
  t.notOk(await isAnswered(entering))
  await a.join()
  t.match(await entering, { errorCode: 0, generationId: 2 })
})

t.test('somebody who leaves during the first wait does not cut it short', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { version: 8 }), new Client(world, 'b')]
  const left = a.enter()
  await settle()
  const stays = b.enter()
  await settle()
  t.equal(await a.leave(), 'NONE')
  t.equal(nameOf((await left).errorCode), 'UNKNOWN_MEMBER_ID')
  t.notOk(await isAnswered(stays))
  await world.clock.advance(1_000)
  t.match(await stays, { errorCode: 0, generationId: 1, leader: b.memberId })
})

t.test('the leader is told what everyone said, the others nothing', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a', { protocols: ['roundrobin', 'range'] }), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  t.ok(a.isLeader, 'the first to come leads')
  t.same(a.last!.members, [
    { memberId: a.memberId, groupInstanceId: null, metadata: subscription('a') },
    { memberId: b.memberId, groupInstanceId: 'pod-b', metadata: subscription('b') }
  ])
  t.match(b.last, { leader: a.memberId, members: { length: 0 }, protocolName: 'range', protocolType: 'consumer' })
})

t.test('members vote for a protocol, among those that all of them support', async t => {
  const world = new World()
  const [a, b, c] = [['range', 'roundrobin', 'sticky'], ['roundrobin', 'range'], ['sticky', 'roundrobin', 'range']].map((protocols, i) =>
    new Client(world, `c${i}`, { protocols })) as [Client, Client, Client]
  await stable(world, a, b, c)
  t.equal(a.last!.protocolName, 'roundrobin', 'b and c prefer it: sticky is out, b does not know it')
})

t.test('a group takes as many members as it may, and no more', async t => {
  const world = new World({ config: { maxSize: 2 } })
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  t.equal(nameOf((await new Client(world, 'c').join()).errorCode), 'GROUP_MAX_SIZE_REACHED')
  t.equal(nameOf((await new Client(world, 'c', { version: 3 }).join()).errorCode), 'GROUP_MAX_SIZE_REACHED')
  t.equal(nameOf((await new Client(world, 'c', { instance: 'pod-c' }).join()).errorCode), 'GROUP_MAX_SIZE_REACHED')
  t.equal(await a.heartbeat(), 'NONE', 'which does not disturb the others')
  t.equal((await new Client(world, 'b', { instance: 'pod-b' }).join()).errorCode, 0, 'a static member has its place already')
})

t.test('in a group that is being filled, who has a place may ask again for it', async t => {
  const world = new World({ config: { maxSize: 2 } })
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b')]
  const first = a.enter()
  await settle()
  const entering = b.enter()
  await settle()
  const again = a.join()
  await first
  await world.clock.advance(1_000)
  t.match(await Promise.all([again, entering]), [{ errorCode: 0 }, { errorCode: 0 }])
})

t.test('while a full group rebalances, its members come before anyone else', async t => {
  const world = new World({ config: { maxSize: 2 } })
  const [a, b, c] = [new Client(world, 'a'), new Client(world, 'b'), new Client(world, 'c', { version: 3 })]
  await stable(world, a, b)
  const [rejoined] = [a.join(), b.join()]
  await settle()
  t.equal((await rejoined).errorCode, 0)
  t.equal(nameOf((await c.join()).errorCode), 'GROUP_MAX_SIZE_REACHED')
})

t.test('there are only so many groups', async t => {
  const world = new World({ config: { maxGroups: 1 } })
  await stable(world, new Client(world, 'a', { groupId: 'one' }))
  t.equal(nameOf((await new Client(world, 'b', { groupId: 'two' }).join()).errorCode), 'POLICY_VIOLATION')
  t.equal(await new Client(world, 'b', { groupId: 'two' }).commit(1), 'POLICY_VIOLATION')
  t.equal(nameOf((await new Client(world, 'b', { groupId: 'one' }).join()).errorCode), 'MEMBER_ID_REQUIRED')
})

t.test('what a group is for is its own business: Connect\'s workers rebalance by the same rules', async t => {
  const world = new World()
  const worker = new Client(world, 'worker', { protocolType: 'connect', protocols: ['sessioned', 'default'] })
  await stable(world, worker)
  t.match(worker.last, { protocolType: 'connect', protocolName: 'sessioned' })
  t.equal(await worker.heartbeat(), 'NONE')
})

t.test('metadata that is not what consumers send does not trouble the coordinator', async t => {
  const world = new World()
  const answer = world.call(joinGroup, 3, {
    groupId: 'group',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('nonsense') }]
  })
  await world.clock.advance(500)
  t.match(await answer, { errorCode: 0, members: [{ metadata: Buffer.from('nonsense') }] })
  await world.clock.advance(600_000)
})
