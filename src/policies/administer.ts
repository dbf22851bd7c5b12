/**
 * Answers the requests about ACLs, users, quotas and delegation tokens, which are no engine's business: from what is known of
 * access, and by changing it. Whoever gets here may ask; `authorize.ts` has seen to that.
 */
import { KafkaError } from '../../protocol/errors.ts'
import { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../protocol/messages/31-delete-acls.ts'
import { CreateDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts'
import { DescribeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import { internalPrincipal, type Context, type Door, type Policy, type Principal } from '../../protocol/rpc.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { DelegationTokens } from '../access/delegation-tokens.ts'
import type { AccessChange } from '../access/entries.ts'
import type { AccessStore } from '../access/store.ts'
import { createAcls, deleteAcls, describeAcls } from './administer-acls.ts'
import type { Plan } from './administer-plan.ts'
import { alterQuotas, describeQuotas } from './administer-quotas.ts'
import {
  createToken, describeTokens, expireToken, refuseCreation, refuseDescription, refuseEnd, renewToken, sweptTokens, tokensFor
} from './administer-tokens.ts'
import { alterUsers, describeUsers } from './administer-users.ts'

/** Who changed what: one for each change, without any secret. */
export interface AdminEvent {
  readonly principal: Principal
  readonly door: Door
  readonly address: string
  readonly action: 'acl-created' | 'acl-deleted' | 'credential-set' | 'credential-deleted' | 'quota-set' | 'quota-deleted' |
    'token-set' | 'token-deleted' | 'validation-set' | 'validation-deleted' |
    'validation-set' | 'validation-deleted'
  /** A rule; a user, mechanism and iterations; an entity and its quotas; a token's id, and for whom and until when it is good. */
  readonly subject: { readonly [name: string]: unknown }
}

export interface Administration {
  readonly store: AccessStore
  /** False where nothing is enforced: there are no rules then, as in a Kafka without an authorizer. */
  readonly securityEnabled: boolean
  /** Null where delegation tokens are not switched on. */
  readonly tokens?: DelegationTokens | null
  /** Called when the change is durable. */
  readonly onChange: (event: AdminEvent) => void
}

/** Answers one api. */
interface Answer<A extends Api = Api> {
  readonly api: A
  readonly answer: (request: Request<A>, administration: Administration, context: Context) => Response<A> | Promise<Response<A>>
  /** The answer when nothing of the request can be done. */
  readonly refuse: (request: Request<A>, error: KafkaError, context: Context) => Response<A>
}

const answerOf = <A extends Api>(api: A, answer: Answer<A>['answer'], refuse: Answer<A>['refuse']): Answer => ({ api, answer, refuse }) as unknown as Answer

const failureOf = ({ errorCode, message }: KafkaError): { errorCode: number, errorMessage: string } => ({ errorCode, errorMessage: message })

const withoutRules = (where = ''): KafkaError => new KafkaError('SECURITY_DISABLED', `No Authorizer is configured${where}.`)

const answers: readonly Answer[] = [
  answerOf(DescribeAcls,
    (filter, { store, securityEnabled }) => {
      if (!securityEnabled) throw withoutRules(' on the broker')
      return describeAcls(store.acls, filter)
    },
    (_filter, error) => ({ throttleTimeMs: 0, ...failureOf(error), resources: [] })),
  answerOf(CreateAcls,
    (request, administration, context) => {
      if (!administration.securityEnabled) throw withoutRules()
      return carryOut(administration, context, ({ acls }) => createAcls(acls, request))
    },
    ({ creations }, error) => ({ throttleTimeMs: 0, results: creations.map(() => failureOf(error)) })),
  answerOf(DeleteAcls,
    (request, administration, context) => {
      if (!administration.securityEnabled) throw withoutRules()
      return carryOut(administration, context, ({ acls }) => deleteAcls(acls, request))
    },
    ({ filters }, error) => ({ throttleTimeMs: 0, filterResults: filters.map(() => ({ ...failureOf(error), matchingAcls: [] })) })),
  answerOf(DescribeClientQuotas,
    (request, { store }) => describeQuotas(store.quotas, request),
    (_request, error) => ({ throttleTimeMs: 0, ...failureOf(error), entries: null })),
  answerOf(AlterClientQuotas,
    (request, administration, context) => carryOut(administration, context, ({ quotas }) => alterQuotas(entity => quotas.get(entity), request)),
    ({ entries }, error) => ({ throttleTimeMs: 0, entries: entries.map(({ entity }) => ({ ...failureOf(error), entity })) })),
  answerOf(DescribeUserScramCredentials,
    (request, { store }) => describeUsers(store.users(), request),
    (_request, error) => ({ throttleTimeMs: 0, ...failureOf(error), results: [] })),
  answerOf(AlterUserScramCredentials,
    (request, administration, context) =>
      carryOut(administration, context, store => alterUsers((user, mechanism) => store.credential(user, mechanism), request)),
    ({ deletions, upsertions }, error) => ({
      throttleTimeMs: 0,
      results: [...new Set([...deletions, ...upsertions].map(({ name }) => name))].map(user => ({ user, ...failureOf(error) }))
    })),
  answerOf(CreateDelegationToken,
    (request, administration, context) => {
      const tokens = tokensFor(context, administration.tokens, request.renewers)
      return carryOut(administration, context, store => createToken(store.tokens, tokens, request, context))
    },
    (request, { errorCode }, context) => refuseCreation(request, context, errorCode)),
  answerOf(RenewDelegationToken,
    (request, administration, context) => {
      const tokens = tokensFor(context, administration.tokens)
      return carryOut(administration, context, () => renewToken(tokens, request, context))
    },
    (_request, { errorCode }) => refuseEnd(errorCode)),
  answerOf(ExpireDelegationToken,
    (request, administration, context) => {
      const tokens = tokensFor(context, administration.tokens)
      return carryOut(administration, context, () => expireToken(tokens, request, context))
    },
    (_request, { errorCode }) => refuseEnd(errorCode)),
  answerOf(DescribeDelegationToken,
    (request, { store, tokens }, context) => describeTokens(store.tokens, tokensFor(context, tokens), request, context),
    (_request, { errorCode }) => refuseDescription(errorCode))
]

const byKey = new Map(answers.map(one => [one.api.key, one]))

/** What is answered here, by api key: to be advertised besides what the engine supports. */
export const administered: ReadonlyMap<number, readonly [min: number, max: number]> = new Map(answers.map(({ api }) => [api.key, api.versions]))

/** `admin` gives null while what is known of access is being read; `isPassedOn` whether all of this is the engine's. */
export function administer (admin: () => Administration | null, isPassedOn = false): Policy {
  if (isPassedOn) return next => next
  return next => <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
    const found = byKey.get(api.key)
    // Nearly everything goes by here: without a promise of our own.
    return found === undefined ? next(api, request, context) : answered(found, request, admin(), context) as Promise<Response<A>>
  }
}

async function answered ({ answer, refuse }: Answer, request: Request<Api>, administration: Administration | null, context: Context): Promise<Response<Api>> {
  try {
    if (administration === null) {
      throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'Users, rules and quotas are still being read; ask again in a moment.')
    }
    return await answer(request, administration, context)
  } catch (error) {
    if (error instanceof KafkaError) return refuse(request, error, context)
    throw error
  }
}

/** The last change of a store that is under way: a change is planned on what the one before it has left. */
const turns = new WeakMap<AccessStore, Promise<unknown>>()

async function carryOut<R> (
  { store, onChange }: Administration, context: Pick<Context, 'principal' | 'door' | 'address'>, plan: (store: AccessStore) => Plan<R>
): Promise<R> {
  const turn = (turns.get(store) ?? Promise.resolve()).then(async () => {
    const planned = plan(store)
    await store.apply(planned.changes)
    return planned
  })
  turns.set(store, turn.catch(() => {})) // the caller hears of it
  const { changes, response } = await turn
  const { principal, door, address } = context
  for (const change of changes) onChange({ principal, door, address, ...told(change) })
  return response
}

/** Takes the tokens out of the log that have run out. Rejects with KafkaError. */
export async function sweepTokens (administration: Administration, now: number): Promise<void> {
  if (sweptTokens(administration.store.tokens, now).length === 0) return
  await carryOut(administration, { principal: internalPrincipal, door: 'internal', address: '' },
    ({ tokens }) => ({ changes: sweptTokens(tokens, now), response: null }))
}

export function told (change: AccessChange): Pick<AdminEvent, 'action' | 'subject'> {
  switch (change.kind) {
    case 'acl':
      return { action: change.present ? 'acl-created' : 'acl-deleted', subject: { ...change.binding } }
    case 'user': {
      const { name, mechanism, credential } = change
      if (credential === null) return { action: 'credential-deleted', subject: { user: name, mechanism } }
      return { action: 'credential-set', subject: { user: name, mechanism, iterations: credential.iterations } }
    }
    case 'token': {
      const { id, token } = change
      if (token === null) return { action: 'token-deleted', subject: { token: id } }
      const { owner, requester, renewers, expiresMs } = token
      return { action: 'token-set', subject: { token: id, owner, requester, renewers, expires: new Date(expiresMs).toISOString() } }
    }
    case 'quota':
      return { action: change.values === null ? 'quota-deleted' : 'quota-set', subject: { entity: change.entity, quotas: change.values } }
    case 'validation':
      return { action: change.configs === null ? 'validation-deleted' : 'validation-set', subject: { topic: change.topic, configs: change.configs } }
  }
}
