/** Delegation tokens where they are switched on: what their HMACs are made of, how one is found by it, until when it is good. */
import t from 'tap'
import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { anonymous } from '../../../protocol/rpc.ts'
import { DelegationTokens, isExpired, isHolder, mayAskForTokens } from '../../../src/access/delegation-tokens.ts'
import type { DelegationToken } from '../../../src/access/model.ts'
import { TokenTable } from '../../../src/access/token-table.ts'

const SECRET = 'a secret of some length'
const token = (id: string, more: Partial<DelegationToken> = {}): DelegationToken =>
  ({ id, owner: 'User:alice', requester: 'User:carol', renewers: ['User:bob'], issuedMs: 0, expiresMs: 1000, maxMs: 2000, ...more })

function open (clock = (): number => 0, secret = SECRET): { readonly table: TokenTable, readonly tokens: DelegationTokens } {
  const table = new TokenTable()
  return { table, tokens: new DelegationTokens(table, { secret, maxLifetimeMs: 2000, expiryMs: 1000, clock }) }
}

t.test('the HMAC is Kafka\'s: HmacSHA512 of the id by the secret', async t => {
  const { tokens } = open()
  t.strictSame(tokens.hmacOf('an-id'), createHmac('sha512', SECRET).update('an-id').digest())
  t.equal(tokens.hmacOf('an-id').length, 64)
  t.notSame(open(undefined, 'another secret').tokens.hmacOf('an-id'), tokens.hmacOf('an-id'))
  t.strictSame(open().tokens.saltOf('an-id', 'SCRAM-SHA-256'), tokens.saltOf('an-id', 'SCRAM-SHA-256'), 'a salt is the same in each process')
  t.notSame(tokens.saltOf('an-id', 'SCRAM-SHA-512'), tokens.saltOf('an-id', 'SCRAM-SHA-256'))
  t.notMatch(inspect(tokens, { depth: 9, showHidden: true }), SECRET, 'and the secret is not shown')
})

t.test('a token is found by its HMAC for as long as it is there', async t => {
  const { table, tokens } = open()
  t.equal(tokens.find(tokens.hmacOf('a')), undefined)
  table.set('a', token('a'))
  table.set('b', token('b'))
  t.equal(tokens.find(tokens.hmacOf('a'))?.id, 'a')
  t.equal(tokens.find(tokens.hmacOf('b'))?.id, 'b')
  table.set('a', token('a', { expiresMs: 1500 }))
  t.equal(tokens.find(tokens.hmacOf('a'))?.expiresMs, 1500, 'as it is now')
  table.set('a', null)
  t.equal(tokens.find(tokens.hmacOf('a')), undefined)
  t.equal(tokens.find(tokens.hmacOf('b'))?.id, 'b')
  for (const hmac of [Buffer.alloc(0), Buffer.alloc(64), tokens.hmacOf('b').subarray(0, 63), Buffer.from('b')]) t.equal(tokens.find(hmac), undefined)
})

t.test('it is good until it expires, or its life ends', async t => {
  let now = 0
  const { table, tokens } = open(() => now)
  table.set('a', token('a'))
  table.set('b', token('b', { expiresMs: 5000 }))
  const good = (): string[] => ['a', 'b', 'c'].filter(id => tokens.valid(id) !== undefined)
  t.strictSame(good(), ['a', 'b'])
  now = 1000
  t.strictSame(good(), ['a', 'b'])
  now = 1001
  t.strictSame(good(), ['b'])
  now = 2001
  t.strictSame(good(), [])
  t.ok(tokens.find(tokens.hmacOf('a')), 'it is found all the same')
  t.ok(isExpired(token('a'), 1001))
  t.notOk(isExpired(token('a'), 1000))
})

t.test('whose it is, and who may ask', async t => {
  t.strictSame(['User:alice', 'User:bob', 'User:carol', 'User:dave', 'alice'].filter(name => isHolder(token('a'), name)), ['User:alice', 'User:bob'])
  t.ok(mayAskForTokens({ type: 'User', name: 'alice' }))
  t.notOk(mayAskForTokens({ type: 'User', name: 'alice', tokenAuthenticated: true }))
  t.notOk(mayAskForTokens(anonymous))
  t.notOk(mayAskForTokens({ ...anonymous }), 'whatever object says so')
})
