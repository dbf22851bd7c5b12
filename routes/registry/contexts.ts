/**
 * Contexts: registries within the registry, each with subjects and ids of its own.
 */
import type { FastifyInstance } from 'fastify'
import type { Contract } from '../contract.ts'
import type { Ask } from './ask.ts'
import { paged, type Paging } from './shapes.ts'

export function contexts (app: FastifyInstance, contract: Contract, ask: Ask): void {
  app.route<{ Querystring: { contextPrefix: string } & Paging }>({
    ...contract.route('listContexts'),
    handler: async request => {
      const { contextPrefix } = request.query
      const names = ask(request, (registry, context) => registry.contexts(context))
      return paged(names.filter(name => name.startsWith(contextPrefix)), request.query)
    }
  })

  app.route<{ Params: { context: string } }>({
    ...contract.route('deleteContext'),
    handler: async (request, reply) => {
      const { context: name } = request.params
      await ask(request, (registry, context) => registry.deleteContext(context, name.startsWith('.') ? name : `.${name}`))
      reply.code(204)
    }
  })
}
