/**
 * LeaveGroup, v0 to v5.
 * Until v2 one member, from v3 several, by instance id too (KIP-345), with a result each. The reason (v5) is not kept.
 */
import { errors } from '../../../protocol/errors.ts'
import { LeaveGroup } from '../../../protocol/messages/13-leave-group.ts'
import { handler } from '../handler.ts'

export const leaveGroup = handler(LeaveGroup, [0, 5], async ({ groupId, memberId, members }, { version }, state) => {
  const leaving = version < 3 ? [{ memberId, groupInstanceId: null }] : members
  const results = await state.groups.leave(groupId, leaving)
  if (typeof results === 'string') return { errorCode: errors[results] }
  if (version < 3) return { errorCode: errors[results[0]!] }
  return {
    errorCode: errors.NONE,
    members: leaving.map(({ memberId, groupInstanceId }, i) => ({ memberId, groupInstanceId, errorCode: errors[results[i]!] }))
  }
})
