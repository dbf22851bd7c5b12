/**
 * The whole house in this process, with authentication on: a log of its own (`log-choice.ts`), every door on a free
 * port, a super user and whoever a test adds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { pino, type Logger } from 'pino'
import { errors } from '../../protocol/errors.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import { operations, patternTypes, permissions, resourceTypes, type AclBinding, type QuotaEntity, type QuotaValues } from '../../src/access/model.ts'
import { createApp, type App } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { logOptions } from './log-choice.ts'
import { Connection } from '../engine/connection.ts'

export const ADMIN = { name: 'admin', password: 'admin-secret' } as const

export interface SecureApp {
  readonly app: App
  readonly kafkaPort: number
  /** `http://127.0.0.1:PORT` */
  readonly http: string
  /** A native connection that has authenticated with SASL PLAIN; it ends with the test. */
  readonly login: (name: string, password?: string) => Promise<Connection>
  /** The password is `<name>-secret`. */
  readonly addUser: (name: string) => Promise<void>
  readonly addAcls: (...bindings: readonly AclBinding[]) => Promise<void>
  readonly setQuota: (entity: QuotaEntity, values: QuotaValues) => Promise<void>
}

export const passwordOf = (name: string): string => `${name}-secret`

/** The value of an Authorization header (RFC 7617). */
export const basic = (name: string, password = passwordOf(name)): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

export interface SecureOptions {
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly logger?: Logger
}

export async function openSecureApp (t: Test, { options = [], env = {}, logger = pino({ level: 'silent' }) }: SecureOptions = {}): Promise<SecureApp> {
  // Not t.testdir(), which is gone before the log is closed.
  const folder = mkdtempSync(join(tmpdir(), 'barnabas-secure-'))
  const config = loadConfig([
    ...await logOptions(folder), '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0', '--shutdown-grace', '0', ...options
  ], { BARNABAS_ADMIN: `${ADMIN.name}:${ADMIN.password}`, ...env })
  const app = await createApp(config, logger)
  const connections: Connection[] = []
  t.teardown(async () => {
    for (const connection of connections) connection.destroy()
    await app.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const login = async (name: string, password = passwordOf(name)): Promise<Connection> => {
    const connection = await authenticated(app.kafka[0]!.port, name, password)
    connections.push(connection)
    return connection
  }
  const http = `http://127.0.0.1:${app.http.port}`
  let admin: Connection | undefined
  const asAdmin = async (): Promise<Connection> => (admin ??= await login(ADMIN.name))
  return {
    app,
    kafkaPort: app.kafka[0]!.port,
    http,
    login,
    async addUser (name) {
      const response = await fetch(`${http}/users/${name}`, {
        method: 'PUT',
        headers: { authorization: basic(ADMIN.name), 'content-type': 'application/json' },
        body: JSON.stringify({ password: passwordOf(name) })
      })
      if (!response.ok) throw new Error(`PUT /users/${name}: ${response.status} ${await response.text()}`)
    },
    async addAcls (...bindings) {
      const { results } = await (await asAdmin()).send(CreateAcls, CreateAcls.versions[1], {
        creations: bindings.map(({ resourceType, resourceName, patternType, principal, host, operation, permission }) => ({
          resourceType: resourceTypes[resourceType],
          resourceName,
          resourcePatternType: patternTypes[patternType],
          principal,
          host,
          operation: operations[operation],
          permissionType: permissions[permission]
        }))
      })
      for (const { errorCode, errorMessage } of results) if (errorCode !== errors.NONE) throw new Error(`CreateAcls: ${errorCode} ${errorMessage}`)
    },
    async setQuota (entity, values) {
      const { entries } = await (await asAdmin()).send(AlterClientQuotas, AlterClientQuotas.versions[1], {
        entries: [{
          entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName: entityName as string | null })),
          ops: Object.entries(values).map(([key, value]) => ({ key, value: value as number, remove: false }))
        }],
        validateOnly: false
      })
      for (const { errorCode, errorMessage } of entries) if (errorCode !== errors.NONE) throw new Error(`AlterClientQuotas: ${errorCode} ${errorMessage}`)
    }
  }
}

/** Rejects if the credentials are not accepted. */
export async function authenticated (port: number, name: string, password: string): Promise<Connection> {
  const connection = await Connection.open(port)
  const { errorCode } = await connection.send(SaslHandshake, 1, { mechanism: 'PLAIN' })
  if (errorCode !== errors.NONE) throw new Error(`SaslHandshake: ${errorCode}`)
  const answer = await connection.send(SaslAuthenticate, 2, { authBytes: Buffer.from(`\0${name}\0${password}`) })
  if (answer.errorCode !== errors.NONE) throw new Error(`SaslAuthenticate: ${answer.errorCode} ${answer.errorMessage}`)
  return connection
}
