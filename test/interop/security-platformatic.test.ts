/** @platformatic/kafka with credentials. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, MessagesStreamModes, Producer, stringDeserializers, stringSerializers, type BaseOptions } from '@platformatic/kafka'
import t from 'tap'
import { startSecureServer } from './support/secure-server.ts'
import { fetchToken, type SecureClient, type Security } from './support/security.ts'
import { securitySuite } from './support/security-suite.ts'

function options ({ bootstrap, protocol, mechanism, username, password, tokenUrl, ca, leaf }: Security): BaseOptions {
  return {
    clientId: 'interop',
    bootstrapBrokers: [bootstrap],
    retries: 2,
    retryDelay: 100,
    ...mechanism !== undefined && {
      sasl: {
        mechanism,
        ...username !== undefined && { username },
        ...password !== undefined && { password },
        ...tokenUrl !== undefined && { token: () => fetchToken(tokenUrl) }
      }
    },
    ...protocol !== 'SASL_PLAINTEXT' && {
      tls: { ca: readFileSync(ca!), ...leaf !== undefined && { cert: readFileSync(leaf.certificate), key: readFileSync(leaf.key) } }
    }
  }
}

interface ErrorTree {
  readonly code?: string
  readonly apiId?: string
  readonly message: string
  readonly errors?: readonly ErrorTree[]
  readonly cause?: ErrorTree
}

/** Its errors are trees: what was tried, and what became of it. */
const lines = ({ code, apiId, message, errors = [], cause }: ErrorTree): string[] =>
  [`${apiId ?? code}: ${message}`, ...[...errors, ...cause === undefined ? [] : [cause]].flatMap(lines)]

const told = (error: unknown): never => { throw new Error([...new Set(lines(error as ErrorTree))].join('\n')) }

const client: SecureClient = {
  async produce (security, topic, values) {
    const producer = new Producer({ ...options(security), serializers: stringSerializers })
    try {
      await producer.send({ messages: values.map(value => ({ topic, value })) }).catch(told)
    } finally {
      await producer.close(true)
    }
  },
  async consume (security, topic, groupId, count) {
    const consumer = new Consumer({ ...options(security), groupId, deserializers: stringDeserializers, maxWaitTime: 200 })
    const values: string[] = []
    try {
      const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false }).catch(told)
      for await (const message of stream) {
        values.push(message.value)
        if (values.length === count) break
      }
      await stream.close()
    } finally {
      await consumer.close(true)
    }
    return values
  },
  async flow (security, topic, ms) {
    const producer = new Producer({ ...options(security), serializers: stringSerializers, idempotent: true })
    let count = 0
    for (const end = Date.now() + ms; Date.now() < end; await sleep(5)) await producer.send({ messages: [{ topic, value: `${count++}` }] }).catch(told)
    await producer.close(true)
    return count
  }
}

const server = await startSecureServer(t)

securitySuite(t, server, client, {
  reauthenticates: true,
  refusals: {
    plainPassword: /^PLT_KFK_AUTHENTICATION: SASL authentication failed[^]*^SASL_AUTHENTICATION_FAILED: /m,
    scramPassword: /^PLT_KFK_AUTHENTICATION: SASL authentication failed[^]*^SASL_AUTHENTICATION_FAILED: /m,
    mechanism: /^PLT_KFK_AUTHENTICATION: Cannot find a suitable SASL mechanism[^]*^UNSUPPORTED_SASL_MECHANISM: /m,
    expiredToken: /^ILLEGAL_SASL_STATE: /m,
    topicToWrite: /^TOPIC_AUTHORIZATION_FAILED: /m,
    topicToRead: /^TOPIC_AUTHORIZATION_FAILED: /m,
    group: /^GROUP_AUTHORIZATION_FAILED: /m,
    noCertificate: /^PLT_KFK_NETWORK: /m,
    strangeCertificate: /^PLT_KFK_NETWORK: /m
  }
})
