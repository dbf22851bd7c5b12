/**
 * The HTTP door with everything behind it that asks who may do what, over a log in memory: users with passwords, tokens,
 * tickets, rules and quotas that a test sets, and a clock for the quotas that stands still until it is moved.
 */
import type { Test } from 'tap'
import { compose } from '../../protocol/rpc.ts'
import type { HttpDoor } from '../../routes/door.ts'
import { AclTable } from '../../src/access/acls.ts'
import { AclAuthorizer } from '../../src/access/authorizer.ts'
import type { AclBinding, Operation } from '../../src/access/model.ts'
import { QuotaTable } from '../../src/access/quota-table.ts'
import { Authenticator, type AuthEvent } from '../../src/auth/authenticator.ts'
import type { Backoff } from '../../src/auth/backoff.ts'
import { Credentials } from '../../src/auth/credentials.ts'
import { AuthenticationFailed, type Identity } from '../../src/auth/identity.ts'
import { Feeds } from '../../src/client/feed.ts'
import { createReadGate } from '../../src/client/read-gate.ts'
import { authorize } from '../../src/policies/authorize.ts'
import { mutationQuota } from '../../src/policies/mutation-quota.ts'
import { quota, Quotas } from '../../src/policies/quota.ts'
import { noTurns } from '../src/policies/quota-bench.ts'
import { Users } from '../src/auth/kit.ts'
import { openDoor, type TestDoor } from './http-door.ts'
import { MemoryLog, type MemoryLogOptions } from './memory-log.ts'
import type { HttpAuthentication } from '../../routes/guards.ts'

export interface GuardedDoor extends TestDoor {
  readonly acls: AclTable
  readonly quotas: Quotas
  readonly table: QuotaTable
  readonly events: AuthEvent[]
  readonly denials: string[]
  /** Lets so much time pass for the quotas. */
  readonly pass: (ms: number) => void
  readonly allow: (user: string, operation: Operation, topic: string) => AclBinding
  /** Takes a rule back, as everyone learns at once. */
  readonly revoke: (binding: AclBinding) => void
}

export interface GuardedOptions extends MemoryLogOptions {
  readonly door?: Partial<HttpDoor>
  readonly authentication?: Partial<HttpAuthentication>
  /** Tokens that are good until then, in ms since the epoch, by text: each is of the user whose name it begins with. */
  readonly tokens?: ReadonlyMap<string, number>
  /** How long failures are held back. */
  readonly delayMs?: number
}

export const passwordOf = (name: string): string => `${name}-secret`
export const basic = (name: string, password = passwordOf(name)): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
export const as = (name: string): { authorization: string } => ({ authorization: basic(name) })

const directory = new Users()
for (const name of ['alice', 'bob', 'mallory']) await directory.add(name, passwordOf(name), ['SCRAM-SHA-256'])

/** `admin` is a super user; alice, bob and mallory may do what the test allows them. */
export async function openGuardedDoor (t: Test, options: GuardedOptions = {}): Promise<GuardedDoor> {
  const { tokens = new Map<string, number>(), delayMs = 0 } = options
  const acls = new AclTable()
  const authorizer = new AclAuthorizer(acls, { superUsers: new Set(['User:admin']), allowWithoutAcl: false })
  const table = new QuotaTable()
  let nowMs = 1_000_000
  const quotas = new Quotas(table, () => nowMs, noTurns)
  const denials: string[] = []
  const log = new MemoryLog(options)
  const dispatch = compose(log.dispatch, quota(quotas), authorize(() => authorizer, ({ principal, operation, resourceName, door }) => {
    denials.push(`${principal.name} ${operation} ${resourceName} ${door}`)
  }), mutationQuota(quotas))
  const feeds = new Feeds(dispatch, createReadGate(authorizer.decide.bind(authorizer), ({ principal, door }, topic) => {
    denials.push(`${principal.name} READ ${topic} ${door}`)
  }))
  const events: AuthEvent[] = []
  const authentication = await guard(events, tokens, delayMs)
  const guarded = await openDoor(t, {
    ...options,
    door: {
      dispatch, feeds, access: authorizer, quotas, authentication: { ...authentication, ...options.authentication }, ...options.door
    }
  })
  return {
    ...guarded,
    log,
    acls,
    quotas,
    table,
    events,
    denials,
    pass: ms => { nowMs += ms },
    allow: (user, operation, topic) => {
      const binding: AclBinding = {
        resourceType: 'TOPIC', resourceName: topic, patternType: 'LITERAL', principal: `User:${user}`, host: '*', operation, permission: 'ALLOW'
      }
      acls.add(binding)
      return binding
    },
    revoke: binding => {
      acls.remove(binding)
      feeds.accessChanged()
    }
  }
}

async function guard (events: AuthEvent[], tokens: ReadonlyMap<string, number>, delayMs: number): Promise<HttpAuthentication> {
  const credentials = await Credentials.create({ directory, admin: { name: 'admin', password: passwordOf('admin') } })
  const backoff = { delayMs: () => delayMs, failed () {}, succeeded () {} } as unknown as Backoff
  const authenticator = new Authenticator({ credentials, oauth: null, backoff, observe: event => events.push(event) })
  const principals = new Map<string, Identity['principal']>()
  const bearer = (token: string): Identity => {
    const expiresAtMs = tokens.get(token)
    if (expiresAtMs === undefined || expiresAtMs <= Date.now()) throw new AuthenticationFailed('unknown token')
    const [name] = token.split('-') as [string]
    if (!principals.has(name)) principals.set(name, { type: 'User', name })
    return { principal: principals.get(name)!, method: 'BEARER', expiresAtMs }
  }
  return {
    ready: true,
    anonymous: false,
    publicMetrics: false,
    schemes: tokens.size === 0 ? ['Basic'] : ['Basic', 'Bearer'],
    known: header => authenticator.known(header),
    authorization: async (header, origin) => header.startsWith('Bearer ') && tokens.size > 0
      ? bearer(header.slice(7))
      : await authenticator.authorization(header, origin),
    certificate: (certificate, origin) => authenticator.certificate(certificate, origin),
    issue: identity => authenticator.tickets.issue(identity),
    redeem: (ticket, origin) => authenticator.redeem(ticket, origin),
    failureDelayMs: origin => authenticator.failureDelayMs(origin)
  }
}
