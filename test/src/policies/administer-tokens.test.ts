/**
 * Delegation tokens over a real log, with the permissions before them: what Kafka has no word for, and what is the same at
 * each of several gateways. That the rest is answered as by Kafka is for the interop tests.
 */
import t, { type Test } from 'tap'
import { createHmac } from 'node:crypto'
import { complete } from '../../../protocol/defaults.ts'
import { errorRow } from '../../../protocol/errors.ts'
import { CreateDelegationToken } from '../../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../../protocol/messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../../protocol/messages/41-describe-delegation-token.ts'
import { writeResponse } from '../../../protocol/frame.ts'
import { compose, newest, type Dispatch, type Principal } from '../../../protocol/rpc.ts'
import type { Api, Request, RequestInput, Response } from '../../../protocol/schema.ts'
import { AclTable } from '../../../src/access/acls.ts'
import { AclAuthorizer } from '../../../src/access/authorizer.ts'
import { DelegationTokens } from '../../../src/access/delegation-tokens.ts'
import { AccessStore } from '../../../src/access/store.ts'
import { administer, sweepTokens, type AdminEvent, type Administration } from '../../../src/policies/administer.ts'
import { authorize } from '../../../src/policies/authorize.ts'
import { MAX_RENEWERS, MAX_TOKENS } from '../../../src/policies/administer-tokens.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { until } from '../../support/until.ts'
import { binding, contextOf } from './authorize-kit.ts'

const SECRET = 'a secret of some length'
const DAY = 24 * 3_600_000
const named = (name: string): Principal => ({ type: 'User', name })
const alice = named('alice')

class Gateway {
  now = Date.parse('2026-01-01')
  readonly events: AdminEvent[] = []
  readonly acls = new AclTable()
  readonly store: AccessStore
  readonly administration: Administration
  readonly #dispatch: Dispatch

  constructor (engine: Dispatch) {
    this.store = new AccessStore(engine)
    const tokens = new DelegationTokens(this.store.tokens, { secret: SECRET, maxLifetimeMs: 7 * DAY, expiryMs: DAY, clock: () => this.now })
    this.administration = { store: this.store, securityEnabled: true, tokens, onChange: event => this.events.push(event) }
    const authorizer = new AclAuthorizer(this.acls, { superUsers: new Set(['User:root']), allowWithoutAcl: false })
    this.#dispatch = compose(engine, authorize(() => authorizer, () => {}), administer(() => this.administration))
  }

  async ask<A extends Api> (principal: Principal, api: A, request: RequestInput<A>, version = newest(api)): Promise<Response<A>> {
    const response = await this.#dispatch(api, complete(api.request, request as never) as Request<A>, contextOf(principal, version))
    writeResponse(api, version, 1, response as never) // every version can carry it
    return response
  }

  async create (principal = alice, more: Partial<RequestInput<typeof CreateDelegationToken>> = {}): Promise<Response<typeof CreateDelegationToken>> {
    return await this.ask(principal, CreateDelegationToken, { renewers: [], maxLifetimeMs: -1, ...more })
  }

  async listed (principal: Principal, version?: number): Promise<Response<typeof DescribeDelegationToken>['tokens']> {
    return (await this.ask(principal, DescribeDelegationToken, { owners: null }, version)).tokens
  }
}

async function open (t: Test): Promise<[Gateway, Gateway]> {
  const { engine } = await openEngine(t, t.testdir())
  const gateways = [new Gateway(engine.dispatch), new Gateway(engine.dispatch)] as [Gateway, Gateway]
  for (const { store } of gateways) {
    await store.open()
    t.teardown(() => store.close())
  }
  return gateways
}

const nameOf = ({ errorCode }: { readonly errorCode: number }): string => errorRow(errorCode).name

