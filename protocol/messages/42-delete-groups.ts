import { api, array, groupId, int16, int32 } from '../schema.ts'

/**
 * Delete groups that have no members. v2 flexible.
 */
export const DeleteGroups = api(42, 'DeleteGroups', { versions: [0, 2], flexible: 2 }, {
  groupsNames: array(groupId)
}, {
  throttleTimeMs: int32.default(0),
  results: array({ groupId, errorCode: int16 })
})
