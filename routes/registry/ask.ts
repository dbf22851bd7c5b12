/**
 * How a route asks the registry: in the name of whoever asks, on the account of their quota.
 */
import type { FastifyRequest } from 'fastify'
import type { Context } from '../../protocol/rpc.ts'
import { contextOf, type HttpDoor } from '../door.ts'
import type { DoorRegistry } from '../guards.ts'
import { Problem } from '../problem.ts'
import { worked } from '../quotas.ts'

/** Throws Problem where there is no registry, or not yet, and whatever `act` throws. */
export type Ask = <T>(request: FastifyRequest, act: (registry: DoorRegistry, context: Context) => T) => T

export function asking ({ registry, quotas }: HttpDoor): Ask {
  return (request, act) => {
    if (registry === null) throw new Problem('not-found', 'There is no schema registry here.')
    if (!registry.isOpen) {
      throw new Problem('not-available', 'The log is being opened, and with it what is known of schemas: ask again in a moment.')
    }
    const context = contextOf(request)
    return worked(quotas, context, () => act(registry, context))
  }
}
