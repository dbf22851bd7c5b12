/** The Java client with credentials. */
import t from 'tap'
import { javaCommand } from './support/java.ts'
import { startSecureServer } from './support/secure-server.ts'
import { ClientProgram, javaProperties } from './support/security.ts'
import { securitySuite } from './support/security-suite.ts'

const server = await startSecureServer(t)
const source = new URL('support/SecureClient.java', import.meta.url).pathname
const client = new ClientProgram(t, 'java', await javaCommand(source), javaProperties)

securitySuite(t, server, client, {
  reauthenticates: true,
  refusals: {
    plainPassword: /^SaslAuthenticationException: Authentication failed/,
    scramPassword: /^SaslAuthenticationException: Authentication failed/,
    mechanism: /^UnsupportedSaslMechanismException: .* not enabled in the server, enabled mechanisms are \[PLAIN, SCRAM-SHA-512, OAUTHBEARER\]/,
    expiredToken: /^SaslAuthenticationException: (\{"status":"invalid_token"|Authentication failed)/,
    topicToWrite: /^TopicAuthorizationException: Not authorized to access topics: \[/,
    topicToRead: /^TopicAuthorizationException: Not authorized to access topics: \[/,
    group: /^GroupAuthorizationException: Not authorized to access group: /,
    noCertificate: /^SslAuthenticationException: [^]*Received fatal alert: (bad_certificate|certificate_required)/,
    strangeCertificate: /^SslAuthenticationException: [^]*Received fatal alert: (bad_certificate|unknown_ca|certificate_required)/
  }
})