t.test('a token is made, and kept without what one logs in with', async t => {
  const [one, other] = await open(t)
  const { tokenId, hmac, issueTimestampMs, expiryTimestampMs, maxTimestampMs } =
    await one.create(alice, { renewers: [{ principalType: 'User', principalName: 'b:ob' }] })
  t.match(tokenId, /^\w[\w-]{21}$/)
  t.strictSame(hmac, createHmac('sha512', SECRET).update(tokenId).digest())
  t.strictSame([issueTimestampMs, expiryTimestampMs, maxTimestampMs], [one.now, one.now + DAY, one.now + 7 * DAY])
  await until(() => other.store.tokens.size === 1)
  t.strictSame(other.store.tokens.get(tokenId), {
    id: tokenId, owner: 'User:alice', requester: 'User:alice', renewers: ['User:b:ob'], issuedMs: one.now, expiresMs: one.now + DAY, maxMs: one.now + 7 * DAY
  })
  t.strictSame((await other.listed(alice)).map(token => token.hmac), [hmac], 'and the owner is told by another process')
  t.strictSame((await other.listed(named('b:ob'))).map(token => [token.tokenId, token.hmac.length, token.renewers]),
    [[tokenId, 0, [{ principalType: 'User', principalName: 'b:ob' }]]], 'a renewer is not')
  t.match(one.events, [{ principal: alice, action: 'token-set', subject: { token: tokenId, owner: 'User:alice', expires: '2026-01-02T00:00:00.000Z' } }])
  t.notMatch(JSON.stringify(one.events), hmac.toString('base64').slice(0, 20))
})

