import t, { type Test } from 'tap'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { KafkaError } from '../../../../protocol/errors.ts'
import { anonymous, internalPrincipal, type Principal } from '../../../../protocol/rpc.ts'
import { readMapping } from '../../../../storage/cluster/security/mapping.ts'
import type { SaslOptions } from '../../../../storage/cluster/security/options.ts'
import { createUpstreamSecurity, type Surroundings } from '../../../../storage/cluster/security/security.ts'
import type { UpstreamSecurity } from '../../../../storage/cluster/upstream.ts'
import { FakeChannel } from './fake-channel.ts'

const SECRET = 'secret-canary'
const service: SaslOptions = { mechanism: 'PLAIN', username: 'gateway', password: { reveal: () => 'service-secret' } }
const user = (name: string): Principal => ({ type: 'User', name })
const [alice, bob, carol] = [user('alice'), user('bob'), user('carol')]

interface House {
  readonly security: UpstreamSecurity
  readonly warnings: string[]
  /** Replaces the mapping, and lets a while pass. */
  write (mapping: string): void
  wait (ms: number): void
}

function house (t: Test, mapping: string, surroundings: Surroundings = {}): House {
  const file = join(t.testdir({ 'mapping.yaml': mapping, 'bob.token': 'bobs-token', 'alice.password': 'alices-secret\n' }), 'mapping.yaml')
  const warnings: string[] = []
  let nowMs = 0
  const security = createUpstreamSecurity({ tls: null, sasl: service, credentials: file, insecure: true },
    { warn: sentence => warnings.push(sentence), clock: () => nowMs, ...surroundings })
  return {
    security,
    warnings,
    write (mapping) {
      rmSync(file)
      writeFileSync(file, mapping)
      nowMs += 1000
    },
    wait (ms) { nowMs += ms }
  }
}

async function shownBy (security: UpstreamSecurity, principal: Principal): Promise<string> {
  const channel = new FakeChannel()
  await security.identityFor(principal).authenticate(channel)
  return channel.shown[0]!
}

const plain = (name: string, password = `${name}-secret`): string => `{ mechanism: PLAIN, username: ${name}, password: ${password} }`

t.test('without a mapping everybody goes as the service identity', async t => {
  const security = createUpstreamSecurity({ tls: null, sasl: service, credentials: null, insecure: false })
  for (const principal of [alice, anonymous, internalPrincipal]) t.equal(await shownBy(security, principal), '\0gateway\0service-secret')
  t.equal(security.identityFor(alice), security.identityFor(bob))
  t.notMatch(security.identityFor(alice).key, 'service-secret')
  const open = createUpstreamSecurity({ tls: null, sasl: null, credentials: null, insecure: false }).identityFor(alice)
  const channel = new FakeChannel()
  t.equal(await open.authenticate(channel), 0)
  t.strictSame(channel.versions, [], 'where nothing is asked for, nothing is said')
})

t.test('with one, as whom it says', async t => {
  const { security } = house(t, [
    'User:alice: { mechanism: PLAIN, username: alice-there, passwordFile: alice.password }',
    'User:bob: { mechanism: OAUTHBEARER, tokenFile: bob.token }',
    `"User:CN=carol,O=Barnabas": ${plain('carol-there')}`,
    `default: ${plain('guest')}`
  ].join('\n'))
  t.equal(await shownBy(security, alice), '\0alice-there\0alices-secret', 'a file beside the mapping')
  t.equal(await shownBy(security, bob), 'n,,\x01auth=Bearer bobs-token\x01\x01')
  t.equal(await shownBy(security, user('CN=carol,O=Barnabas')), '\0carol-there\0carol-there-secret')
  t.equal(await shownBy(security, anonymous), '\0guest\0guest-secret')
  t.equal(await shownBy(security, internalPrincipal), '\0gateway\0service-secret', 'the process itself')
  t.equal(await shownBy(security, { ...internalPrincipal }), '\0guest\0guest-secret', 'and nobody who is merely called that')
  t.equal(await shownBy(security, { type: 'User', name: 'alice', tokenAuthenticated: true }), '\0alice-there\0alices-secret')
  t.equal(await shownBy(security, user('default')), '\0guest\0guest-secret')
})

t.test('nobody goes for whom it does not name', async t => {
  const { security } = house(t, `User:alice: ${plain('a')}`)
  try {
    security.identityFor(bob)
    t.fail('is refused')
  } catch (error) {
    t.ok(error instanceof KafkaError)
    t.match(error, {
      code: 'CLUSTER_AUTHORIZATION_FAILED',
      message: 'Nobody goes to the cluster for User:bob: the file of upstream credentials names neither it nor a default.'
    })
  }
})

t.test('the same credentials are the same identity, others are another', async t => {
  const { security, write } = house(t, `User:alice: ${plain('a')}\nUser:bob: ${plain('a')}\nUser:carol: ${plain('a', 'wrong')}`)
  const before = security.identityFor(alice)
  t.equal(before.key, security.identityFor(bob).key)
  t.not(before.key, security.identityFor(carol).key, 'the same name, but not the same proof: it must not use what another has proved')
  t.notMatch(before.key, 'a-secret')
  write(`User:carol: ${plain('a', 'wrong')}\nUser:alice: ${plain('a')}\nUser:bob: ${plain('a', 'new')}`)
  t.equal(security.identityFor(alice), before, 'what stays the same stays')
  t.not(security.identityFor(bob).key, before.key)
})

