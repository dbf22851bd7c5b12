/**
 * Delegation tokens: who may ask for one in the name of another, and who may see those of others. Who may renew or end a
 * token stands in the token itself. Whoever may not ask about tokens at all is told so behind this, whatever they may do.
 */
import { CreateDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts'
import { formatPrincipal, newest } from '../../protocol/rpc.ts'
import type { Api } from '../../protocol/schema.ts'
import { mayAskForTokens } from '../access/delegation-tokens.ts'
import { ownerOf, refuseCreation } from './administer-tokens.ts'
import { rule, type Rule } from './authorize-elements.ts'
import { permissions } from './permissions.ts'

const createToken = rule(CreateDelegationToken, (request, context, next, gate) => {
  const owner = formatPrincipal(ownerOf(request, context))
  if (!mayAskForTokens(context.principal) || owner === formatPrincipal(context.principal)) return next(CreateDelegationToken, request, context)
  const refusal = gate.check(context, permissions.CreateDelegationToken.owner, owner)
  if (refusal === null) return next(CreateDelegationToken, request, context)
  gate.report(CreateDelegationToken, context, [refusal])
  return Promise.resolve(refuseCreation(request, context, refusal.errorCode))
})

/** Until then an answer does not say who asked for a token. */
const REQUESTER_SINCE = 3

const describeTokens = rule(DescribeDelegationToken, async (request, context, next, gate) => {
  // Whose a token is must be known, whatever version is spoken.
  const response = await next(DescribeDelegationToken, request, { ...context, version: newest(DescribeDelegationToken) })
  const needs = permissions.DescribeDelegationToken
  const { type, name } = context.principal
  const tokens = response.tokens.filter(({ tokenId, principalType, principalName, tokenRequesterPrincipalType, tokenRequesterPrincipalName, renewers }) => {
    const isOwn = [{ principalType, principalName }, { principalType: tokenRequesterPrincipalType, principalName: tokenRequesterPrincipalName }, ...renewers]
      .some(holder => holder.principalType === type && holder.principalName === name)
    return isOwn || gate.may(context, needs.token, tokenId) || gate.may(context, needs.owner, formatPrincipal({ type: principalType, name: principalName }))
  })
  return {
    ...response,
    tokens: context.version >= REQUESTER_SINCE
      ? tokens
      : tokens.map(token => ({ ...token, tokenRequesterPrincipalType: '', tokenRequesterPrincipalName: '' }))
  }
})

const handedOn = [RenewDelegationToken, ExpireDelegationToken].map(api => rule(api as Api, (request, context, next) => next(api as Api, request, context)))

export const tokenRules: readonly Rule[] = [createToken, describeTokens, ...handedOn]
