/**
 * Who the server takes you for, and tickets: a proof for places where no header can be set, good once and for a moment.
 */
import type { FastifyInstance } from 'fastify'
import { formatPrincipal } from '../protocol/rpc.ts'
import { nobody } from './authentication.ts'
import type { Contract } from './contract.ts'
import type { HttpDoor } from './door.ts'
import { Problem } from './problem.ts'

export function identity (app: FastifyInstance, { authentication }: HttpDoor, contract: Contract): void {
  app.route({
    ...contract.route('whoAmI'),
    handler: async (request, reply) => {
      const { principal, method, expiresAtMs } = request.identity ?? nobody
      reply.header('cache-control', 'no-store')
      return { principal: formatPrincipal(principal), method, expires: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString() }
    }
  })

  app.route({
    ...contract.route('issueTicket'),
    handler: async (request, reply) => {
      if (authentication === null) throw new Problem('conflict', 'Nothing asks for credentials here: go without a ticket.')
      const { ticket, expiresAtMs } = authentication.issue(request.identity ?? nobody)
      reply.code(201).header('cache-control', 'no-store')
      return { ticket, expires: new Date(expiresAtMs).toISOString() }
    }
  })
}
