import { api, array, groupId, int16, int32, string } from '../schema.ts'

/**
 * Every group this broker coordinates. v3 flexible, v4 filter by state (KIP-518), v5 by type (KIP-848).
 */
export const ListGroups = api(16, 'ListGroups', { versions: [0, 5], flexible: 3 }, {
  statesFilter: array(string).since(4),
  typesFilter: array(string).since(5)
}, {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16,
  groups: array({
    groupId,
    protocolType: string,
    groupState: string.since(4).ignorable(),
    groupType: string.since(5).ignorable()
  })
})
