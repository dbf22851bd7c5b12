/**
 * What operators ask: FindCoordinator, DescribeGroups, ListGroups, DeleteGroups.
 */
import t from 'tap'
import { offsetCommit } from '../../../../storage/embedded/handlers/08-offset-commit.ts'
import { offsetFetch } from '../../../../storage/embedded/handlers/09-offset-fetch.ts'
import { findCoordinator } from '../../../../storage/embedded/handlers/10-find-coordinator.ts'
import { describeGroups } from '../../../../storage/embedded/handlers/15-describe-groups.ts'
import { listGroups } from '../../../../storage/embedded/handlers/16-list-groups.ts'
import { deleteGroups } from '../../../../storage/embedded/handlers/42-delete-groups.ts'
import { Client, stable, subscription } from './client.ts'
import { nameOf, settle, World } from './world.ts'

const commit = async (world: World, groupId: string, partitionIndex = 0) => await world.call(offsetCommit, 9, {
  groupId, memberId: '', topics: [{ name: 'orders', partitions: [{ partitionIndex, committedOffset: 3, committedMetadata: null }] }]
})

t.test('this node coordinates every group, at an address that the door knows', async t => {
  const world = new World()
  const here = { nodeId: 3, host: '', port: 0, errorCode: 0 }
  for (let version = 0; version <= 3; version++) t.match(await world.call(findCoordinator, version, { key: 'group' }), here)
  for (let version = 4; version <= 6; version++) {
    const { coordinators } = await world.call(findCoordinator, version, { coordinatorKeys: ['one', 'two'] })
    t.match(coordinators, [{ key: 'one', ...here }, { key: 'two', ...here }])
  }
})

t.test('there are no coordinators of transactions or share groups, and the answer says so', async t => {
  const world = new World()
  const refusal = { nodeId: -1, host: '', port: -1, errorCode: 42 }
  for (const [keyType, message] of [[1, /Transactions are not supported/], [2, /Share groups are not supported/], [9, /key type 9/]] as const) {
    t.match(await world.call(findCoordinator, 1, { keyType, key: 'k' }), { ...refusal, errorMessage: message })
    const { coordinators } = await world.call(findCoordinator, 6, { keyType, coordinatorKeys: ['k'] })
    t.match(coordinators, [{ key: 'k', ...refusal, errorMessage: message }])
  }
})

t.test('a stable group is described with what its members said and were assigned', async t => {
  const world = new World()
  const [a, b] = [new Client(world, 'a'), new Client(world, 'b', { instance: 'pod-b' })]
  await stable(world, a, b)
  const { groups } = await world.call(describeGroups, 6, { groups: ['group'] })
  t.match(groups, [{
    errorCode: 0,
    errorMessage: null,
    groupId: 'group',
    groupState: 'Stable',
    protocolType: 'consumer',
    protocolData: 'range',
    members: [
      {
        memberId: a.memberId,
        groupInstanceId: null,
        clientId: 'a',
        clientHost: '/10.0.0.7',
        memberMetadata: subscription('a'),
        memberAssignment: Buffer.from('a')
      },
      { memberId: b.memberId, groupInstanceId: 'pod-b', clientId: 'b', memberAssignment: Buffer.from('b') }
    ],
    authorizedOperations: -2147483648
  }])
  for (let version = 0; version < 6; version++) {
    const { groups } = await world.call(describeGroups, version, { groups: ['group'] })
    t.match(groups, [{ groupState: 'Stable', members: [{ clientId: 'a' }, { clientId: 'b' }] }], `v${version}`)
  }
})

t.test('while it rebalances, without what they said', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  await stable(world, a)
  const entering = new Client(world, 'b', { version: 3 }).join()
  await settle()
  t.match(await world.call(describeGroups, 6, { groups: ['group'] }), {
    groups: [{ groupState: 'PreparingRebalance', protocolData: '', members: [{ memberMetadata: Buffer.alloc(0) }, { memberMetadata: Buffer.alloc(0) }] }]
  })
  await a.join()
  await entering
})

