/**
 * SyncGroup, v0 to v5.
 * Answered when the leader's assignment is durable. From v5 a member says which protocol it believes to be in use, and may
 * not leave it out (KIP-559).
 */
import { SyncGroup } from '../../../protocol/messages/14-sync-group.ts'
import { syncRefused } from '../groups/answers.ts'
import { handler } from '../handler.ts'

export const syncGroup = handler(SyncGroup, [0, 5], async (request, { version }, state) => {
  if (version >= 5 && (request.protocolType === null || request.protocolName === null)) return syncRefused('INCONSISTENT_GROUP_PROTOCOL')
  return await state.groups.sync(request)
})
