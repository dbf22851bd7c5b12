/**
 * ListGroups, v0 to v5.
 * Filters by state (KIP-518) and by type (KIP-848), without regard to case; an empty filter lets everything pass. Every
 * group here is a classic one.
 */
import { errors } from '../../../protocol/errors.ts'
import { ListGroups } from '../../../protocol/messages/16-list-groups.ts'
import { handler } from '../handler.ts'

const TYPE = 'classic'

export const listGroups = handler(ListGroups, [0, 5], async ({ statesFilter, typesFilter }, _context, state) => {
  if (!state.groups.isRunning) return { errorCode: errors.COORDINATOR_NOT_AVAILABLE, groups: [] }
  const groups = passes(typesFilter, TYPE) ? await state.groups.list() : []
  return {
    errorCode: errors.NONE,
    groups: groups.filter(group => passes(statesFilter, group.state)).map(({ groupId, protocolType, state: groupState }) => ({
      groupId, protocolType: protocolType ?? '', groupState, groupType: TYPE
    }))
  }
})

function passes (filter: readonly string[], value: string): boolean {
  return filter.length === 0 || filter.some(wanted => wanted.trim().toLowerCase() === value.toLowerCase())
}