t.test('what is refused, in every version', async t => {
  const [one] = await open(t)
  one.acls.add(binding('CREATE_TOKENS USER *'))
  const renewers = (count: number, name = 'x'): { principalType: string, principalName: string }[] =>
    Array.from({ length: count }, () => ({ principalType: 'User', principalName: name }))
  const creations: readonly (readonly [more: Partial<RequestInput<typeof CreateDelegationToken>>, error: string])[] = [
    [{ ownerPrincipalType: 'Group', ownerPrincipalName: 'admins' }, 'INVALID_PRINCIPAL_TYPE'],
    [{ ownerPrincipalType: null, ownerPrincipalName: 'bob' }, 'INVALID_PRINCIPAL_TYPE'],
    [{ renewers: [{ principalType: 'Group', principalName: 'x' }] }, 'INVALID_PRINCIPAL_TYPE'],
    [{ renewers: renewers(MAX_RENEWERS + 1) }, 'INVALID_REQUEST'],
    [{ renewers: renewers(1, 'x'.repeat(2000)) }, 'INVALID_REQUEST'],
    [{ ownerPrincipalType: 'User', ownerPrincipalName: 'x'.repeat(2000) }, 'INVALID_REQUEST'],
    [{ ownerPrincipalType: 'User', ownerPrincipalName: 'bob', renewers: renewers(MAX_RENEWERS) }, 'NONE']
  ]
  for (const [more, error] of creations) t.equal(nameOf(await one.create(alice, more)), error, JSON.stringify(more).slice(0, 80))
  const byToken: Principal = { ...alice, tokenAuthenticated: true }
  const requests: readonly (readonly [Api, object])[] = [
    [CreateDelegationToken, { renewers: [], maxLifetimeMs: -1 }], [RenewDelegationToken, { hmac: Buffer.alloc(64), renewPeriodMs: -1 }],
    [ExpireDelegationToken, { hmac: Buffer.alloc(64), expiryTimePeriodMs: -1 }], [DescribeDelegationToken, { owners: null }]
  ]
  for (const [api, request] of requests) {
    for (let version = api.versions[0]; version <= api.versions[1]; version++) {
      const answer = await one.ask(byToken, api, request as never, version) as unknown as { errorCode: number }
      t.equal(nameOf(answer), 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED', `${api.name} v${version}`)
    }
  }
})

t.test('nobody has tokens without end', async t => {
  const [one] = await open(t)
  await one.store.apply(Array.from({ length: MAX_TOKENS - 1 }, (_, i) => ({
    kind: 'token' as const,
    id: `t${i}`,
    token: { id: `t${i}`, owner: 'User:alice', requester: 'User:alice', renewers: [], issuedMs: 0, expiresMs: one.now, maxMs: one.now }
  })))
  t.equal(nameOf(await one.create()), 'NONE')
  t.equal(nameOf(await one.create()), 'POLICY_VIOLATION')
  t.equal(nameOf(await one.create(named('bob'))), 'NONE', 'others are none of hers')
  one.now += 1
  t.equal(nameOf(await one.create()), 'NONE', 'nor those that have expired')
})

t.test('who sees the tokens of others', async t => {
  const [one] = await open(t)
  const { tokenId } = await one.create(named('bob'))
  const ids = async (...rules: readonly string[]): Promise<string[]> => {
    for (const text of rules) one.acls.add(binding(text))
    const seen = [...await one.listed(alice), ...await one.listed(alice, 1)]
    for (const text of rules) one.acls.remove(binding(text))
    t.ok(seen.every(({ hmac }) => hmac.length === 0), 'without what one logs in with')
    return seen.map(token => token.tokenId)
  }
  t.strictSame(await ids(), [])
  t.strictSame(await ids(`DESCRIBE DELEGATION_TOKEN ${tokenId}`), [tokenId, tokenId])
  t.strictSame(await ids('DESCRIBE DELEGATION_TOKEN other'), [])
  t.strictSame(await ids('DESCRIBE_TOKENS USER User:bob'), [tokenId, tokenId])
  t.strictSame(await ids('DESCRIBE_TOKENS USER User:carol', 'CREATE_TOKENS USER User:bob', 'DESCRIBE USER User:bob'), [])
  t.equal((await one.listed(named('root'))).length, 1)
})

t.test('what has expired is refused at each of them, and swept when no clock can be wrong about it', async t => {
  const [one, other] = await open(t)
  const { hmac, tokenId } = await one.create()
  await until(() => other.store.tokens.has(tokenId))
  t.equal(nameOf(await other.ask(alice, ExpireDelegationToken, { hmac, expiryTimePeriodMs: 1000 })), 'NONE')
  await until(() => one.store.tokens.get(tokenId)?.expiresMs === one.now + 1000)
  for (const gateway of [one, other]) {
    gateway.now += 1001
    t.equal(nameOf(await gateway.ask(alice, RenewDelegationToken, { hmac, renewPeriodMs: -1 })), 'DELEGATION_TOKEN_EXPIRED')
    t.equal(gateway.administration.tokens!.valid(tokenId), undefined)
  }
  await sweepTokens(one.administration, one.now + 9 * 60_000)
  t.ok(one.store.tokens.has(tokenId), 'another process may be about to renew it')
  one.events.length = 0
  await sweepTokens(one.administration, one.now + 11 * 60_000)
  t.equal(one.store.tokens.size, 0)
  t.match(one.events, [{ principal: { type: 'Barnabas', name: 'internal' }, action: 'token-deleted', subject: { token: tokenId } }])
  await until(() => other.store.tokens.size === 0)
  t.equal(nameOf(await other.ask(alice, RenewDelegationToken, { hmac, renewPeriodMs: -1 })), 'DELEGATION_TOKEN_NOT_FOUND')
  await sweepTokens(other.administration, other.now + 11 * 60_000)
  t.equal(other.events.filter(({ action }) => action === 'token-deleted').length, 0, 'once is enough')
})

t.test('what was ended is ended everywhere', async t => {
  const [one, other] = await open(t)
  const { hmac, tokenId } = await one.create()
  await until(() => other.store.tokens.has(tokenId))
  t.equal(nameOf(await one.ask(alice, ExpireDelegationToken, { hmac, expiryTimePeriodMs: -1 })), 'NONE')
  await until(() => !other.store.tokens.has(tokenId))
  t.equal(nameOf(await other.ask(alice, RenewDelegationToken, { hmac, renewPeriodMs: -1 })), 'DELEGATION_TOKEN_NOT_FOUND')
})
