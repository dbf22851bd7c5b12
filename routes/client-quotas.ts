/**
 * Quotas of users, client ids and addresses: listed, and set as a whole.
 */
import type { FastifyInstance } from 'fastify'
import type { QuotaEntity, QuotaValues } from '../src/access/model.ts'
import { listQuotas, setQuota } from '../src/client/access.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'

export function clientQuotas (app: FastifyInstance, { dispatch }: HttpDoor, contract: Contract): void {
  app.route({
    ...contract.route('listQuotas'),
    handler: async request => await listQuotas(dispatch, contextOf(request))
  })

  app.route<{ Body: { readonly entity: QuotaEntity, readonly quotas: QuotaValues } }>({
    ...contract.route('setQuota'),
    handler: async (request, reply) => {
      const { entity, quotas } = request.body
      await setQuota(dispatch, contextOf(request), entity, quotas)
      reply.code(204)
    }
  })
}
