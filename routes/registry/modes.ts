/**
 * Modes: whether a subject, a context or the whole registry may be written to, and whether those who write say ids themselves.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Contract } from '../contract.ts'
import type { Ask } from './ask.ts'

interface Of { Params: { subject?: string } }

const subjectOf = (request: FastifyRequest<Of>): string | null => request.params.subject ?? null

export function modes (app: FastifyInstance, contract: Contract, ask: Ask): void {
  for (const [read, write, remove] of [
    ['getRegistryMode', 'putRegistryMode', 'deleteRegistryMode'],
    ['getSubjectMode', 'putSubjectMode', 'deleteSubjectMode']
  ] as const) {
    app.route<Of & { Querystring: { defaultToGlobal: boolean } }>({
      ...contract.route(read),
      handler: async request => ({
        mode: ask(request, (registry, context) => registry.mode(context, subjectOf(request), request.query.defaultToGlobal))
      })
    })

    app.route<Of & { Body: { mode?: string | null }, Querystring: { force: boolean } }>({
      ...contract.route(write),
      handler: async request => ({
        mode: await ask(request, (registry, context) =>
          registry.setMode(context, subjectOf(request), request.body.mode ?? '', request.query.force))
      })
    })

    app.route<Of & { Querystring: { recursive: boolean } }>({
      ...contract.route(remove),
      handler: async request => ({
        mode: await ask(request, (registry, context) =>
          registry.deleteMode(context, subjectOf(request), { recursive: request.query.recursive }))
      })
    })
  }
}
