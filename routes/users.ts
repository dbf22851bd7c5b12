/**
 * Users whom the log keeps: listed, made, given another password, deleted. Bodies hold passwords, and are written nowhere.
 */
import type { FastifyInstance } from 'fastify'
import type { ScramMechanism } from '../src/access/model.ts'
import { deleteUser, listUsers, putUser } from '../src/client/access.ts'
import type { Contract } from './contract.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { requireOnCluster } from './v3-acls.ts'

interface ByUser { Params: { user: string } }
interface NewUser { readonly password: string, readonly mechanisms?: readonly ScramMechanism[], readonly iterations?: number }

export function users (app: FastifyInstance, door: HttpDoor, contract: Contract): void {
  const { dispatch } = door

  app.route({
    ...contract.route('listUsers'),
    handler: async request => await listUsers(dispatch, contextOf(request))
  })

  app.route<ByUser & { Body: NewUser }>({
    ...contract.route('putUser'),
    handler: async (request, reply) => {
      const { params: { user }, body: { password, mechanisms, iterations } } = request
      const context = contextOf(request)
      // Salting a password is work: not for those whose request will be refused after it.
      requireOnCluster(door, context, 'ALTER')
      await putUser(dispatch, context, user, password, mechanisms, iterations)
      reply.code(204)
    }
  })

  app.route<ByUser>({
    ...contract.route('deleteUser'),
    handler: async (request, reply) => {
      await deleteUser(dispatch, contextOf(request), request.params.user)
      reply.code(204)
    }
  })
}