t.test('a group that does not exist is dead, and from v6 on an error too (KIP-1043)', async t => {
  const world = new World()
  const { groups } = await world.call(describeGroups, 6, { groups: ['none'] })
  t.match(groups, [{ errorCode: 69, errorMessage: 'Group none not found.', groupState: 'Dead', members: { length: 0 } }])
  t.match(await world.call(describeGroups, 5, { groups: ['none'] }), { groups: [{ errorCode: 0, groupState: 'Dead' }] })
})

t.test('groups are listed by state and by type, whatever the case', async t => {
  const world = new World()
  await stable(world, new Client(world, 'a', { groupId: 'busy' }))
  await commit(world, 'simple')
  const list = async (version: number, statesFilter: string[] = [], typesFilter: string[] = []): Promise<string[]> => {
    const request = { ...(version >= 4 && { statesFilter }), ...(version >= 5 && { typesFilter }) }
    const { groups } = await world.call(listGroups, version, request)
    return groups.map(({ groupId, protocolType, groupState, groupType }) => [groupId, protocolType, groupState, groupType].join(' ').trim()).sort()
  }
  t.same(await list(5), ['busy consumer Stable classic', 'simple  Empty classic'])
  t.same(await list(4), ['busy consumer Stable', 'simple  Empty'])
  t.same(await list(0), ['busy consumer', 'simple'])
  t.same(await list(4, ['stable']), ['busy consumer Stable'])
  t.same(await list(4, ['EMPTY', 'nonsense']), ['simple  Empty'])
  t.same(await list(5, [' Stable '], ['Classic']), ['busy consumer Stable classic'])
  t.same(await list(5, [], ['consumer']), [])
  t.same(await list(5, ['Dead']), [])
})

t.test('only a group without members is deleted', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  await stable(world, a)
  await commit(world, 'simple')
  const remove = async (...groupsNames: string[]): Promise<string[]> =>
    (await world.call(deleteGroups, 2, { groupsNames })).results.map(({ errorCode }) => nameOf(errorCode))
  t.same(await remove('group', 'simple', 'none'), ['NON_EMPTY_GROUP', 'NONE', 'GROUP_ID_NOT_FOUND'])
  await a.commit(5)
  await a.leave()
  for (let version = 0; version < 3; version++) await world.call(deleteGroups, version, { groupsNames: [] })
  t.same(await remove('group'), ['NONE'])
  t.equal(await a.committed(), -1)
  t.equal(world.groups.size, 0)
  t.equal(world.restart().groups.size, 0, 'and it does not come back')
})

t.test('with what was on its way to be committed', async t => {
  const world = new World()
  await commit(world, 'group')
  world.log.isHeld = true
  const late = commit(world, 'group', 1)
  await settle()
  const deletion = world.call(deleteGroups, 2, { groupsNames: ['group'] })
  await settle()
  t.match(await commit(world, 'group'), { topics: [{ partitions: [{ errorCode: 15 }] }] }, 'nothing is committed to a group that is being deleted')
  await world.log.release()
  await world.log.release()
  t.match(await late, { topics: [{ partitions: [{ errorCode: 0 }] }] })
  t.match(await deletion, { results: [{ errorCode: 0 }] })
  t.equal(world.restart().groups.size, 0)
})

t.test('a group whose deletion the log refuses is still there', async t => {
  const world = new World()
  await commit(world, 'group')
  world.log.isHeld = true
  const deletion = world.call(deleteGroups, 2, { groupsNames: ['group'] })
  await settle()
  await world.log.fail()
  t.match(await deletion, { results: [{ errorCode: 15 }] })
  const { groups } = await world.call(offsetFetch, 9, { groups: [{ groupId: 'group', topics: null }] })
  t.match(groups, [{ topics: [{ partitions: [{ committedOffset: 3 }] }] }])
  world.log.isHeld = false
  t.match(await commit(world, 'group'), { topics: [{ partitions: [{ errorCode: 0 }] }] })
})

t.test('a member whose reserved id was deleted with its group begins again', async t => {
  const world = new World()
  const a = new Client(world, 'a')
  a.memberId = (await a.join()).memberId
  t.match(await world.call(deleteGroups, 2, { groupsNames: ['group'] }), { results: [{ errorCode: 0 }] })
  t.equal(nameOf((await a.join()).errorCode), 'UNKNOWN_MEMBER_ID')
})
