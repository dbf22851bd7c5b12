/**
 * What every client must be able to do with every proof of identity, and what it must hear when the proof is wrong.
 */
import { equal } from 'node:assert/strict'
import type { Test } from 'tap'
import { topicName } from './lines.ts'
import { MAX_REAUTH_MS } from './secure-model.ts'
import type { SecureServer } from './secure-server.ts'
import type { Security, SecureClient } from './security.ts'
import { makeTopic } from './topics.ts'

/** What the client says, on a real Kafka as here. */
export interface Refusals {
  readonly plainPassword: RegExp
  readonly scramPassword: RegExp
  readonly mechanism: RegExp
  readonly expiredToken: RegExp
  readonly topicToWrite: RegExp
  readonly topicToRead: RegExp
  readonly group: RegExp
  readonly noCertificate: RegExp
  readonly strangeCertificate: RegExp
}

export interface SuiteOptions {
  readonly refusals: Refusals
  /** Whether the client shows again who it is on the connections that it has; otherwise it is cut off, and comes back. */
  readonly reauthenticates: boolean
  /** For a client that may miss an answer when the end of the connection comes with it, and the more so the busier it is. */
  readonly oneAtATime?: boolean
}

/** How long sessions are watched. */
const FLOW_MS = 3 * MAX_REAUTH_MS

export function securitySuite (t: Test, server: SecureServer, client: SecureClient, { refusals, reauthenticates, oneAtATime = false }: SuiteOptions): void {
  const { files, tokens } = server
  const token = (seconds: number, subject = 'alice'): Security =>
    ({ bootstrap: server.plaintext, protocol: 'SASL_PLAINTEXT', mechanism: 'OAUTHBEARER', tokenUrl: tokens.url(subject, seconds) })
  const encrypted = (security: Security): Security => ({ ...security, bootstrap: server.encrypted, protocol: 'SASL_SSL', ca: files.ca })
  const withoutLeaf: Security = { bootstrap: server.mutual, protocol: 'SSL', ca: files.ca }
  const mutual: Security = { ...withoutLeaf, leaf: files.client }

  /** `open-` is for alice and for the certificate, `closed-` for the super user alone. */
  const createTopic = async (prefix: 'open' | 'closed'): Promise<string> => {
    const topic = topicName(prefix)
    equal(await makeTopic(server.admin, topic), true)
    return topic
  }

  for (const [what, security] of [
    ['PLAIN', server.as('alice', 'PLAIN')],
    ['SCRAM-SHA-256', server.as('alice', 'SCRAM-SHA-256')],
    ['SCRAM-SHA-512', server.as('alice', 'SCRAM-SHA-512')],
    ['OAUTHBEARER', token(60)],
    ['PLAIN within TLS', encrypted(server.as('alice', 'PLAIN'))],
    ['SCRAM-SHA-512 within TLS', encrypted(server.as('alice', 'SCRAM-SHA-512'))],
    ['OAUTHBEARER within TLS', encrypted(token(60))],
    ['certificates on both sides', mutual]
  ] as const) {
    t.test(`${what}: produces and consumes`, async t => {
      const topic = await createTopic('open')
      await client.produce(security, topic, ['a', 'b', 'c'])
      t.strictSame(await client.consume(security, topic, topicName('open-group'), 3), ['a', 'b', 'c'])
    })
  }

  t.test('who shows no good proof is told so', async t => {
    const topic = await createTopic('open')
    const refused = async (security: Security, refusal: RegExp, what: string): Promise<void> => {
      const error = await client.produce(security, topic, ['never']).then(() => null, (error: unknown) => error as Error)
      t.match(error?.message, refusal, what)
      t.notMatch(error?.message, /wrong-secret/, 'without what was shown')
    }
    const attempts: readonly (readonly [Security, RegExp, string])[] = [
      [server.as('alice', 'PLAIN', 'wrong-secret'), refusals.plainPassword, 'PLAIN, a wrong password'],
      [server.as('nobody', 'PLAIN'), refusals.plainPassword, 'PLAIN, an unknown user'],
      [server.as('alice', 'SCRAM-SHA-256', 'wrong-secret'), refusals.scramPassword, 'SCRAM-SHA-256, a wrong password'],
      [server.as('alice', 'SCRAM-SHA-512', 'wrong-secret'), refusals.scramPassword, 'SCRAM-SHA-512, a wrong password'],
      [server.as('nobody', 'SCRAM-SHA-512'), refusals.scramPassword, 'SCRAM-SHA-512, an unknown user'],
      [encrypted(server.as('alice', 'SCRAM-SHA-256')), refusals.mechanism, 'a mechanism that the listener has not'],
      [token(-120), refusals.expiredToken, 'a token that has run out'],
      [withoutLeaf, refusals.noCertificate, 'no certificate'],
      [{ ...mutual, leaf: files.stranger }, refusals.strangeCertificate, 'a stranger\'s certificate']
    ]
    if (oneAtATime) for (const attempt of attempts) await refused(...attempt)
    else await Promise.all(attempts.map(attempt => refused(...attempt)))
    t.strictSame(await server.admin.fetchTopicOffsets(topic), [{ partition: 0, offset: '0', high: '0', low: '0' }], 'nothing was written')
  })

  t.test('who may not is told so', async t => {
    const [open, closed] = [await createTopic('open'), await createTopic('closed')]
    const [alice, bob] = [server.as('alice', 'SCRAM-SHA-512'), server.as('bob', 'SCRAM-SHA-512')]
    await client.produce(alice, open, ['a'])
    await Promise.all([
      t.rejects(client.produce(alice, closed, ['never']), { message: refusals.topicToWrite }, 'to write'),
      t.rejects(client.consume(alice, closed, topicName('open-group'), 1), { message: refusals.topicToRead }, 'to read'),
      t.rejects(client.consume(alice, open, topicName('closed-group'), 1), { message: refusals.group }, 'to be of the group'),
      t.rejects(client.produce(bob, open, ['never']), { message: refusals.topicToWrite }, 'to write what another may')
    ])
    t.strictSame(await server.admin.fetchTopicOffsets(closed), [{ partition: 0, offset: '0', high: '0', low: '0' }], 'nothing was written')
    t.strictSame(await server.admin.fetchTopicOffsets(open), [{ partition: 0, offset: '1', high: '1', low: '0' }])
  })

  for (const [what, security] of [
    ['SCRAM-SHA-256', server.as('alice', 'SCRAM-SHA-256')],
    ['OAUTHBEARER, with tokens that live for seconds', token(6)]
  ] as const) {
    t.test(`no record is lost, and none is there twice, while sessions end: ${what}`, async t => {
      const topic = await createTopic('open')
      const before = server.connections
      const count = await client.flow(security, topic, FLOW_MS)
      const taken = server.connections - before
      t.ok(count > FLOW_MS / 100, `${count} records`)
      t.strictSame(await client.consume(server.as('alice', 'PLAIN'), topic, topicName('open-group'), count), Array.from({ length: count }, (_, i) => `${i}`))
      t.match(await server.admin.fetchTopicOffsets(topic), [{ high: `${count}` }], 'and no more')
      // Two that bootstrap and produce, and room for one more and for the administrator.
      if (reauthenticates) t.ok(taken <= 4, `${taken} connections: it shows again who it is on those that it has`)
      else t.ok(taken > FLOW_MS / MAX_REAUTH_MS, `${taken} connections: it comes back on new ones`)
    })
  }
}
