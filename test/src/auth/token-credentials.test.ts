/** Logins with delegation tokens (KIP-48), step by step. */
import t, { type Test } from 'tap'
import { DelegationTokens } from '../../../src/access/delegation-tokens.ts'
import type { DelegationToken, ScramMechanism } from '../../../src/access/model.ts'
import { TokenTable } from '../../../src/access/token-table.ts'
import { Authenticator, type AuthEvent } from '../../../src/auth/authenticator.ts'
import { Backoff } from '../../../src/auth/backoff.ts'
import { Credentials } from '../../../src/auth/credentials.ts'
import { AuthenticationFailed, type Identity } from '../../../src/auth/identity.ts'
import { TokenCredentials } from '../../../src/auth/token-credentials.ts'
import { Users, clientFinal, refused } from './kit.ts'

const mechanisms: readonly ScramMechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512']
const origin = { address: '10.0.0.1', listener: 'kafka' }
const REFUSED = /unknown, has expired, or its HMAC is another/

class House {
  now = 1_000_000
  readonly table = new TokenTable()
  readonly tokens = new DelegationTokens(this.table, { secret: 'a secret of some length', maxLifetimeMs: 1e9, expiryMs: 1e9, clock: () => this.now })
  readonly credentials = new TokenCredentials(this.tokens)
  readonly events: AuthEvent[] = []
  readonly authenticator: Authenticator

  private constructor (credentials: Credentials) {
    this.authenticator = new Authenticator({
      credentials, oauth: null, backoff: new Backoff(), observe: event => this.events.push(event), tokens: this.credentials
    })
  }

  static async open (): Promise<House> {
    return new House(await Credentials.create({ directory: await new Users().add('alice', 'secret'), admin: null }))
  }

  /** Good for a second. */
  add (id: string, more: Partial<DelegationToken> = {}): string {
    this.table.set(id, {
      id, owner: 'User:alice', requester: 'User:carol', renewers: [], issuedMs: this.now, expiresMs: this.now + 1000, maxMs: this.now + 9000, ...more
    })
    return this.tokens.hmacOf(id).toString('base64')
  }

  /** `between` happens between the two steps. */
  async login (
    name: string, password: string, mechanism: ScramMechanism = 'SCRAM-SHA-256', extension = ',tokenauth=true', between = (): void => {}
  ): Promise<Identity> {
    const exchange = this.authenticator.start(mechanism, origin)
    const bare = `n=${name},r=abc${extension}`
    const first = await exchange.step(Buffer.from(`n,,${bare}`))
    between()
    const { message, serverSignature } = clientFinal(mechanism, password, bare, first.reply.toString())
    const step = await exchange.step(Buffer.from(message))
    if (!step.done) throw new Error('it is not done')
    if (step.reply.toString() !== `v=${serverSignature}`) throw new Error('the server has not proved that it knows the token')
    return step.identity
  }
}

const withoutHmac = (t: Test, { events }: House, hmac: string): void => {
  t.notMatch(JSON.stringify(events), hmac.slice(0, 20))
}

t.test('whoever has a token is its owner, until it expires', async t => {
  const house = await House.open()
  const hmac = house.add('an-id')
  for (const mechanism of mechanisms) {
    const { principal, method, expiresAtMs } = await house.login('an-id', hmac, mechanism)
    t.strictSame(principal, { type: 'User', name: 'alice', tokenAuthenticated: true })
    t.equal(method, mechanism)
    t.equal(expiresAtMs, house.now + 1000)
    t.equal((await house.login('an-id', hmac, mechanism)).principal, principal, 'one object for each name')
  }
  t.match(house.events[0], { outcome: 'success', principal: 'User:alice', token: 'an-id' })
  t.equal(house.credentials.derivations, 2, 'its password is salted once for each mechanism')
  const { principal } = await house.login('alice', 'secret', 'SCRAM-SHA-256', '')
  t.strictSame(principal, { type: 'User', name: 'alice' }, 'who comes with a password is another object')
  t.strictSame((await house.login('an-id', hmac, 'SCRAM-SHA-256', ',tokenauth=TRUE')).principal.tokenAuthenticated, true)
  house.add('an-id', { expiresMs: house.now + 5000 })
  t.equal((await house.login('an-id', hmac)).expiresAtMs, house.now + 5000, 'renewed')
  house.add('an-id', { expiresMs: house.now + 5000, maxMs: house.now + 3000 })
  t.equal((await house.login('an-id', hmac)).expiresAtMs, house.now + 3000, 'not beyond its life')
  withoutHmac(t, house, hmac)
})

