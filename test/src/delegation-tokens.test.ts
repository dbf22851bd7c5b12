/**
 * Delegation tokens through the whole house: made over one connection, used over another, until they are not good any more.
 */
import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { CreateDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import { openSecureApp, passwordOf, type SecureApp } from '../support/secure-app.ts'
import { proveToken, tokenLogin, type Token } from '../support/token-login.ts'
import type { Connection } from '../engine/connection.ts'

const env = { BARNABAS_DELEGATION_TOKEN_SECRET: 'a secret of some length' }

async function open (t: Parameters<typeof openSecureApp>[0], options: readonly string[] = []): Promise<SecureApp & { readonly alice: Connection }> {
  const app = await openSecureApp(t, { env, options })
  await app.addUser('alice')
  await app.addAcls({
    resourceType: 'TOPIC', resourceName: 'hers', patternType: 'LITERAL', principal: 'User:alice', host: '*', operation: 'ALL', permission: 'ALLOW'
  })
  return { ...app, alice: await app.login('alice') }
}

async function newToken (connection: Connection, maxLifetimeMs = -1): Promise<Token> {
  const { errorCode, tokenId: id, hmac } = await connection.send(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs })
  t.equal(errorCode, errors.NONE)
  return { id, hmac }
}

const topic = (name: string): { name: string, numPartitions: number, replicationFactor: number, assignments: never[], configs: never[] } =>
  ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] })

t.test('whoever logs in with a token may do what the owner may, and make no other token', async t => {
  const { kafkaPort, alice } = await open(t)
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    const { connection, errorCode, sessionLifetimeMs } = await tokenLogin(kafkaPort, await newToken(alice), mechanism)
    t.teardown(() => connection.destroy())
    t.equal(errorCode, errors.NONE)
    t.ok(sessionLifetimeMs > 86_000_000 && sessionLifetimeMs <= 86_400_000, `the session lasts a day: ${sessionLifetimeMs}`)
    const { topics } = await connection.send(CreateTopics, 5, { topics: [topic('hers'), topic('others')], timeoutMs: 1000, validateOnly: true })
    t.strictSame(topics.map(one => one.errorCode), [errors.NONE, errors.TOPIC_AUTHORIZATION_FAILED])
    t.equal((await connection.send(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs: -1 })).errorCode, errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)
  }
  const { connection, errorCode } = await tokenLogin(kafkaPort, { id: 'alice', hmac: Buffer.from(passwordOf('alice'), 'base64') })
  t.equal(errorCode, errors.SASL_AUTHENTICATION_FAILED)
  connection.destroy()
})

t.test('the session ends with the token, unless that is renewed and shown again', async t => {
  const { kafkaPort, alice } = await open(t)
  const token = await newToken(alice)
  t.equal((await alice.send(ExpireDelegationToken, 2, { hmac: token.hmac, expiryTimePeriodMs: 1500 })).errorCode, errors.NONE)
  const [renewed, left] = [await tokenLogin(kafkaPort, token), await tokenLogin(kafkaPort, token)]
  t.teardown(() => { for (const { connection } of [renewed, left]) connection.destroy() })
  t.ok(renewed.sessionLifetimeMs > 0 && renewed.sessionLifetimeMs <= 1500)
  t.equal((await alice.send(RenewDelegationToken, 2, { hmac: token.hmac, renewPeriodMs: -1 })).errorCode, errors.NONE)
  t.match(await proveToken(renewed.connection, token), { errorCode: errors.NONE })
  t.equal((await left.connection.send(Metadata, 1, { topics: [] })).topics.length, 0, 'both are served')
  await sleep(left.sessionLifetimeMs + 50)
  t.equal((await renewed.connection.send(Metadata, 1, { topics: [] })).topics.length, 0)
  await t.rejects(left.connection.send(Metadata, 1, { topics: [] }), 'the one that did not ask again is closed')

  t.equal((await alice.send(ExpireDelegationToken, 2, { hmac: token.hmac, expiryTimePeriodMs: -1 })).errorCode, errors.NONE)
  t.equal((await proveToken(renewed.connection, token)).errorCode, errors.SASL_AUTHENTICATION_FAILED, 'a token that was ended')
  const short = await newToken(alice, 1)
  await sleep(10)
  const { connection, errorCode } = await tokenLogin(kafkaPort, short)
  t.equal(errorCode, errors.SASL_AUTHENTICATION_FAILED, 'one that has expired')
  connection.destroy()
})

t.test('--max-reauth holds for tokens too, and the options say how long they live', async t => {
  const { kafkaPort, alice } = await open(t, ['--max-reauth', '5s', '--delegation-token-expiry', '1h', '--delegation-token-max-lifetime', '2h'])
  const token = await newToken(alice)
  const { connection, sessionLifetimeMs } = await tokenLogin(kafkaPort, token)
  connection.destroy()
  t.equal(sessionLifetimeMs, 5000)
  const { issueTimestampMs, expiryTimestampMs, maxTimestampMs } = await alice.send(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs: -1 })
  t.strictSame([expiryTimestampMs - issueTimestampMs, maxTimestampMs - issueTimestampMs], [3_600_000, 7_200_000])
})

t.test('without a secret there are none', async t => {
  const { kafkaPort, login } = await openSecureApp(t)
  const admin = await login('admin')
  t.equal((await admin.send(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs: -1 })).errorCode, errors.DELEGATION_TOKEN_AUTH_DISABLED)
  const { connection, errorCode } = await tokenLogin(kafkaPort, { id: 'admin', hmac: Buffer.alloc(64) })
  t.equal(errorCode, errors.SASL_AUTHENTICATION_FAILED)
  connection.destroy()
})
