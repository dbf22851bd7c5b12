/**
 * The policy over an embedded engine, asked by somebody with some rules.
 */
import type { Test } from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { internalPrincipal, neverAborted, newest, type Context, type Dispatch, type Principal } from '../../../protocol/rpc.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import type { Api, Request, RequestInput, Response } from '../../../protocol/schema.ts'
import { AclTable } from '../../../src/access/acls.ts'
import { AclAuthorizer, openAuthorizer, type RequestAuthorizer } from '../../../src/access/authorizer.ts'
import type { AclBinding, Operation, PatternType, ResourceType } from '../../../src/access/model.ts'
import { authorize, type Denial } from '../../../src/policies/authorize.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { clusterAnswer } from './cluster-answers.ts'

/** A request as the engine got it. */
export interface Seen { readonly api: Api, readonly request: Request<Api>, readonly context: Context }

export interface House {
  /** For `User:alice` with these rules, a super user (`'root'`), or everyone while nothing is enforced (`'open'`). */
  ask<A extends Api> (who: readonly string[] | 'root' | 'open' | Principal, api: A, request: RequestInput<A>, version?: number): Promise<Response<A>>
  /** What the engine was asked by the last call, other than by the server itself. */
  seen: Seen[]
  /** What the server asked on its own account during the last call. */
  own: Seen[]
  /** What was denied by the last call: `WRITE TOPIC orders`. */
  denied: string[]
  denials: Denial[]
  /** Without the policy. */
  readonly engine: Dispatch
  /** Of the topics, by name. */
  ids: ReadonlyMap<string, string>
}

export const alice: Principal = { type: 'User', name: 'alice' }

export const contextOf = (principal: Principal, version: number): Context =>
  ({ principal, door: 'kafka', clientId: 'test', address: '10.0.0.1', version, signal: neverAborted, throttleMs: 0 })

/** `READ TOPIC orders`, `DENY READ TOPIC *`, `WRITE TOPIC team- PREFIXED`. */
export function binding (text: string): AclBinding {
  const [operation, resourceType, resourceName, patternType = 'LITERAL'] = text.replace('DENY ', '').split(' ')
  return {
    resourceType: resourceType as ResourceType,
    resourceName: resourceName!,
    patternType: patternType as PatternType,
    principal: 'User:alice',
    host: '*',
    operation: operation as Operation,
    permission: text.startsWith('DENY ') ? 'DENY' : 'ALLOW'
  }
}

/** `isOne`: the policy remembers what it has learnt from one call to the next. */
export async function openHouse (t: Test, topics: readonly string[] = ['orders', 'secret', '_barnabas'], isOne = false): Promise<House> {
  const { engine } = await openEngine(t, t.testdir())
  const answering: Dispatch = async (api, request, context) => {
    const seen = { api, request, context }
    if (context.principal === internalPrincipal) house.own.push(seen)
    else house.seen.push(seen)
    // What the engine has no handler for is answered by other policies, or by the engine in front of a cluster.
    return engine.supports.has(api.key)
      ? await engine.dispatch(api, request, context)
      : complete(api.response, clusterAnswer(api, request, house.ids) as never) as Response<typeof api>
  }
  await engine.dispatch(CreateTopics, complete(CreateTopics.request, {
    topics: topics.map(name => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }))
  }), contextOf(internalPrincipal, newest(CreateTopics)))
  let authorizer: RequestAuthorizer = openAuthorizer
  const policy = authorize(() => authorizer, denial => {
    house.denials.push(denial)
    house.denied.push(`${denial.operation} ${denial.resourceType} ${denial.resourceName}`)
  })
  let dispatch = policy(answering)
  const house: House = {
    seen: [],
    own: [],
    denied: [],
    denials: [],
    engine: engine.dispatch,
    ids: new Map(),
    async ask (who, api, request, version = newest(api)) {
      Object.assign(house, { seen: [], own: [], denied: [], denials: [] })
      const acls = new AclTable()
      if (Array.isArray(who)) for (const text of who as readonly string[]) acls.add(binding(text))
      authorizer = who === 'open' ? openAuthorizer : new AclAuthorizer(acls, { superUsers: new Set(['User:root']), allowWithoutAcl: false })
      if (!isOne) dispatch = policy(answering)
      const principal = who === 'root' ? { type: 'User', name: 'root' } : typeof who === 'object' && 'name' in who ? who : alice
      return await dispatch(api, complete(api.request, request) as Request<typeof api>, contextOf(principal, version))
    }
  }
  const all = complete(Metadata.request, { topics: null })
  const { topics: there } = await engine.dispatch(Metadata, all, contextOf(internalPrincipal, newest(Metadata)))
  house.ids = new Map(there.map(({ name, topicId }) => [name!, topicId]))
  return house
}
