/**
 * The HTTP API of Confluent's Schema Registry, over the registry in src/schemas: its paths, its words, its error codes.
 *
 * Not here, and answered 404: exporters, associations, and the registry of encryption keys.
 */
import type { FastifyInstance } from 'fastify'
import { CLUSTER_NAME } from '../src/access/model.ts'
import type { Contract } from './contract.ts'
import type { HttpDoor } from './door.ts'
import { asking } from './registry/ask.ts'
import { compatibility } from './registry/compatibility.ts'
import { config } from './registry/config.ts'
import { contexts } from './registry/contexts.ts'
import { negotiateRegistryType } from './registry/media.ts'
import { modes } from './registry/modes.ts'
import { schemas } from './registry/schemas.ts'
import { subjects } from './registry/subjects.ts'
import { versions } from './registry/versions.ts'

/** The registry is no cluster of its own: it has the name that Confluent's has unless it is given one. */
const REGISTRY_NAME = 'schema-registry'

/** For a scope of its own, which reads bodies as `readRegistryBodies` does. */
export function registry (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const ask = asking(door)
  app.addHook('onRequest', (request, reply, done) => {
    negotiateRegistryType(request, reply)
    done()
  })
  // Clients in Python write True. A name may be spelled so, too.
  app.addHook('preValidation', (request, _reply, done) => {
    const query = request.query as Record<string, unknown>
    const { properties = {} } = (request.routeOptions.schema?.querystring ?? {}) as { properties?: Record<string, { type?: unknown }> }
    for (const [name, value] of Object.entries(query)) {
      if ((value === 'True' || value === 'False') && properties[name]?.type === 'boolean') query[name] = value.toLowerCase()
    }
    done()
  })

  for (const routes of [subjects, versions, schemas, compatibility, config, modes, contexts]) routes(app, contract, ask)

  app.route({
    ...contract.route('postRoot'),
    handler: async () => ({})
  })

  app.route({
    ...contract.route('getRegistryId'),
    handler: async () => {
      const clusters = { [CLUSTER_NAME]: door.log.clusterId, 'schema-registry-cluster': REGISTRY_NAME }
      return { id: '', scope: { path: [], clusters } }
    }
  })

  app.route({
    ...contract.route('getRegistryVersion'),
    handler: async () => ({ version: (contract.document['info'] as { version: string }).version, commitId: '' })
  })
}
