/** franz-go with credentials: the client of Go. */
import t from 'tap'
import { goProgram } from './support/cache.ts'
import { startSecureServer } from './support/secure-server.ts'
import { ClientProgram } from './support/security.ts'
import { securitySuite } from './support/security-suite.ts'

const server = await startSecureServer(t)
const client = new ClientProgram(t, await goProgram(), [])

securitySuite(t, server, client, {
  reauthenticates: true,
  refusals: {
    plainPassword: /^SASL_AUTHENTICATION_FAILED: /,
    scramPassword: /^SASL_AUTHENTICATION_FAILED: /,
    mechanism: /^UNSUPPORTED_SASL_MECHANISM: /,
    expiredToken: /^unexpected data in oauth response/,
    topicToWrite: /^TOPIC_AUTHORIZATION_FAILED: /,
    topicToRead: /^TOPIC_AUTHORIZATION_FAILED: /,
    group: /GROUP_AUTHORIZATION_FAILED: /,
    noCertificate: /^remote error: tls: (bad certificate|certificate required)/,
    strangeCertificate: /^remote error: tls: (bad certificate|unknown certificate authority|certificate required)/
  }
})
