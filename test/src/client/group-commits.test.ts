/**
 * What a commit says when the group has gone on without the member that had read.
 */
import { complete } from '../../../protocol/defaults.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { newest } from '../../../protocol/rpc.ts'
import { committed, context, eventually, houseTest, read, type House } from '../../support/group-house.ts'

const lost = { name: 'ConsumerError', fault: 'illegal-state', message: /The group g has gone on without this consumer instance/ }

const memberIds = async ({ engine }: House): Promise<string[]> =>
  [...(await engine.groups!.describe('g'))!.members.values()].map(({ memberId }) => memberId)

/** Puts the only member out, without a word to it. */
async function putOut (house: House): Promise<string> {
  const [memberId = ''] = await memberIds(house)
  await house.dispatch(LeaveGroup, complete(LeaveGroup.request, { groupId: 'g', members: [{ memberId }] }), { ...context, version: newest(LeaveGroup) })
  return memberId
}

houseTest('a commit that finds out that the member is lost is refused, and one after the next poll is not', async (t, house) => {
  await house.write('t', 0, '1', '2')
  const a = house.consumer({}, { heartbeatMs: 60_000 })
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 1, 5000, 1), ['1'])
  await putOut(house)
  await t.rejects(a.commit(context), lost)
  t.equal(await committed(house.dispatch, 't'), undefined)
  await t.rejects(a.commit(context), lost, 'however often')
  await t.rejects(a.commit(context, [{ topic: 't', partition: 0, offset: 1, metadata: '' }]), lost)
  t.same(await read(a, 2), ['1', '2'])
  await a.commit(context)
  t.equal(await committed(house.dispatch, 't'), 2)
})

houseTest('so is one after the member has joined anew by itself', async (t, house) => {
  await house.write('t', 0, '1')
  const a = house.consumer()
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 1), ['1'])
  const before = await putOut(house)
  await eventually(async () => (await memberIds(house)).some(id => id !== before), 'a new member')
  await t.rejects(a.commit(context), lost)
})

houseTest('where all was committed, nothing is lost', async (t, house) => {
  await house.write('t', 0, '1')
  const a = house.consumer({}, { heartbeatMs: 60_000 })
  await a.subscribe(context, { topics: ['t'] })
  t.same(await read(a, 1), ['1'])
  await a.commit(context)
  await putOut(house)
  await a.commit(context)
  t.equal(await committed(house.dispatch, 't'), 1)
})
