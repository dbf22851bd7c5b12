/**
 * One version of a subject.
 */
import type { FastifyInstance } from 'fastify'
import { differenceOf } from '../../src/schemas/diff.ts'
import type { SchemaVersion } from '../../src/schemas/model.ts'
import type { Contract } from '../contract.ts'
import type { Ask } from './ask.ts'
import { sendText } from './media.ts'
import { paged, requireReferences, textOf, versionBody, versionOf, type Paging, type ShownAs } from './shapes.ts'
import { changedContent, type TagsBody } from './tags.ts'

interface ByVersion { Params: { subject: string, version: string } }

export function versions (app: FastifyInstance, contract: Contract, ask: Ask): void {
  app.route<ByVersion & { Querystring: { deleted: boolean } & ShownAs }>({
    ...contract.route('getVersion'),
    handler: async request => ask(request, (registry, context) => {
      const { params: { subject, version }, query } = request
      return versionBody(registry, context, registry.get(context, subject, versionOf(version), query), query)
    })
  })

  app.route<ByVersion & { Querystring: { deleted: boolean, format: string } }>({
    ...contract.route('getVersionSchema'),
    handler: async (request, reply) => ask(request, (registry, context) => {
      const { params: { subject, version }, query } = request
      const schema = registry.get(context, subject, versionOf(version), query)
      return sendText(reply, textOf(registry, context, schema, query.format), schema.schemaType !== 'PROTOBUF')
    })
  })

  app.route<ByVersion & { Params: { other: string } }>({
    ...contract.route('compareVersions'),
    handler: async request => ask(request, (registry, context) => {
      const { subject, version, other } = request.params
      // The latest is the newest that is not deleted; a version that is named is shown to the end.
      const [from, to] = [version, other].map(versionOf).map(one => registry.get(context, subject, one, { deleted: one !== 'latest' })) as
        [SchemaVersion, SchemaVersion]
      for (const schema of [from, to]) requireReferences(registry, context, schema)
      const { changes, compatibility } = differenceOf(registry.parsed(from), registry.parsed(to))
      return { subject: from.subject, from: from.version, to: to.version, changes, compatibility }
    })
  })

  app.route<ByVersion & { Querystring: { deleted: boolean } & Paging }>({
    ...contract.route('listReferrers'),
    handler: async request => paged(ask(request, (registry, context) => {
      const { params: { subject, version }, query: { deleted } } = request
      return registry.referencedBy(context, subject, versionOf(version), { deleted })
    }), request.query)
  })

  app.route<ByVersion & { Body: TagsBody }>({
    ...contract.route('tagVersion'),
    handler: async request => {
      const { params: { subject, version }, body } = request
      const tagged = await ask(request, (registry, context) =>
        registry.register(context, subject, changedContent(registry.get(context, subject, versionOf(version)), body)))
      return ask(request, (registry, context) => versionBody(registry, context, tagged))
    }
  })

  app.route<ByVersion & { Querystring: { permanent: boolean } }>({
    ...contract.route('deleteVersion'),
    handler: async request => await ask(request, (registry, context) => {
      const { params: { subject, version }, query: { permanent } } = request
      return registry.deleteVersion(context, subject, versionOf(version), permanent)
    })
  })
}
