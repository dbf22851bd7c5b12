/**
 * Whoever knows credentials, in memory: one step for PLAIN, two for SCRAM, and OAUTHBEARER, which wants its error heard.
 */
import { errors } from '../../../protocol/errors.ts'
import { SaslHandshake } from '../../../protocol/messages/17-sasl-handshake.ts'
import { SaslAuthenticate } from '../../../protocol/messages/36-sasl-authenticate.ts'
import type { Response } from '../../../protocol/schema.ts'
import { AuthenticationFailed, type Identity, type Mechanism, type Origin, type SaslServer, type SaslStep } from '../../../src/auth/identity.ts'
import type { DoorOptions, Wire } from './wire.ts'

export interface FakeSasl extends SaslServer {
  readonly origins: Origin[]
  /** Names whose proofs run out, in ms since the epoch. */
  readonly expiries: Map<string, number>
  delayMs: number
  /** What every step waits for. */
  before: () => Promise<void>
}

const NO_BYTES = Buffer.alloc(0)

export function fakeSasl (): FakeSasl {
  const check = (text: string): Identity => {
    const [, name = '', password] = text.split('\0')
    if (password !== `${name}-secret`) throw new AuthenticationFailed(`the password of ${name} is wrong`)
    return { principal: { type: 'User', name }, method: 'PLAIN', expiresAtMs: server.expiries.get(name) ?? null }
  }
  const steps: Partial<Record<Mechanism, (text: string, step: number) => SaslStep>> = {
    PLAIN: text => ({ done: true, reply: NO_BYTES, identity: check(text) }),
    'SCRAM-SHA-256': (text, step) =>
      step === 1 ? { done: false, reply: Buffer.from('r=1') } : { done: true, reply: Buffer.from('v=1'), identity: check(text) },
    OAUTHBEARER (text) {
      if (text !== 'token') throw new AuthenticationFailed('the token has expired', undefined, Buffer.from('{"status":"invalid_token"}'))
      return { done: true, reply: NO_BYTES, identity: { principal: { type: 'User', name: 'bearer' }, method: 'OAUTHBEARER', expiresAtMs: null } }
    }
  }
  const server: FakeSasl = {
    origins: [],
    expiries: new Map(),
    delayMs: 0,
    before: () => Promise.resolve(),
    start (mechanism, origin) {
      server.origins.push(origin)
      let count = 0
      return {
        async step (bytes) {
          await server.before()
          return steps[mechanism]!(bytes.toString(), ++count)
        }
      }
    },
    failureDelayMs: () => server.delayMs
  }
  return server
}

export const saslDoor = (sasl: SaslServer): DoorOptions & { readonly mechanisms: readonly Mechanism[] } =>
  ({ protocol: 'SASL_PLAINTEXT', sasl, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER'] })

export const plain = (name: string, password = `${name}-secret`): Buffer => Buffer.from(`\0${name}\0${password}`)

export async function handshake (wire: Wire, mechanism = 'PLAIN', version = 1): Promise<Response<typeof SaslHandshake>> {
  wire.send(SaslHandshake, version, 1, { mechanism })
  return (await wire.answer(SaslHandshake, version)).body
}

export async function authenticate (wire: Wire, authBytes: Buffer, version = 2): Promise<Response<typeof SaslAuthenticate>> {
  wire.send(SaslAuthenticate, version, 2, { authBytes })
  return (await wire.answer(SaslAuthenticate, version)).body
}

/** Throws if that fails. */
export async function login (wire: Wire, name: string): Promise<Response<typeof SaslAuthenticate>> {
  const { errorCode } = await handshake(wire)
  const answer = await authenticate(wire, plain(name))
  if (errorCode !== errors.NONE || answer.errorCode !== errors.NONE) throw new Error(`login failed: ${errorCode} ${answer.errorCode}`)
  return answer
}

/** A bare token, as they follow a handshake v0. */
export function token (bytes: Buffer): Buffer {
  const frame = Buffer.alloc(4 + bytes.length)
  frame.writeInt32BE(bytes.length)
  bytes.copy(frame, 4)
  return frame
}
