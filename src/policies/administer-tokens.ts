/**
 * CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken and DescribeDelegationToken (KIP-48, KIP-373), with
 * the checks of Kafka's controller in their order.
 *
 * The HMAC of a token is told to who asked for it and to its owner, and to nobody else: Kafka shows it to whoever may describe
 * the token, who can be the owner then.
 */
import { randomBytes } from 'node:crypto'
import { errors, KafkaError } from '../../protocol/errors.ts'
import type { CreateDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import type { RenewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import type { ExpireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import type { DescribeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts'
import { formatPrincipal, type Context, type Principal } from '../../protocol/rpc.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { isExpired, isHolder, mayAskForTokens, type DelegationTokens } from '../access/delegation-tokens.ts'
import type { AccessChange } from '../access/entries.ts'
import type { DelegationToken } from '../access/model.ts'
import type { TokenTable } from '../access/token-table.ts'
import type { Plan } from './administer-plan.ts'

type Created = Response<typeof CreateDelegationToken>
type Described = Response<typeof DescribeDelegationToken>['tokens'][number]
type Named = { readonly principalType: string, readonly principalName: string }

const USER = 'User'
/** From here on an answer says who asked for a token. */
const REQUESTER_SINCE = 3

/** What one record of the log is to hold, and one user may have: none of them is a number of Kafka's. */
export const MAX_RENEWERS = 100
export const MAX_TOKENS = 1000
const MAX_NAME = 1024

/** A token that another process has just renewed is not to be swept by a clock that is ahead of its. */
const SWEEP_GRACE_MS = 10 * 60_000

const NO_BYTES = Buffer.alloc(0)

/** Kafka's brokers say -1 where there is no time, and its controller 0. */
const byBroker: ReadonlySet<number> =
  new Set([errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, errors.DELEGATION_TOKEN_AUTHORIZATION_FAILED, errors.INVALID_PRINCIPAL_TYPE])
const noTime = (errorCode: number): number => byBroker.has(errorCode) ? -1 : 0

/** Throws KafkaError where tokens are not for this caller, or not switched on. */
export function tokensFor ({ principal }: Context, tokens: DelegationTokens | null | undefined, users: readonly Named[] = []): DelegationTokens {
  if (!mayAskForTokens(principal)) throw new KafkaError('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')
  if (users.some(({ principalType }) => principalType !== USER)) throw new KafkaError('INVALID_PRINCIPAL_TYPE')
  if (tokens === null || tokens === undefined) throw new KafkaError('DELEGATION_TOKEN_AUTH_DISABLED')
  return tokens
}

/** Whom a token is asked for: the caller, unless someone is named. */
export function ownerOf ({ ownerPrincipalType, ownerPrincipalName }: Request<typeof CreateDelegationToken>, { principal }: Context): Principal {
  if (ownerPrincipalName === null || ownerPrincipalName === '') return principal
  return { type: ownerPrincipalType ?? '', name: ownerPrincipalName }
}

// ---- CreateDelegationToken

export function refuseCreation (request: Request<typeof CreateDelegationToken>, context: Context, errorCode: number): Created {
  return created(errorCode, ownerOf(request, context), context)
}

function created (errorCode: number, owner: Principal, { principal, version }: Context): Created {
  const timestampMs = noTime(errorCode)
  return {
    errorCode,
    principalType: owner.type,
    principalName: owner.name,
    tokenRequesterPrincipalType: version < REQUESTER_SINCE ? '' : principal.type,
    tokenRequesterPrincipalName: version < REQUESTER_SINCE ? '' : principal.name,
    issueTimestampMs: timestampMs,
    expiryTimestampMs: timestampMs,
    maxTimestampMs: timestampMs,
    tokenId: '',
    hmac: NO_BYTES,
    throttleTimeMs: 0
  }
}

/** Throws KafkaError. */
export function createToken (
  table: TokenTable, tokens: DelegationTokens, request: Request<typeof CreateDelegationToken>, context: Context
): Plan<Created> {
  const owner = ownerOf(request, context)
  // Kafka takes any type, and lets the token log in as the user of that name.
  if (owner.type !== USER) throw new KafkaError('INVALID_PRINCIPAL_TYPE')
  checkNames(owner, request.renewers)
  const requester = formatPrincipal(context.principal)
  const now = tokens.now()
  let count = 0
  for (const token of table) if (token.requester === requester && !isExpired(token, now)) count++
  if (count >= MAX_TOKENS) throw new KafkaError('POLICY_VIOLATION', `${requester} has asked for ${count} tokens that are good, which is the limit.`)

  const { maxLifetimeMs } = request
  const maxMs = now + (maxLifetimeMs > 0 ? Math.min(maxLifetimeMs, tokens.maxLifetimeMs) : tokens.maxLifetimeMs)
  const token: DelegationToken = {
    id: newId(),
    owner: formatPrincipal(owner),
    requester,
    renewers: request.renewers.map(nameOf),
    issuedMs: now,
    expiresMs: Math.min(maxMs, now + tokens.expiryMs),
    maxMs
  }
  const response = {
    ...created(errors.NONE, owner, context),
    issueTimestampMs: now,
    expiryTimestampMs: token.expiresMs,
    maxTimestampMs: maxMs,
    tokenId: token.id,
    hmac: tokens.hmacOf(token.id)
  }
  return { changes: [{ kind: 'token', id: token.id, token }], response }
}

/** As Kafka's `Uuid.randomUuid`: what begins with a dash looks like an option. */
function newId (): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? newId() : id
}

const nameOf = ({ principalType, principalName }: Named): string => formatPrincipal({ type: principalType, name: principalName })

function checkNames (owner: Principal, renewers: readonly Named[]): void {
  if (renewers.length <= MAX_RENEWERS && owner.name.length <= MAX_NAME && renewers.every(({ principalName }) => principalName.length <= MAX_NAME)) return
  throw new KafkaError('INVALID_REQUEST', `A token has at most ${MAX_RENEWERS} renewers, and a name at most ${MAX_NAME} characters.`)
}

// ---- RenewDelegationToken, ExpireDelegationToken

interface Ended {
  errorCode: number
  expiryTimestampMs: number
  throttleTimeMs: number
}

export const refuseEnd = (errorCode: number): Ended => ({ errorCode, expiryTimestampMs: noTime(errorCode), throttleTimeMs: 0 })

const ended = (expiryTimestampMs: number): Ended => ({ errorCode: errors.NONE, expiryTimestampMs, throttleTimeMs: 0 })

function found (tokens: DelegationTokens, hmac: Buffer): DelegationToken {
  const token = tokens.find(hmac)
  if (token === undefined) throw new KafkaError('DELEGATION_TOKEN_NOT_FOUND')
  return token
}

function checkHolder (token: DelegationToken, { principal }: Context): void {
  if (!isHolder(token, formatPrincipal(principal))) throw new KafkaError('DELEGATION_TOKEN_OWNER_MISMATCH')
}

function checkExpiry (token: DelegationToken, now: number): void {
  if (isExpired(token, now)) throw new KafkaError('DELEGATION_TOKEN_EXPIRED')
}

function moved (token: DelegationToken, expiresMs: number): Plan<Ended> {
  return { changes: [{ kind: 'token', id: token.id, token: { ...token, expiresMs } }], response: ended(expiresMs) }
}

/** Throws KafkaError. */
export function renewToken (tokens: DelegationTokens, { hmac, renewPeriodMs }: Request<typeof RenewDelegationToken>, context: Context): Plan<Ended> {
  const token = found(tokens, hmac)
  const now = tokens.now()
  checkExpiry(token, now)
  checkHolder(token, context)
  const period = renewPeriodMs > 0 ? Math.min(renewPeriodMs, tokens.expiryMs) : tokens.expiryMs
  return moved(token, Math.min(token.maxMs, now + period))
}

/** Throws KafkaError. A token that is ended at once is gone. */
export function expireToken (tokens: DelegationTokens, { hmac, expiryTimePeriodMs }: Request<typeof ExpireDelegationToken>, context: Context): Plan<Ended> {
  const token = found(tokens, hmac)
  const now = tokens.now()
  checkHolder(token, context)
  if (expiryTimePeriodMs < 0) return { changes: [{ kind: 'token', id: token.id, token: null }], response: ended(now) }
  checkExpiry(token, now)
  return moved(token, Math.min(token.maxMs, now + expiryTimePeriodMs))
}

// ---- DescribeDelegationToken

export const refuseDescription = (errorCode: number): Response<typeof DescribeDelegationToken> => ({ errorCode, tokens: [], throttleTimeMs: 0 })

/** All that the owners have something to do with, in the newest version; `authorize-tokens.ts` leaves out what the caller may not see. */
export function describeTokens (
  table: TokenTable, tokens: DelegationTokens, { owners }: Request<typeof DescribeDelegationToken>, { principal }: Context
): Response<typeof DescribeDelegationToken> {
  const asked = owners?.map(nameOf)
  const caller = formatPrincipal(principal)
  const shown = [...table].filter(token => asked === undefined || asked.some(owner => isHolder(token, owner)))
  return {
    errorCode: errors.NONE,
    tokens: shown.map(token => described(token, caller === token.owner || caller === token.requester ? tokens.hmacOf(token.id) : NO_BYTES)),
    throttleTimeMs: 0
  }
}

function described ({ id, owner, requester, renewers, issuedMs, expiresMs, maxMs }: DelegationToken, hmac: Buffer): Described {
  const [by, to] = [principalOf(requester), principalOf(owner)]
  return {
    ...to,
    tokenRequesterPrincipalType: by.principalType,
    tokenRequesterPrincipalName: by.principalName,
    issueTimestamp: issuedMs,
    expiryTimestamp: expiresMs,
    maxTimestamp: maxMs,
    tokenId: id,
    hmac,
    renewers: renewers.map(principalOf)
  }
}

/** What stands behind the first colon is the name. */
function principalOf (principal: string): { principalType: string, principalName: string } {
  const colon = principal.indexOf(':')
  return { principalType: principal.slice(0, colon), principalName: principal.slice(colon + 1) }
}

// ---- what has run out

/** Tombstones for the tokens that expired a while ago. */
export function sweptTokens (table: TokenTable, now: number): AccessChange[] {
  return [...table].filter(token => isExpired(token, now - SWEEP_GRACE_MS)).map(({ id }) => ({ kind: 'token', id, token: null }))
}
