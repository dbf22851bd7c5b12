/**
 * JoinGroup, v0 to v9.
 * Answered when the rebalance is complete. Below v4 a dynamic member is admitted at once; from v4 it is given a member id
 * first and has to come back with it (KIP-394). A v9 leader may be told that there is nothing to assign (KIP-814).
 *
 * A peer that leaves while it waits stays a member until its session or the rebalance times out, as in Kafka. The reason
 * (v8) is not kept.
 */
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { handler } from '../handler.ts'

export const joinGroup = handler(JoinGroup, [0, 9], async (request, { version, clientId, address }, state) => {
  const answer = await state.groups.join({
    // v0 has no rebalance timeout of its own.
    request: version === 0 ? { ...request, rebalanceTimeoutMs: request.sessionTimeoutMs } : request,
    clientId,
    clientHost: `/${address}`,
    requiresMemberId: version >= 4,
    maySkipAssignment: version >= 9
  })
  // A refusal names no protocol; only from v7 can that be said.
  return version < 7 ? { ...answer, protocolName: answer.protocolName ?? '' } : answer
})
