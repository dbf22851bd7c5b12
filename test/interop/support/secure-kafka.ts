/**
 * A real Kafka broker that asks everyone who they are.
 */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { CertificateFiles } from './certificate-files.ts'
import { runJava, startJava } from './java.ts'
import { MAX_REAUTH_MS, passwordOf, type Ports, type Started } from './secure-model.ts'
import { accepts, freePort } from './server.ts'
import type { TokenServer } from './token-server.ts'

export async function startSecureKafka (t: Test, folder: string, ports: Ports, files: CertificateFiles, tokens: TokenServer): Promise<Started> {
  const [internal, controller] = [await freePort(), await freePort()]
  const properties = join(folder, 'server.properties')
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
  writeFileSync(properties, [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=INTERNAL://127.0.0.1:${internal},CONTROLLER://127.0.0.1:${controller},SASL_PLAINTEXT://127.0.0.1:${ports.plaintext},` +
      `SASL_SSL://127.0.0.1:${ports.encrypted},SSL://127.0.0.1:${ports.mutual}`,
    `advertised.listeners=INTERNAL://127.0.0.1:${internal},SASL_PLAINTEXT://127.0.0.1:${ports.plaintextRelay},` +
      `SASL_SSL://127.0.0.1:${ports.encryptedRelay},SSL://127.0.0.1:${ports.mutual}`,
    'listener.security.protocol.map=INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL',
    'controller.listener.names=CONTROLLER',
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
    `log.dirs=${folder}/log`,
    'num.partitions=1',
    'offsets.topic.num.partitions=1',
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0'
  ].join('\n'))
  await runJava('kafka.tools.StorageTool', ['format', `--cluster-id=${randomBytes(16).toString('base64url')}`, '-c', properties,
    ...['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(name => users.flatMap(user => ['--add-scram', `${name}=[name=${user},password=${passwordOf(user)}]`]))])
  const broker = await startJava(t, 'kafka.Kafka', [properties], `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.provider.url}`)
  const ended = broker.exit.then(code => { throw new Error(`Kafka ended with ${code}:\n${broker.stdout.slice(-5000)}\n${broker.stderr.slice(-3000)}`) })
  ended.catch(() => {}) // the end of the test is its end too
  for (const port of [ports.plaintext, ports.encrypted, ports.mutual]) await Promise.race([accepts(port, 60_000), ended])
  return { http: '', output: () => broker.stdout + broker.stderr }
}
