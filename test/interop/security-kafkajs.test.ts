/** kafkajs with credentials. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type Kafka as Client, type KafkaConfig, type SASLOptions } from 'kafkajs'
import t from 'tap'
import { topicName } from './support/lines.ts'
import { MAX_REAUTH_MS } from './support/secure-model.ts'
import { startSecureServer } from './support/secure-server.ts'
import { fetchToken, type SecureClient, type Security } from './support/security.ts'
import { securitySuite } from './support/security-suite.ts'
import { eventually } from './support/topics.ts'

const { Kafka, logLevel } = kafkajs

function connect ({ bootstrap, protocol, mechanism, username, password, tokenUrl, ca, leaf }: Security): Client {
  const config: KafkaConfig = {
    brokers: [bootstrap],
    clientId: 'interop',
    logLevel: logLevel.NOTHING,
    retry: { retries: 3, initialRetryTime: 50 },
    // It looks at the clock before each request, and asks again when so little of the session is left.
    reauthenticationThreshold: MAX_REAUTH_MS / 3
  }
  if (mechanism === 'OAUTHBEARER') config.sasl = { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await fetchToken(tokenUrl!) }) }
  else if (mechanism !== undefined) config.sasl = { mechanism: mechanism.toLowerCase(), username, password } as SASLOptions
  if (protocol !== 'SASL_PLAINTEXT') {
    config.ssl = { ca: readFileSync(ca!), ...leaf !== undefined && { cert: readFileSync(leaf.certificate), key: readFileSync(leaf.key) } }
  }
  return new Kafka(config)
}

const client: SecureClient = {
  async produce (security, topic, values) {
    const producer = connect(security).producer()
    try {
      await producer.connect()
      await producer.send({ topic, messages: values.map(value => ({ value })) })
    } finally {
      await producer.disconnect()
    }
  },
  async consume (security, topic, groupId, count) {
    const consumer = connect(security).consumer({ groupId, maxWaitTimeInMs: 200 })
    const values: string[] = []
    try {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await new Promise<void>((resolve, reject) => {
        // From what may be over in a moment, such as a coordinator that is still starting, it starts again by itself.
        consumer.on(consumer.events.CRASH, ({ payload }) => { if (!payload.restart) reject(payload.error) })
        consumer.run({
          eachMessage: async ({ message }) => {
            values.push(message.value!.toString())
            if (values.length === count) resolve()
          }
        }).catch(reject)
      })
    } finally {
      await consumer.disconnect()
    }
    return values
  },
  async flow (security, topic, ms) {
    const producer = connect(security).producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    let count = 0
    for (const end = Date.now() + ms; Date.now() < end; await sleep(5)) await producer.send({ topic, messages: [{ value: `${count++}` }] })
    await producer.disconnect()
    return count
  }
}

const server = await startSecureServer(t)
// A Kafka makes the topic of offsets for the first group. While it does, kafkajs starts anew, and takes the end of its old connection,
// which comes a little late, for that of the new one.
await eventually('there is a coordinator of groups', () => server.admin.fetchOffsets({ groupId: topicName('group') }).then(() => true, () => false))

securitySuite(t, server, client, {
  reauthenticates: true,
  refusals: {
    plainPassword: /^SASL PLAIN authentication failed: Authentication failed/,
    scramPassword: /^SASL SCRAM SHA\d{3} authentication failed: Authentication failed/,
    mechanism: /^The broker does not support the requested SASL mechanism$/,
    expiredToken: /^Request is not valid given the current SASL state$/,
    topicToWrite: /^Not authorized to access topics: /,
    topicToRead: /^Not authorized to access topics: /,
    group: /^Failed to find group coordinator$/,
    noCertificate: /^Connection error: [^]*alert (bad certificate|certificate required)/,
    strangeCertificate: /^Connection error: [^]*alert (certificate unknown|bad certificate|unknown ca)|^Closed connection$/
  }
})
