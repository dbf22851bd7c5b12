/**
 * A real Kafka broker that asks everyone who they are.
 */
import type { Test } from 'tap'
import type { CertificateFiles } from './certificate-files.ts'
import { formattedBroker, newClusterId, testProperties } from './kafka-broker.ts'
import { freePort } from './ports.ts'
import { MAX_REAUTH_MS, passwordOf, type Ports, type Started } from './secure-model.ts'
import type { TokenServer } from './token-server.ts'

export async function startSecureKafka (t: Test, folder: string, ports: Ports, files: CertificateFiles, tokens: TokenServer): Promise<Started> {
  const internal = await freePort()
  const security = 'org.apache.kafka.common.security'
  const users = ['admin', 'alice', 'bob']
  const mechanisms = (listener: string, ...names: readonly string[]): string[] => [
    `listener.name.${listener}.sasl.enabled.mechanisms=${names.join(',')}`,
    ...names.flatMap(name => {
      const prefix = `listener.name.${listener}.${name.toLowerCase()}`
      if (name === 'PLAIN') {
        return `${prefix}.sasl.jaas.config=${security}.plain.PlainLoginModule required ${users.map(user => `user_${user}="${passwordOf(user)}"`).join(' ')};`
      }
      if (name.startsWith('SCRAM')) return `${prefix}.sasl.jaas.config=${security}.scram.ScramLoginModule required;`
      return [
        `${prefix}.sasl.jaas.config=${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker" ` +
          `ssl.truststore.type="PEM" ssl.truststore.location="${files.ca}";`,
        `${prefix}.sasl.server.callback.handler.class=${security}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
        `${prefix}.sasl.oauthbearer.jwt.validator.class=${security}.oauthbearer.BrokerJwtValidator`,
        `${prefix}.sasl.oauthbearer.jwks.endpoint.url=${tokens.provider.url}`,
        `${prefix}.sasl.oauthbearer.expected.issuer=${tokens.provider.issuer}`,
        `${prefix}.sasl.oauthbearer.expected.audience=${tokens.provider.audience}`
      ]
    })
  ]
  const properties = [
    `advertised.listeners=INTERNAL://127.0.0.1:${internal},SASL_PLAINTEXT://127.0.0.1:${ports.plaintextRelay},` +
      `SASL_SSL://127.0.0.1:${ports.encryptedRelay},SSL://127.0.0.1:${ports.mutual}`,
    'listener.security.protocol.map=INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL',
    'inter.broker.listener.name=INTERNAL',
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The broker itself, to its controller.
    'super.users=User:admin;User:ANONYMOUS',
    `connections.max.reauth.ms=${MAX_REAUTH_MS}`,
    ...mechanisms('sasl_plaintext', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'),
    ...mechanisms('sasl_ssl', 'PLAIN', 'SCRAM-SHA-512', 'OAUTHBEARER'),
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${files.server.both}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${files.ca}`,
    'listener.name.ssl.ssl.client.auth=required',
    ...testProperties()
  ]
  const broker = await formattedBroker(t, folder, {
    listeners: [
      `INTERNAL://127.0.0.1:${internal}`, `SASL_PLAINTEXT://127.0.0.1:${ports.plaintext}`, `SASL_SSL://127.0.0.1:${ports.encrypted}`,
      `SSL://127.0.0.1:${ports.mutual}`
    ],
    properties,
    format: [`--cluster-id=${newClusterId()}`, ...['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(name =>
      users.flatMap(user => ['--add-scram', `${name}=[name=${user},password=${passwordOf(user)}]`]))],
    java: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.provider.url}`],
    listens: [ports.plaintext, ports.encrypted, ports.mutual].map(port => ['127.0.0.1', port] as const)
  })
  await broker.start()
  return { http: '', output: () => broker.output }
}
