/**
 * A native connection that logs in with a delegation token: SCRAM with Kafka's extension `tokenauth=true` (KIP-48).
 */
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import type { ScramMechanism } from '../../src/access/model.ts'
import { Connection } from '../engine/connection.ts'
import { clientFinal } from '../src/auth/kit.ts'

export interface TokenLogin {
  readonly connection: Connection
  readonly errorCode: number
  /** What the client is told of how long that holds, or 0. */
  readonly sessionLifetimeMs: number
}

export interface Token {
  readonly id: string
  readonly hmac: Buffer
}

export async function tokenLogin (port: number, token: Token, mechanism: ScramMechanism = 'SCRAM-SHA-256'): Promise<TokenLogin> {
  const connection = await Connection.open(port)
  return { connection, ...await proveToken(connection, token, mechanism) }
}

/** The same on a connection that is open: a re-authentication, if it has authenticated before. */
export async function proveToken (
  connection: Connection, { id, hmac }: Token, mechanism: ScramMechanism = 'SCRAM-SHA-256'
): Promise<Omit<TokenLogin, 'connection'>> {
  await connection.send(SaslHandshake, 1, { mechanism })
  const bare = `n=${id},r=abc,tokenauth=true`
  const first = await connection.send(SaslAuthenticate, 2, { authBytes: Buffer.from(`n,,${bare}`) })
  if (first.errorCode !== 0) return first
  const { message } = clientFinal(mechanism, hmac.toString('base64'), bare, first.authBytes.toString())
  const { errorCode, sessionLifetimeMs } = await connection.send(SaslAuthenticate, 2, { authBytes: Buffer.from(message) })
  return { errorCode, sessionLifetimeMs }
}
