/**
 * DeleteGroups, v0 to v2.
 * Deletes groups without members, and what they have committed; answered when that is durable.
 */
import { errors } from '../../../protocol/errors.ts'
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.ts'
import { handler } from '../handler.ts'

export const deleteGroups = handler(DeleteGroups, [0, 2], async ({ groupsNames }, _context, state) => ({
  results: await Promise.all(groupsNames.map(async groupId => ({ groupId, errorCode: errors[await state.groups.delete(groupId)] })))
}))
