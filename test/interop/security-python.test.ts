/** kafka-python with credentials. */
import t from 'tap'
import { python } from './support/cache.ts'
import { startSecureServer } from './support/secure-server.ts'
import { ClientProgram } from './support/security.ts'
import { securitySuite } from './support/security-suite.ts'

const server = await startSecureServer(t)
const client = new ClientProgram(t, await python(), [new URL('support/secure_python.py', import.meta.url).pathname])

securitySuite(t, server, client, {
  reauthenticates: true,
  oneAtATime: true,
  refusals: {
    plainPassword: /^KafkaTimeoutError: [^]*Bootstrap connection to \S+ failed: \[Error 58\] SaslAuthenticationFailedError: /,
    scramPassword: /^KafkaTimeoutError: [^]*Bootstrap connection to \S+ failed: \[Error 58\] SaslAuthenticationFailedError: /,
    // Within TLS the end may come in one piece with the last answer, and then it sees the end alone.
    mechanism: /^KafkaTimeoutError: [^]*Bootstrap connection .* failed: (\[Error 33\] Unsupported|KafkaConnectionError: socket disconnected)/,
    expiredToken: /^KafkaTimeoutError: [^]*Bootstrap connection to \S+ failed: \[Error 58\] SaslAuthenticationFailedError: /,
    topicToWrite: /^TopicAuthorizationFailedError: /,
    topicToRead: /^TimeoutError: read 0 of 1 records[^]*Topic \S+ is not authorized for this client/,
    group: /^GroupAuthorizationFailedError: /,
    noCertificate: /^KafkaTimeoutError: [^]*ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED)/,
    strangeCertificate: /^KafkaTimeoutError: [^]*(ALERT_CERTIFICATE_UNKNOWN|Bootstrap connection to \S+ failed: KafkaConnectionError: socket disconnected)/
  }
})
