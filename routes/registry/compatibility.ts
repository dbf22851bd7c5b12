/**
 * Whether a schema could be registered, and why not.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Contract } from '../contract.ts'
import type { Ask } from './ask.ts'
import { contentOf, versionOf, type ContentBody } from './shapes.ts'

interface Question { Params: { subject: string }, Body: ContentBody, Querystring: { verbose: boolean } }

export function compatibility (app: FastifyInstance, contract: Contract, ask: Ask): void {
  const check = (request: FastifyRequest<Question>, version: number | 'latest' | 'all'): Promise<object> => ask(request, async (registry, context) => {
    const { params: { subject }, body, query: { verbose } } = request
    const { isCompatible, messages } = await registry.check(context, subject, version, contentOf(body, registry.types()))
    return { is_compatible: isCompatible, ...verbose ? { messages } : {} }
  })

  app.route<Question & { Params: { version: string } }>({
    ...contract.route('testCompatibility'),
    handler: async request => await check(request, versionOf(request.params.version))
  })

  app.route<Question>({
    ...contract.route('testCompatibilityWithAll'),
    handler: async request => await check(request, 'all')
  })
}
