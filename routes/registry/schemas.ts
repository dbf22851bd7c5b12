/**
 * Schemas by what identifies them: the id that records bring along, and the GUID that is the same everywhere.
 */
import type { FastifyInstance } from 'fastify'
import type { Context } from '../../protocol/rpc.ts'
import type { RuleSet, SchemaVersion } from '../../src/schemas/model.ts'
import type { Contract } from '../contract.ts'
import type { DoorRegistry } from '../guards.ts'
import type { Ask } from './ask.ts'
import { sendText } from './media.ts'
import { paged, schemaBody, textOf, versionBody, type Paging, type ShownAs } from './shapes.ts'

interface ById { Params: { id: number } }
interface ByGuid { Params: { guid: string } }
interface Within {
  /** Says the context in which the id is one; empty for the default one. */
  subject: string
}

export function schemas (app: FastifyInstance, contract: Contract, ask: Ask): void {
  app.route<{ Querystring: { subjectPrefix: string, deleted: boolean, latestOnly: boolean, ruleType: string } & Paging }>({
    ...contract.route('listSchemas'),
    handler: async request => ask(request, (registry, context) => {
      const { subjectPrefix: prefix, deleted, latestOnly, ruleType } = request.query
      const all = registry.all(context, { prefix, deleted, latestOnly })
      const chosen = ruleType === '' ? all : all.filter(({ ruleSet }) => hasRule(ruleSet, ruleType))
      return paged(chosen, request.query).map(schema => versionBody(registry, context, schema))
    })
  })

  app.route({
    ...contract.route('listSchemaTypes'),
    handler: async request => ask(request, registry => registry.types())
  })

  app.route<ById & { Querystring: Within & ShownAs & { fetchMaxId: boolean } }>({
    ...contract.route('getSchema'),
    handler: (request, reply) => {
      ask(request, (registry, context) => {
        const { params: { id }, query } = request
        const schema = registry.schemaById(context, id, query)
        if (query.fetchMaxId) return reply.send({ ...schemaBody(registry, context, schema, query), maxId: registry.maxId(context, query) })
        const isPlain = query.format === '' && query.referenceFormat === ''
        return reply.send(isPlain ? plainText(registry, context, schema) : schemaBody(registry, context, schema, query))
      })
    }
  })

  app.route<ById & { Querystring: Within & { format: string } }>({
    ...contract.route('getSchemaText'),
    handler: async (request, reply) => ask(request, (registry, context) => {
      const { params: { id }, query } = request
      const schema = registry.schemaById(context, id, query)
      return sendText(reply, textOf(registry, context, schema, query.format), schema.schemaType !== 'PROTOBUF')
    })
  })

  app.route<ById & { Querystring: Within & Paging & { deleted: boolean } }>({
    ...contract.route('listSubjectsOfSchema'),
    handler: async request => paged(ask(request, (registry, context) =>
      registry.subjectsOf(context, request.params.id, request.query)), request.query)
  })

  app.route<ById & { Querystring: Within & Paging & { deleted: boolean } }>({
    ...contract.route('listVersionsOfSchema'),
    handler: async request => paged(ask(request, (registry, context) =>
      registry.versionsOf(context, request.params.id, request.query)), request.query)
  })

  app.route<ByGuid & { Querystring: ShownAs }>({
    ...contract.route('getSchemaByGuid'),
    handler: async request => ask(request, (registry, context) =>
      schemaBody(registry, context, registry.schemaByGuid(context, request.params.guid), request.query))
  })

  app.route<ByGuid>({
    ...contract.route('listIdsOfSchema'),
    handler: async request => ask(request, (registry, context) => registry.idsOf(context, request.params.guid))
  })
}

/** The answers to the question that is asked most, as they are sent. Schemas do not change. */
const plainTexts = new WeakMap<SchemaVersion, string>()

function plainText (registry: DoorRegistry, context: Context, schema: SchemaVersion): string {
  let text = plainTexts.get(schema)
  if (text === undefined) plainTexts.set(schema, text = JSON.stringify(schemaBody(registry, context, schema)))
  return text
}

const hasRule = (ruleSet: RuleSet | null, ruleType: string): boolean =>
  [ruleSet?.domainRules, ruleSet?.migrationRules, ruleSet?.encodingRules].flatMap(rules => rules ?? []).some(({ type }) => type === ruleType)
