/**
 * Permissions, enforced for every request at every door, with Kafka's partial answers: nine topics of ten are served, the
 * tenth is refused, and what may not be described is not shown. `permissions.ts` says what is needed for what.
 *
 * A request without a row there is refused: what is forgotten is closed.
 */
import { KafkaError } from '../../protocol/errors.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { internalPrincipal, type Context, type Policy } from '../../protocol/rpc.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { RequestAuthorizer } from '../access/authorizer.ts'
import { CLUSTER_NAME } from '../access/model.ts'
import { brokerRules } from './authorize-brokers.ts'
import { clusterRules } from './authorize-cluster.ts'
import { configRules } from './authorize-configs.ts'
import { rule, type Rule } from './authorize-elements.ts'
import { Gate, type Denial } from './authorize-gate.ts'
import { groupRules } from './authorize-groups.ts'
import { memberRules } from './authorize-members.ts'
import { metadataRules } from './authorize-metadata.ts'
import { offsetRules } from './authorize-offsets.ts'
import { recordRules } from './authorize-records.ts'
import { shareOffsetRules } from './authorize-share-offsets.ts'
import { shareRules } from './authorize-share.ts'
import { streamsRules } from './authorize-streams.ts'
import { tokenRules } from './authorize-tokens.ts'
import { topicPageRules } from './authorize-topic-pages.ts'
import { topicRules } from './authorize-topics.ts'
import { transactionRules } from './authorize-transactions.ts'

export type { Denial } from './authorize-gate.ts'

/** How a caller says who they are: open to everyone. */
const openRules: readonly Rule[] = [SaslHandshake, ApiVersions, SaslAuthenticate].map(api =>
  rule(api as Api, (request, context, next) => next(api as Api, request, context)))

const byKey = new Map([
  ...recordRules, ...metadataRules, ...topicRules, ...configRules, ...groupRules, ...offsetRules, ...clusterRules, ...tokenRules,
  ...transactionRules, ...brokerRules, ...topicPageRules, ...memberRules, ...streamsRules, ...shareRules, ...shareOffsetRules, ...openRules
].map(one => [one.api.key, one]))

/** `authorizer` is asked for anew with each decision. `onDenied` hears of every denied resource of a request once. */
export function authorize (authorizer: () => RequestAuthorizer, onDenied: (denial: Denial) => void): Policy {
  return next => {
    const gate = new Gate(authorizer, onDenied)
    return <A extends Api>(api: A, request: Request<A>, context: Context): Promise<Response<A>> => {
      if (context.principal === internalPrincipal) return next(api, request, context)
      const found = byKey.get(api.key) as Rule<A> | undefined
      if (found === undefined) return Promise.reject(noRow(api))
      return found.apply(request, context, next, gate)
    }
  }
}

function noRow ({ name }: Api): KafkaError {
  const missing = { operation: 'CLUSTER_ACTION', resourceType: 'CLUSTER', resourceName: CLUSTER_NAME }
  return new KafkaError('CLUSTER_AUTHORIZATION_FAILED', `Not authorised: nothing says who may send ${name}, so nobody may.`, { missing })
}
