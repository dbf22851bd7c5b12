/**
 * Heartbeat, v0 to v4.
 * Keeps a member in its group, and tells it when to join again.
 */
import { errors } from '../../../protocol/errors.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { handler } from '../handler.ts'

export const heartbeat = handler(Heartbeat, [0, 4], async (request, _context, state) =>
  ({ errorCode: errors[await state.groups.heartbeat(request)] }))
