/**
 * The client's side of SASL as Kafka speaks it: a handshake that names the mechanism, then one message after the other
 * (KIP-152), of which the last answer says how long that holds (KIP-368).
 */
import { SaslHandshake } from '../../../protocol/messages/17-sasl-handshake.ts'
import { SaslAuthenticate } from '../../../protocol/messages/36-sasl-authenticate.ts'
import { errorRow, errors } from '../../../protocol/errors.ts'
import type { Channel } from '../upstream.ts'
import { IdentityRefused } from './refused.ts'

/** What follows the handshake: SaslAuthenticate, and no bare tokens. Every broker since 1.0 has it. */
const HANDSHAKE_VERSION = 1
/** With the lifetime of the session. Every broker since 2.2 has it; v2 has nothing more. */
const AUTHENTICATE_VERSION = 1
/** The longest exchange of a mechanism that is spoken here takes two. */
const MAX_STEPS = 3
const MAX_SHOWN = 200

/** One proof of identity, from its first message to its last. */
export interface Exchange {
  /** What is shown first. */
  first (): Promise<Buffer>
  /** What is said to an answer of the broker; null where that was the last. Throws an Error that ends the sentence "... failed: ". */
  next (answer: Buffer): Promise<Buffer | null>
  /** More about a refusal, as a sentence, where more is known. */
  refused (): string
  /** What must not be seen in an error, whoever says it. */
  readonly secrets: readonly string[]
}

/**
 * Resolves with how long the proof holds in ms, 0 for as long as the connection. Rejects with IdentityRefused, a sentence for the
 * operator, or with what the channel rejects with.
 */
export async function prove (channel: Channel, mechanism: string, user: string, exchange: Exchange): Promise<number> {
  const who = `${mechanism} as ${user}`
  const { errorCode, mechanisms } = await channel.request(SaslHandshake, HANDSHAKE_VERSION, { mechanism })
  if (errorCode === errors.UNSUPPORTED_SASL_MECHANISM) {
    const offered = mechanisms.map(name => shown(name)).join(', ').slice(0, MAX_SHOWN)
    throw new IdentityRefused(`The cluster does not offer ${mechanism} there, but ${offered === '' ? 'nothing' : offered}. ` +
      'Use one of those, or name a listener that offers it.')
  }
  if (errorCode === errors.ILLEGAL_SASL_STATE) {
    throw new IdentityRefused('The cluster asks for no credentials there. Name a listener that does, or leave --upstream-mechanism out.')
  }
  if (errorCode !== errors.NONE) throw new IdentityRefused(`The cluster refuses ${who} (${errorRow(errorCode).name}).`)
  let message: Buffer | null = await exchange.first().catch((error: Error) => { throw new IdentityRefused(error.message, { cause: error }) })
  for (let step = 0; step < MAX_STEPS; step++) {
    const answer = await channel.request(SaslAuthenticate, AUTHENTICATE_VERSION, { authBytes: message })
    if (answer.errorCode !== errors.NONE) {
      const said = quoted(answer.errorMessage, exchange.secrets)
      throw new IdentityRefused(`The cluster refuses ${who} (${errorRow(answer.errorCode).name})${said}. ${exchange.refused()}`)
    }
    try {
      message = await exchange.next(answer.authBytes)
    } catch (error) {
      throw new IdentityRefused(`${who} failed: ${(error as Error).message}.`, { cause: error })
    }
    if (message === null) return Math.max(0, answer.sessionLifetimeMs)
  }
  throw new IdentityRefused(`${who} failed: the broker does not come to an end.`)
}

/** What a broker says, as far as it can be shown: it is a stranger until it has proved something itself. */
function quoted (text: string | null, secrets: readonly string[]): string {
  if (text === null || text === '') return ''
  const isSafe = !secrets.some(secret => text.includes(secret) || text.includes(Buffer.from(secret).toString('base64')))
  return isSafe ? `: "${shown(text).replace(/\.$/, '')}"` : ''
}

export const shown = (text: string): string => text.slice(0, MAX_SHOWN).replace(/[^\x20-\x7e]/g, '?')