t.test('a mapping that changed is used within a second, and one that is wrong is not', async t => {
  const { security, write, warnings } = house(t, `User:alice: ${plain('a')}`)
  write(`User:alice: ${plain('b')}\nUser:bob: ${plain('c')}`)
  t.equal(await shownBy(security, alice), '\0b\0b-secret')
  t.equal(await shownBy(security, bob), '\0c\0c-secret')
  write(`User:alice: ${plain('b', `'${SECRET}`)}`)
  t.equal(await shownBy(security, bob), '\0c\0c-secret')
  write('User:alice: { mechanism: PLAIN, username: x, passwordFile: nowhere }')
  t.equal(await shownBy(security, bob), '\0c\0c-secret')
  t.match(warnings, [/mapping\.yaml line \d is not YAML \([A-Z_]+\)\. What was read before is used on\.$/, /nowhere cannot be read: ENOENT/])
  t.notMatch(warnings.join(), SECRET)
  write(`User:alice: ${plain('b')}`)
  t.throws(() => security.identityFor(bob), { code: 'CLUSTER_AUTHORIZATION_FAILED' })
})

t.test('there is a bound on how many are in use', async t => {
  const mapping = `User:alice: ${plain('a')}\nUser:bob: ${plain('b')}\nUser:carol: ${plain('c')}\nUser:dave: ${plain('a')}`
  const { security, wait } = house(t, mapping, { maxIdentities: 2 })
  const first = security.identityFor(alice)
  security.identityFor(bob)
  t.throws(() => security.identityFor(carol), {
    code: 'CLUSTER_AUTHORIZATION_FAILED', message: 'User:carol cannot go to the cluster now: 2 different users of it are in use, which is the most.'
  })
  t.equal(security.identityFor(user('dave')), first, 'who goes as one of them is no other')
  security.identityFor(internalPrincipal)
  wait(6 * 60_000)
  await first.authenticate(new FakeChannel())
  wait(5 * 60_000)
  t.ok(security.identityFor(carol), 'bob has not been there for ten minutes')
  t.throws(() => security.identityFor(bob), { code: 'CLUSTER_AUTHORIZATION_FAILED' })
})

t.test('files that are no mapping', async t => {
  const file = join(t.testdir({ mapping: '' }), 'mapping')
  const problem = (text: string): string => {
    writeFileSync(file, text)
    try {
      return inspect(readMapping(file))
    } catch (error) {
      return (error as Error).message
    }
  }
  for (const [text, sentence] of [
    ['', /mapping must hold one user a line/],
    ['- a', /must hold one user a line/],
    [`alice: ${plain('a', SECRET)}`, /line 1 begins with no principal\. Expected User:NAME, or default\./],
    [`${SECRET}: 5`, /begins with no principal/],
    [`User:a: ${plain('a')}\nUser:a: ${plain('b')}`, /line 2 is not YAML \(DUPLICATE_KEY\)/],
    ['User:a: 5', /line 1 says nothing of 'User:a'\. Expected mechanism/],
    [`User:a: { mechanism: PLAIN, username: a, ${SECRET}: b }`, /holds a key that is none of mechanism, username, password, passwordFile, tokenFile\./],
    ['User:a: { mechanism: PLAIN, username: a, password: 12345 }', /password of 'User:a' must be a text; put it in quotes\./],
    ['User:a: { mechanism: PLAIN, username: a, password: "" }', /password of 'User:a' must be a text/],
    ['User:a: { mechanism: PLAIN, username: "a\\0b", password: c }', /username of 'User:a' must be a text/],
    ['User:a: { mechanism: PLAIN, username: a }', /'User:a' needs either password or passwordFile\./],
    [`User:a: { mechanism: PLAIN, username: a, password: ${SECRET}, passwordFile: b }`, /needs either/],
    [`User:a: { mechanism: PLAIN, password: ${SECRET} }`, /'User:a' has no username\./],
    [`User:a: { mechanism: PLAIN, username: a, password: ${SECRET}, tokenFile: b }`, /has tokenFile, which means nothing with PLAIN\./],
    ['User:a: { mechanism: OAUTHBEARER }', /has no tokenFile\./],
    [`User:a: { mechanism: OAUTHBEARER, tokenFile: a, password: ${SECRET} }`, /has password, which means nothing with OAUTHBEARER\./],
    [`User:a: { mechanism: ${SECRET}, username: a }`, /has no mechanism that is known\. Expected PLAIN/],
    [`User:a: { username: a, password: ${SECRET} }`, /has no mechanism/],
    [`User:a: ${plain('a', `"${SECRET}`)}`, /line \d is not YAML/],
    [`a: &x ${plain('a', SECRET)}\nUser:b: *x`, /begins with no principal/],
    [`User:a: &x ${plain('a', SECRET)}\nUser:b: *x`, /line 2 says nothing of 'User:b'/],
    ['#'.repeat(2 ** 20 + 1), /is longer than 1048576 bytes/]
  ] as const) {
    const told = problem(text)
    t.match(told, sentence, text.slice(0, 60))
    t.notMatch(told, SECRET)
  }
  t.notMatch(problem(`User:a: ${plain('a', SECRET)}`), SECRET, 'and what is read does not show it')
})
