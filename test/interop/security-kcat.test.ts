/**
 * kcat with credentials, and Debian's librdkafka (2.0.2) behind it. That one can do less than the newer one of
 * `security-rdkafka.test.ts`: it is built without OIDC, so it has no tokens but unsigned ones; it does not re-authenticate,
 * and kcat gives up when its only connection ends; and its SCRAM repeats the client's nonce, which Kafka from 3.9 on refuses
 * (fixed in librdkafka 2.6.1).
 */
import t from 'tap'
import { linesOf, numberedLines, topicName } from './support/lines.ts'
import { run } from './support/run.ts'
import { startSecureServer } from './support/secure-server.ts'
import { rdkafkaProperties, type Security } from './support/security.ts'
import { makeTopic } from './support/topics.ts'

const server = await startSecureServer(t)
const { files } = server

const encrypted = (security: Security): Security => ({ ...security, bootstrap: server.encrypted, protocol: 'SASL_SSL', ca: files.ca })

async function kcat (security: Security, args: readonly string[], input = ''): Promise<string> {
  const properties = Object.entries(rdkafkaProperties(security)).flatMap(([name, value]) => ['-X', `${name}=${value}`])
  const { code, stdout, stderr } = await run('kcat', [...properties, ...args], { input })
  if (code !== 0) throw new Error(stderr)
  return stdout
}

async function createTopic (prefix: string): Promise<string> {
  const topic = topicName(prefix)
  await makeTopic(server.admin, topic)
  return topic
}

for (const [what, security] of [
  ['PLAIN', server.as('alice', 'PLAIN')],
  ['PLAIN within TLS', encrypted(server.as('alice', 'PLAIN'))],
  ['certificates on both sides', { bootstrap: server.mutual, protocol: 'SSL', ca: files.ca, leaf: files.client }]
] as const satisfies readonly (readonly [string, Security])[]) {
  t.test(`${what}: produces and consumes`, async t => {
    const topic = await createTopic('open')
    const lines = numberedLines(20)
    await kcat(security, ['-P', '-t', topic], lines.join('\n'))
    t.strictSame(linesOf(await kcat(security, ['-C', '-q', '-t', topic, '-o', 'beginning', '-e'])), lines)
  })
}

t.test('it says what is wrong', async t => {
  const [open, closed] = [await createTopic('open'), await createTopic('closed')]
  const password = /Authentication failure: .*SASL authentication error: Authentication failed/
  for (const [what, security, topic, refusal] of [
    ['PLAIN, a wrong password', server.as('alice', 'PLAIN', 'wrong-secret'), open, password],
    ['SCRAM, a wrong password', server.as('alice', 'SCRAM-SHA-256', 'wrong-secret'), open, password],
    ['SCRAM, the right password and a nonce that is not the one that was given', server.as('alice', 'SCRAM-SHA-512'), open, password],
    ['a mechanism that the listener has not', encrypted(server.as('alice', 'SCRAM-SHA-256')), open, /Unsupported SASL mechanism/],
    ['a topic that is not for everybody', server.as('alice', 'PLAIN'), closed, /Delivery failed for message: Broker: Topic authorization failed/],
    ['no certificate', { bootstrap: server.mutual, protocol: 'SSL', ca: files.ca }, open, /alert (bad certificate|certificate required)/]
  ] as const satisfies readonly (readonly [string, Security, string, RegExp])[]) {
    await t.rejects(kcat(security, ['-P', '-t', topic], 'never\n'), { message: refusal }, what)
    t.strictSame(await server.admin.fetchTopicOffsets(topic), [{ partition: 0, offset: '0', high: '0', low: '0' }], 'nothing was written')
  }
})
