/** librdkafka with credentials, through confluent-kafka for Python, which brings a newer one than Debian's kcat. */
import t from 'tap'
import { confluentPython } from './support/cache.ts'
import { startSecureServer } from './support/secure-server.ts'
import { ClientProgram, rdkafkaProperties } from './support/security.ts'
import { securitySuite } from './support/security-suite.ts'

const server = await startSecureServer(t)
const program = new URL('support/secure_rdkafka.py', import.meta.url).pathname
const client = new ClientProgram(t, await confluentPython(), [program], rdkafkaProperties)

securitySuite(t, server, client, {
  reauthenticates: true,
  refusals: {
    plainPassword: /code=_AUTHENTICATION,.*SASL authentication error: Authentication failed/,
    scramPassword: /code=_AUTHENTICATION,.*SASL authentication error: Authentication failed/,
    mechanism: /code=_AUTHENTICATION,.*Unsupported SASL mechanism: broker's supported mechanisms: PLAIN,SCRAM-SHA-512,OAUTHBEARER/,
    expiredToken: /code=_AUTHENTICATION,.*Must supply an unexpired token/,
    topicToWrite: /code=TOPIC_AUTHORIZATION_FAILED,/,
    topicToRead: /code=TOPIC_AUTHORIZATION_FAILED,/,
    group: /code=GROUP_AUTHORIZATION_FAILED,/,
    noCertificate: /code=_(TRANSPORT|SSL),.*alert (bad certificate|certificate required)/,
    strangeCertificate: /code=_(TRANSPORT|SSL),.*alert (bad certificate|certificate unknown|unknown ca|certificate required)/
  }
})
