/**
 * Subjects and their versions: listed, looked up, registered, deleted.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Contract } from '../contract.ts'
import type { Ask } from './ask.ts'
import { checkFormat, contentOf, newContentOf, paged, versionBody, type ContentBody, type Paging, type ShownAs } from './shapes.ts'

interface BySubject { Params: { subject: string } }
interface Deleted { deleted: boolean, deletedOnly: boolean }

/** Of clients that can read an answer to a registration that says more than the id; Confluent's newer ones in Java and Python send it. */
const LONG_ANSWER = 'confluent-accept-unknown-properties'

/**
 * The others in Java may be old, and refuse an answer with what they do not know. Those in other languages send no such header,
 * and cannot put the GUID into records unless they are told it.
 */
const readsAll = ({ headers }: FastifyRequest): boolean =>
  headers[LONG_ANSWER] === 'true' || headers['user-agent']?.startsWith('Java/') !== true

export function subjects (app: FastifyInstance, contract: Contract, ask: Ask): void {
  app.route<{ Querystring: Deleted & Paging & { subjectPrefix: string } }>({
    ...contract.route('listSubjects'),
    handler: async request => {
      const { subjectPrefix: prefix, deleted, deletedOnly } = request.query
      return paged(ask(request, (registry, context) => registry.subjects(context, { prefix, deleted, deletedOnly })), request.query)
    }
  })

  app.route<BySubject & { Body: ContentBody, Querystring: { normalize: boolean, deleted: boolean } & ShownAs }>({
    ...contract.route('lookUpSchema'),
    handler: async request => ask(request, (registry, context) => {
      const { params: { subject }, query, body } = request
      return versionBody(registry, context, registry.lookup(context, subject, contentOf(body, registry.types()), query), query)
    })
  })

  app.route<BySubject & { Querystring: { permanent: boolean } }>({
    ...contract.route('deleteSubject'),
    handler: async request => await ask(request, (registry, context) =>
      registry.deleteSubject(context, request.params.subject, request.query.permanent))
  })

  app.route<BySubject & { Querystring: { key?: string | string[], value?: string | string[], deleted: boolean } }>({
    ...contract.route('getSubjectMetadata'),
    handler: async request => ask(request, (registry, context) => {
      const { key = [], value = [], deleted } = request.query
      const values = [value].flat()
      const properties = Object.fromEntries([key].flat().map((key, i) => [key, values[i] ?? '']))
      return versionBody(registry, context, registry.latestWith(context, request.params.subject, properties, { deleted }))
    })
  })

  app.route<BySubject & { Querystring: Deleted & Paging & { deletedAsNegative: boolean } }>({
    ...contract.route('listVersions'),
    handler: async request => {
      const { params: { subject }, query: { deleted, deletedOnly, deletedAsNegative } } = request
      return paged(ask(request, (registry, context) => {
        const versions = registry.versions(context, subject, { deleted: deleted || deletedAsNegative, deletedOnly })
        if (!deletedAsNegative) return versions
        return versions.map(version => registry.get(context, subject, version, { deleted: true }).deleted ? -version : version)
      }), request.query)
    }
  })

  app.route<BySubject & { Body: ContentBody, Querystring: { normalize: boolean, force: boolean } & ShownAs }>({
    ...contract.route('registerSchema'),
    handler: async request => {
      const { params: { subject }, query } = request
      const schema = await ask(request, async (registry, context) => {
        const content = newContentOf(request.body, registry.types())
        // What it is asked to show is found out before it is registered, not after.
        checkFormat(registry, context, { ...content, subject }, query.format)
        return await registry.register(context, subject, content, { normalize: query.normalize, force: query.force })
      })
      return readsAll(request) ? ask(request, (registry, context) => versionBody(registry, context, schema, query)) : { id: schema.id }
    }
  })
}