t.test('whoever has not is nobody, and learns nothing', async t => {
  const house = await House.open()
  const hmac = house.add('an-id')
  await refused(t, () => house.login('an-id', 'another'), REFUSED, 'another HMAC')
  await refused(t, () => house.login('an-id', house.add('other')), REFUSED, 'the HMAC of another token')
  await refused(t, () => house.login('alice', 'secret'), REFUSED, 'a password is no token')
  await refused(t, () => house.login('an-id', hmac, 'SCRAM-SHA-256', ''), /unknown user or wrong password/, 'a token is no password')
  await refused(t, () => house.login('an-id', hmac, 'SCRAM-SHA-256', ',tokenauth=false'), /unknown user or wrong password/, 'nor if it says it is not')
  await refused(t, () => house.login('none', house.tokens.hmacOf('none').toString('base64')), REFUSED, 'a token that never was')
  const derivations = house.credentials.derivations
  const meanwhile = (between: () => void) => (): Promise<Identity> => house.login('an-id', hmac, 'SCRAM-SHA-256', ',tokenauth=true', between)
  await refused(t, meanwhile(() => { house.table.set('an-id', null) }), REFUSED, 'ended in the middle')
  await refused(t, () => house.login('an-id', hmac), REFUSED, 'ended')
  house.add('an-id')
  await refused(t, meanwhile(() => { house.now += 1001 }), REFUSED, 'run out in the middle')
  await refused(t, () => house.login('an-id', hmac), REFUSED, 'run out')
  t.equal(house.credentials.derivations, derivations, 'none of which costs anything')
  t.ok(house.events.every(({ outcome }) => outcome === 'failure'))
  withoutHmac(t, house, hmac)
})

t.test('a token that is none goes through the same steps, with the salt that it would have', async t => {
  const house = await House.open()
  for (const mechanism of mechanisms) {
    const salts = new Set<string>()
    for (const change of [() => {}, () => { house.add('an-id') }, () => { house.now += 1001 }, () => { house.table.set('an-id', null) }]) {
      change()
      const first = await house.authenticator.start(mechanism, origin).step(Buffer.from('n,,n=an-id,r=abc,tokenauth=true'))
      t.match(first.reply.toString(), /^r=abc[\w-]{32},s=[A-Za-z0-9+/]{32,36}=*,i=4096$/)
      salts.add(/s=([^,]*)/.exec(first.reply.toString())![1]!)
    }
    t.equal(salts.size, 1)
  }
})

t.test('strangers cannot make work pile up', async t => {
  const house = await House.open()
  for (let i = 0; i < 200; i++) house.add(`t${i}`)
  const firsts = await Promise.allSettled(Array.from({ length: 200 }, (_, i) =>
    house.authenticator.start('SCRAM-SHA-512', origin).step(Buffer.from(`n,,n=t${i},r=abc,tokenauth=true`))))
  const refusals = firsts.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  t.ok(refusals.length > 0 && refusals.length < 200, `${refusals.length} of 200 are told to try again`)
  t.ok(refusals.every(({ reason }) => reason instanceof AuthenticationFailed && /Try again/.test(reason.message)))
  t.ok(await house.login('t199', house.tokens.hmacOf('t199').toString('base64'), 'SCRAM-SHA-512'), 'and may')
})
