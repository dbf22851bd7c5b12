/**
 * Groups: who may find, join, see and delete them.
 */
import { errors } from '../../protocol/errors.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { Heartbeat } from '../../protocol/messages/12-heartbeat.ts'
import { LeaveGroup } from '../../protocol/messages/13-leave-group.ts'
import { SyncGroup } from '../../protocol/messages/14-sync-group.ts'
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { ListGroups } from '../../protocol/messages/16-list-groups.ts'
import { DeleteGroups } from '../../protocol/messages/42-delete-groups.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Response } from '../../protocol/schema.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { each, partly, rule, whole, type Elements, type Rule } from './authorize-elements.ts'
import { permissions } from './permissions.ts'

/** Kafka's CoordinatorType. */
const GROUP = 0
const TRANSACTION = 1
const SHARE = 2

/** From here on a request names several keys (KIP-699). */
const KEYS_SINCE = 4

function checkKey (keyType: number, key: string, context: Context, gate: Gate): Refusal | null {
  const needs = permissions.FindCoordinator
  switch (keyType) {
    case GROUP: return gate.check(context, needs.group, key)
    case TRANSACTION: return gate.check(context, needs.transactionalId, key)
    case SHARE: return gate.checkCluster(context, needs.share)
    default: return null // there are no others: the engine says so
  }
}

const nowhere = { nodeId: -1, host: '', port: -1 }

const coordinators: Elements<typeof FindCoordinator, string, Response<typeof FindCoordinator>['coordinators'][number]> = {
  api: FindCoordinator,
  of: ({ coordinatorKeys }) => coordinatorKeys,
  check: (key, context, gate, { keyType }) => checkKey(keyType, key, context, gate),
  only: (request, coordinatorKeys) => ({ ...request, coordinatorKeys }),
  answers: ({ coordinators }) => coordinators,
  answered: (response, coordinators) => ({ ...response, coordinators }),
  refuse: (key, { errorCode, message }) => ({ key, ...nowhere, errorCode, errorMessage: message })
}

const coordinator: Elements<typeof FindCoordinator, string, object> = {
  api: FindCoordinator,
  of: ({ key }) => [key],
  check: coordinators.check,
  only: request => request,
  answers: () => [],
  answered: (response, [refused]) => ({ ...response, ...refused }),
  refuse: (_key, { errorCode, message }) => ({ ...nowhere, errorCode, errorMessage: message })
}

const findCoordinator = rule(FindCoordinator, (request, context, next, gate) =>
  context.version < KEYS_SINCE ? partly(coordinator, request, context, next, gate) : partly(coordinators, request, context, next, gate))

/** Until then an answer without a protocol had an empty name for it. */
const NO_PROTOCOL_SINCE = 7

const joinGroup = whole(JoinGroup,
  ({ groupId }, context, gate) => gate.check(context, permissions.JoinGroup.group, groupId),
  ({ errorCode }, _request, version) => ({ errorCode, protocolName: version < NO_PROTOCOL_SINCE ? '' : null, leader: '', memberId: '', members: [] }))

const heartbeat = whole(Heartbeat,
  ({ groupId }, context, gate) => gate.check(context, permissions.Heartbeat.group, groupId),
  ({ errorCode }) => ({ errorCode }))

const leaveGroup = whole(LeaveGroup,
  ({ groupId }, context, gate) => gate.check(context, permissions.LeaveGroup.group, groupId),
  ({ errorCode }) => ({ errorCode }))

const syncGroup = whole(SyncGroup,
  ({ groupId }, context, gate) => gate.check(context, permissions.SyncGroup.group, groupId),
  ({ errorCode }) => ({ errorCode, assignment: Buffer.alloc(0) }))

/** Until then a description had no place for a message (KIP-1043). */
const MESSAGE_SINCE = 6

const descriptions: Elements<typeof DescribeGroups, string, Response<typeof DescribeGroups>['groups'][number]> = {
  api: DescribeGroups,
  of: ({ groups }) => groups,
  check: (groupId, context, gate) => gate.check(context, permissions.DescribeGroups.group, groupId),
  only: (request, groups) => ({ ...request, groups }),
  answers: ({ groups }) => groups,
  answered: (response, groups) => ({ ...response, groups }),
  refuse: (groupId, { errorCode, message }, version) => ({
    errorCode, errorMessage: version < MESSAGE_SINCE ? null : message, groupId, groupState: '', protocolType: '', protocolData: '', members: []
  })
}

const describeGroups = rule(DescribeGroups, async (request, context, next, gate) => {
  const response = await partly(descriptions, request, context, next, gate)
  if (!request.includeAuthorizedOperations) return response
  return {
    ...response,
    groups: response.groups.map(group => group.errorCode !== errors.NONE
      ? group
      : { ...group, authorizedOperations: gate.operationBits(context, 'GROUP', group.groupId) })
  }
})

const listGroups = rule(ListGroups, async (request, context, next, gate) => {
  const response = await next(ListGroups, request, context)
  const groups = response.groups.filter(({ groupId }) => gate.may(context, permissions.ListGroups.group, groupId))
  return groups.length === response.groups.length ? response : { ...response, groups }
})

const deleteGroups = each({
  api: DeleteGroups,
  of: ({ groupsNames }) => groupsNames,
  check: (groupId, context, gate) => gate.check(context, permissions.DeleteGroups.group, groupId),
  only: (request, groupsNames) => ({ ...request, groupsNames }),
  answers: ({ results }) => results,
  answered: (response, results: Response<typeof DeleteGroups>['results']) => ({ ...response, results }),
  refuse: (groupId, { errorCode }) => ({ groupId, errorCode })
})

export const groupRules: readonly Rule[] = [
  findCoordinator, joinGroup, heartbeat, leaveGroup, syncGroup, describeGroups, listGroups, deleteGroups
]
