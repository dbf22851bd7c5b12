/**
 * ACLs as Confluent's REST Proxy v3 has them, and what follows from them.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Context } from '../protocol/rpc.ts'
import { CLUSTER_NAME, type AclBinding, type Operation, type ResourceType } from '../src/access/model.ts'
import { createAcls, deleteAcls, listAcls, type AclFilter } from '../src/client/access.ts'
import { forbidden } from '../src/client/failures.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { ConfluentError } from './problem.ts'
import { queryOf, Resources, type AclV3 } from './v3-resources.ts'
import { checkCluster } from './v3-topics.ts'

type FilterV3 = { readonly [K in keyof AclV3]?: AclV3[K] | 'ANY' | (K extends 'pattern_type' ? 'MATCH' : never) }

interface ByCluster { Params: { cluster_id: string } }
interface Question {
  readonly principal: string
  readonly host: string
  readonly operation: Operation
  readonly resource_type: ResourceType
  readonly resource_name?: string
}

export function v3Acls (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const { dispatch, log } = door
  const resourcesFor = (request: FastifyRequest<ByCluster>): Resources => {
    checkCluster(door, request.params.cluster_id)
    return new Resources(request, log.clusterId)
  }

  app.route<ByCluster & { Querystring: FilterV3 }>({
    ...contract.route('listAclsV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const found = await listAcls(dispatch, contextOf(request), filterOf(request.query))
      return resources.list('KafkaAclList', '/acls', found.map(binding => resources.acl(aclOf(binding))))
    }
  })

  app.route<ByCluster & { Body: AclV3 }>({
    ...contract.route('createAclV3'),
    handler: async (request, reply) => {
      const resources = resourcesFor(request)
      await create(contextOf(request), [request.body])
      reply.code(201).header('location', resources.url(`/acls?${queryOf(request.body)}`))
    }
  })

  app.route<ByCluster & { Body: { readonly data: readonly AclV3[] } }>({
    ...contract.route('createAclsV3'),
    handler: async (request, reply) => {
      resourcesFor(request)
      await create(contextOf(request), request.body.data)
      reply.code(201)
    }
  })

  app.route<ByCluster & { Querystring: FilterV3 }>({
    ...contract.route('deleteAclsV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      const gone = await deleteAcls(dispatch, contextOf(request), filterOf(request.query))
      return { data: gone.map(binding => resources.acl(aclOf(binding))) }
    }
  })

  app.route<ByCluster & { Querystring: Question }>({
    ...contract.route('explainAclsV3'),
    handler: async request => {
      const resources = resourcesFor(request)
      requireOnCluster(door, contextOf(request), 'DESCRIBE')
      const { principal, host, operation, resource_type: type, resource_name: named = type === 'CLUSTER' ? CLUSTER_NAME : undefined } = request.query
      if (named === undefined) throw new ConfluentError(400, `query/resource_name: which ${type} is meant?`)
      const colon = principal.indexOf(':')
      const who = { type: principal.slice(0, colon), name: principal.slice(colon + 1) }
      const { allowed, reason, binding } = door.access.decide(who, host, operation, type, named)
      const acl = binding === null ? null : resources.acl(aclOf(binding))
      return { principal, host, operation, resource_type: type, resource_name: named, allowed, reason, acl }
    }
  })

  /** Throws the first error, with where it was. */
  async function create (context: Context, acls: readonly AclV3[]): Promise<void> {
    const outcomes = await createAcls(dispatch, context, acls.map(bindingOf))
    const failed = outcomes.findIndex(outcome => outcome !== null)
    if (failed === -1) return
    const error = outcomes[failed]!
    if (acls.length > 1 && error.missing === null) error.message = `data/${failed}: ${error.message}`
    throw error
  }
}

/** For what is no request of its own. Throws KafkaError. */
export function requireOnCluster ({ access }: HttpDoor, { principal, address }: Context, operation: Operation): void {
  if (access.decide(principal, address, operation, 'CLUSTER', CLUSTER_NAME).allowed) return
  throw forbidden('CLUSTER_AUTHORIZATION_FAILED', { operation, resourceType: 'CLUSTER', resourceName: CLUSTER_NAME })
}

function bindingOf ({ resource_type: resourceType, resource_name: resourceName, pattern_type: patternType, ...rest }: AclV3): AclBinding {
  const { principal, host, operation, permission } = rest
  return { resourceType, resourceName, patternType, principal, host, operation, permission }
}

const aclOf = ({ resourceType, resourceName, patternType, principal, host, operation, permission }: AclBinding): AclV3 =>
  ({ resource_type: resourceType, resource_name: resourceName, pattern_type: patternType, principal, host, operation, permission })

function filterOf ({ resource_type: resourceType, resource_name: resourceName, pattern_type: patternType, ...rest }: FilterV3): AclFilter {
  const { principal, host, operation, permission } = rest
  return { resourceType, resourceName, patternType, principal, host, operation, permission }
}
