/**
 * How the registry treats new schemas: of a subject, of a context (`:.team:`), of all. What is read is called `compatibilityLevel`,
 * and what is written `compatibility`, as in Confluent's registry.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { readConfig, type ConfigEntity } from '../../src/schemas/config-entity.ts'
import type { Contract } from '../contract.ts'
import type { Ask } from './ask.ts'

interface Of { Params: { subject?: string } }
interface Inherited { Querystring: { defaultToGlobal: boolean } }

const subjectOf = (request: FastifyRequest<Of>): string | null => request.params.subject ?? null

export function config (app: FastifyInstance, contract: Contract, ask: Ask): void {
  for (const [read, write, remove] of [
    ['getRegistryConfig', 'putRegistryConfig', 'deleteRegistryConfig'],
    ['getSubjectConfig', 'putSubjectConfig', 'deleteSubjectConfig']
  ] as const) {
    app.route<Of & Inherited>({
      ...contract.route(read),
      handler: async request => ask(request, (registry, context) =>
        registry.config(context, subjectOf(request), request.query.defaultToGlobal))
    })

    app.route<Of & { Body: object }>({
      ...contract.route(write),
      handler: async request => written(await ask(request, (registry, context) =>
        registry.setConfig(context, subjectOf(request), readConfig(request.body))))
    })

    app.route<Of>({
      ...contract.route(remove),
      handler: async request => await ask(request, (registry, context) => registry.deleteConfig(context, subjectOf(request)))
    })
  }
}

const written = ({ compatibilityLevel: compatibility, ...rest }: ConfigEntity): object =>
  ({ ...compatibility === undefined ? {} : { compatibility }, ...rest })
