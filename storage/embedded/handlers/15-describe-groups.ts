/**
 * DescribeGroups, v0 to v6.
 * What members said when they joined is shown while the group is stable. A group that does not exist is Dead, from v6
 * with GROUP_ID_NOT_FOUND and a message (KIP-1043).
 *
 * Authorised operations (v3) are for a policy to fill in: the engine knows no permissions.
 */
import { errors } from '../../../protocol/errors.ts'
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.ts'
import type { ResponseInput } from '../../../protocol/schema.ts'
import { NO_BYTES } from '../groups/answers.ts'
import type { ClassicGroup } from '../groups/classic.ts'
import { handler } from '../handler.ts'

type Description = ResponseInput<typeof DescribeGroups>['groups'][number]

export const describeGroups = handler(DescribeGroups, [0, 6], async ({ groups }, { version }, state) => ({
  groups: await Promise.all(groups.map(async groupId => {
    if (!state.groups.isRunning) return { ...nothing, groupId, errorCode: errors.COORDINATOR_NOT_AVAILABLE }
    const group = await state.groups.describe(groupId)
    if (group !== null) return describe(group)
    if (version < 6) return { ...nothing, groupId, groupState: 'Dead' }
    return { ...nothing, groupId, groupState: 'Dead', errorCode: errors.GROUP_ID_NOT_FOUND, errorMessage: `Group ${groupId} not found.` }
  }))
}))

const nothing = { errorCode: errors.NONE, groupState: '', protocolType: '', protocolData: '', members: [] }

function describe ({ groupId, state, protocolType, protocol, members }: ClassicGroup): Description {
  const isStable = state === 'Stable'
  return {
    errorCode: errors.NONE,
    groupId,
    groupState: state,
    protocolType: protocolType ?? '',
    protocolData: isStable ? protocol ?? '' : '',
    members: Array.from(members.values(), member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: isStable ? member.metadataFor(protocol) : NO_BYTES,
      memberAssignment: member.assignment
    }))
  }
}
