/**
 * A server that asks everyone who they are: Barnabas, or with `INTEROP_AGAINST=kafka` a real Kafka broker, with three
 * listeners, a super user, two users with passwords, one with a certificate, and an identity provider that signs tokens.
 */
import { join } from 'node:path'
import kafkajs, { type Admin } from 'kafkajs'
import type { Test } from 'tap'
import { againstKafka, againstUpstream, logOptions } from './against.ts'
import { CLIENT_NAME, issueCertificates, type CertificateFiles } from './certificate-files.ts'
import { freePort, temporaryFolder } from './ports.ts'
import { Relay } from './relay.ts'
import { Background } from './run.ts'
import { MAX_REAUTH_MS, passwordOf, type Ports, type Started } from './secure-model.ts'
import type { Security } from './security.ts'
import { startSecureKafka } from './secure-kafka.ts'
import { MAIN, START_TIMEOUT_MS } from './server.ts'
import { startTokenServer, type TokenServer } from './token-server.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } = kafkajs

export interface SecureServer {
  /** SASL_PLAINTEXT with every mechanism. */
  readonly plaintext: string
  /** SASL_SSL with every mechanism but SCRAM-SHA-256. */
  readonly encrypted: string
  /** SSL with certificates on both sides. */
  readonly mutual: string
  /** `http://HOST:PORT`; empty where there is no HTTP. */
  readonly http: string
  readonly files: CertificateFiles
  readonly tokens: TokenServer
  readonly admin: Admin
  /** How many connections the listener without encryption has taken so far. */
  readonly connections: number
  /** A user with a password. */
  as (user: string, mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512', password?: string): Security
  /** What the server writes, while it runs and after. */
  readonly output: () => string
}

/**
 * Starts one; it ends with the test. `alice`, and who shows the certificate, may read, write and create what begins with
 * `open-`; `bob` may do nothing.
 */
export async function startSecureServer (t: Test, ...options: readonly string[]): Promise<SecureServer> {
  const folder = temporaryFolder(t)
  const files = await issueCertificates(folder)
  const tokens = await startTokenServer(t, files.provider)
  const [plaintext, encrypted, mutual] = [await freePort(), await freePort(), await freePort()]
  const [relay, encryptedRelay] = [await Relay.open(t, plaintext), await Relay.open(t, encrypted)]
  const ports: Ports = { plaintext, encrypted, mutual, plaintextRelay: relay.port, encryptedRelay: encryptedRelay.port }
  const { http, output } = againstKafka
    ? await startSecureKafka(t, folder, ports, files, tokens)
    : await startBarnabas(t, folder, ports, files, tokens, options)
  const bootstrap = `127.0.0.1:${relay.port}`
  const kafka = new Kafka({
    brokers: [bootstrap],
    clientId: 'interop-admin',
    logLevel: logLevel.NOTHING,
    reauthenticationThreshold: MAX_REAUTH_MS / 3,
    sasl: { mechanism: 'plain', username: 'admin', password: passwordOf('admin') }
  })
  const admin = kafka.admin({ retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 1000 } })
  await admin.connect()
  t.teardown(() => admin.disconnect())
  await admin.createAcls({
    acl: ['User:alice', `User:${CLIENT_NAME}`].flatMap(principal => [
      [AclResourceTypes.TOPIC, AclOperationTypes.READ], [AclResourceTypes.TOPIC, AclOperationTypes.WRITE],
      [AclResourceTypes.TOPIC, AclOperationTypes.CREATE], [AclResourceTypes.GROUP, AclOperationTypes.READ]
    ].map(([resourceType, operation]) => ({
      resourceType: resourceType as number,
      resourceName: 'open-',
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal,
      host: '*',
      operation: operation as number,
      permissionType: AclPermissionTypes.ALLOW
    })))
  })
  return {
    plaintext: bootstrap,
    encrypted: `127.0.0.1:${encryptedRelay.port}`,
    mutual: `127.0.0.1:${mutual}`,
    http,
    files,
    tokens,
    admin,
    get connections () { return relay.taken },
    as: (username, mechanism, password = passwordOf(username)) => ({ bootstrap, protocol: 'SASL_PLAINTEXT', mechanism, username, password }),
    output
  }
}

async function startBarnabas (
  t: Test, folder: string, ports: Ports, files: CertificateFiles, { provider }: TokenServer, options: readonly string[]
): Promise<Started> {
  const address = `127.0.0.1:${await freePort()}`
  const http = `http://${address}`
  const listeners = [
    `SASL_PLAINTEXT://127.0.0.1:${ports.plaintext}?advertised=127.0.0.1:${ports.plaintextRelay}`,
    `SASL_SSL://127.0.0.1:${ports.encrypted}?advertised=127.0.0.1:${ports.encryptedRelay}&mechanisms=PLAIN+SCRAM-SHA-512+OAUTHBEARER`,
    `SSL://127.0.0.1:${ports.mutual}?client-auth=required`
  ]
  const process = new Background(t, globalThis.process.execPath, [
    MAIN, ...await logOptions(t, join(folder, 'data')), '--kafka', listeners.join(','), '--http', http,
    '--max-reauth', `${MAX_REAUTH_MS}ms`, ...againstUpstream ? [] : ['--group-initial-delay', '0'],
    '--tls-cert', files.server.certificate, '--tls-key', files.server.key, '--tls-ca', files.ca,
    '--oauth-jwks', provider.url, '--oauth-ca', files.ca, '--oauth-issuer', provider.issuer, '--oauth-audience', provider.audience, ...options
  ], { ...globalThis.process.env, BARNABAS_ADMIN: `admin:${passwordOf('admin')}` })
  await process.until(/^then\b/m, START_TIMEOUT_MS)
  for (const user of ['alice', 'bob']) {
    const response = await fetch(`${http}/users/${user}`, {
      method: 'PUT',
      headers: { authorization: `Basic ${btoa(`admin:${passwordOf('admin')}`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ password: passwordOf(user) })
    })
    if (!response.ok) throw new Error(`PUT /users/${user}: ${response.status} ${await response.text()}`)
  }
  return { http, output: () => process.stdout + process.stderr }
}
