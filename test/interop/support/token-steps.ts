/**
 * Requests about delegation tokens, one after the other, that a Kafka and Barnabas are to answer alike.
 */
import { CreateDelegationToken } from '../../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../../protocol/messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../../protocol/messages/41-describe-delegation-token.ts'
import type { Api, RequestInput } from '../../../protocol/schema.ts'

/**
 * `admin` is a super user; `carol` may CREATE_TOKENS for `alice`, `dave` DESCRIBE_TOKENS of hers, `erin` DESCRIBE every token; the others
 * may do nothing.
 */
export const USERS = ['admin', 'alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const
export type User = typeof USERS[number]
export const MINUTE = 60_000
export const DAY = 24 * 60 * MINUTE

/** The tokens that were made so far, by the title of the step. */
export type Tokens = ReadonlyMap<string, { readonly id: string, readonly hmac: Buffer }>

export interface Step {
  readonly title: string
  /** A user; `null` for nobody; a token that logs in. */
  readonly as: User | null | { readonly token: string }
  readonly api: Api
  readonly version: number
  readonly request: (tokens: Tokens) => object
}

const users = (...names: readonly string[]): { principalType: string, principalName: string }[] =>
  names.map(name => ({ principalType: name.includes(':') ? name.split(':')[0]! : 'User', principalName: name.split(':').at(-1)! }))

type Who = Step['as']

const create = (title: string, as: Who, request: Partial<RequestInput<typeof CreateDelegationToken>> = {}, version = 3): Step =>
  ({ title, as, api: CreateDelegationToken, version, request: () => ({ renewers: [], maxLifetimeMs: -1, ...request }) })
const renew = (title: string, as: Who, token: string, renewPeriodMs: number, version = 2): Step =>
  ({ title, as, api: RenewDelegationToken, version, request: tokens => ({ hmac: tokens.get(token)?.hmac ?? Buffer.from(token), renewPeriodMs }) })
const expire = (title: string, as: Who, token: string, expiryTimePeriodMs: number, version = 2): Step =>
  ({ title, as, api: ExpireDelegationToken, version, request: tokens => ({ hmac: tokens.get(token)?.hmac ?? Buffer.from(token), expiryTimePeriodMs }) })
const describe = (title: string, as: Who, owners: readonly string[] | null = null, version = 3): Step =>
  ({ title, as, api: DescribeDelegationToken, version, request: () => ({ owners: owners === null ? null : users(...owners) }) })

export const switchedOn: readonly Step[] = [
  describe('nothing yet', 'alice'),
  create('a token', 'alice'),
  create('v1', 'alice', {}, 1),
  create('v2, an hour', 'alice', { maxLifetimeMs: 60 * MINUTE }, 2),
  create('more than there is', 'alice', { maxLifetimeMs: 30 * DAY }),
  create('a lifetime of nothing', 'alice', { maxLifetimeMs: 0 }),
  create('with renewers', 'alice', { renewers: users('bob', 'frank', 'bob') }),
  create('a renewer who is no user', 'alice', { renewers: users('Group:readers') }),
  create('for oneself by name', 'alice', { ownerPrincipalType: 'User', ownerPrincipalName: 'alice' }),
  create('for nobody in particular', 'alice', { ownerPrincipalType: null, ownerPrincipalName: null }),
  create('for another', 'carol', { ownerPrincipalType: 'User', ownerPrincipalName: 'alice' }),
  create('for another without permission', 'bob', { ownerPrincipalType: 'User', ownerPrincipalName: 'alice' }),
  create('for another, and a renewer who is no user', 'bob', { ownerPrincipalType: 'User', ownerPrincipalName: 'alice', renewers: users('Group:x') }),
  create('for one who is no user', 'bob', { ownerPrincipalType: 'Group', ownerPrincipalName: 'alice' }),
  create('for anybody, as a super user', 'admin', { ownerPrincipalType: 'User', ownerPrincipalName: 'nobody' }),
  create('where nothing asks for credentials', null),
  create('by a token', { token: 'a token' }),
  create('by a token, for another without permission', { token: 'a token' }, { ownerPrincipalType: 'User', ownerPrincipalName: 'bob' }),

  describe('all of one\'s own', 'alice'),
  describe('v1', 'alice', null, 1),
  describe('v2', 'alice', null, 2),
  describe('no owners', 'alice', []),
  describe('owned by oneself', 'alice', ['alice']),
  describe('of another without permission', 'frank', ['alice']),
  describe('as a renewer', 'bob'),
  describe('as one who asked for it', 'carol'),
  describe('as one who may describe an owner\'s', 'dave', ['alice']),
  describe('as one who may describe all', 'erin'),
  describe('as a super user', 'admin'),
  describe('of those who are none', 'admin', ['mallory', 'Group:alice']),
  describe('where nothing asks for credentials', null),
  describe('by a token', { token: 'a token' }),

  renew('renew', 'alice', 'a token', 2 * 60 * MINUTE),
  renew('renew v1', 'alice', 'a token', 60 * MINUTE, 1),
  renew('renew for the usual time', 'alice', 'a token', -1),
  renew('renew for no time', 'alice', 'a token', 0),
  renew('renew for longer than one may', 'alice', 'a token', 6 * DAY),
  renew('renew beyond the end', 'alice', 'v2, an hour', 120 * MINUTE),
  renew('renew as a renewer', 'bob', 'with renewers', 30 * MINUTE),
  renew('renew as one who asked for it', 'carol', 'for another', 30 * MINUTE),
  renew('renew what one may only describe', 'erin', 'a token', 30 * MINUTE),
  renew('renew as a super user', 'admin', 'a token', 30 * MINUTE),
  renew('renew nothing', 'alice', 'none', 30 * MINUTE),
  renew('renew no bytes', 'alice', '', 30 * MINUTE),
  renew('renew where nothing asks for credentials', null, 'a token', 30 * MINUTE),
  renew('renew by a token', { token: 'a token' }, 'a token', 30 * MINUTE),

  expire('end in a while', 'alice', 'a token', 10 * MINUTE),
  expire('end in a while v1', 'alice', 'a token', 20 * MINUTE, 1),
  expire('end later than the end', 'alice', 'v2, an hour', 10 * DAY),
  expire('end what one may only describe', 'erin', 'a token', -1),
  expire('end as a super user', 'admin', 'a token', -1),
  expire('end nothing', 'alice', 'none', -1),
  expire('end where nothing asks for credentials', null, 'a token', -1),
  expire('end by a token', { token: 'a token' }, 'a token', -1),
  expire('end at once, as a renewer', 'bob', 'with renewers', -1),
  expire('end at once, again', 'alice', 'with renewers', -1),
  renew('renew what has ended', 'alice', 'with renewers', -1),
  expire('end now', 'alice', 'v2, an hour', 0),
  renew('renew what has run out', 'alice', 'v2, an hour', -1),
  renew('renew what has run out, as a stranger', 'frank', 'v2, an hour', -1),
  expire('end what has run out in a while', 'alice', 'v2, an hour', MINUTE),
  expire('end what has run out in a while, as a stranger', 'frank', 'v2, an hour', MINUTE),
  expire('end what has run out', 'alice', 'v2, an hour', -1),
  describe('what is left', 'alice')
]

export const switchedOff: readonly Step[] = [
  create('create', 'alice'),
  create('a renewer who is no user', 'alice', { renewers: users('Group:readers') }),
  create('for another without permission', 'bob', { ownerPrincipalType: 'User', ownerPrincipalName: 'alice' }),
  create('where nothing asks for credentials', null),
  renew('renew', 'alice', 'none', -1),
  renew('renew where nothing asks for credentials', null, 'none', -1),
  expire('end', 'alice', 'none', -1),
  describe('describe', 'alice'),
  describe('describe no owners', 'alice', []),
  describe('describe where nothing asks for credentials', null)
]
