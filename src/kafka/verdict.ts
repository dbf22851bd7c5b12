/**
 * What an error means for the connection it came from: nonsense from a stranger, a request that breaks the protocol, or a
 * failure of ours. The connection ends in any case.
 */
import { FrameLengthError } from '../../protocol/frame.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import type { DisconnectCause } from './stats.ts'
import { describeStranger } from './stranger.ts'

export interface Verdict {
  readonly cause: DisconnectCause
  readonly level: 'warn' | 'error'
  readonly sentence: string
  /** What to answer first, if anything. */
  readonly reply: Buffer | null
}

/** `isKafka`: a whole frame has come over this connection before. */
export function verdictOn (error: unknown, isKafka: boolean, where: string, httpHint: string | null): Verdict {
  if (error instanceof FrameLengthError && !isKafka) {
    return { cause: 'not_kafka', level: 'warn', ...describeStranger(error.announced, where, httpHint) }
  }
  if (error instanceof ProtocolError) {
    return { cause: 'protocol', level: 'warn', sentence: `Not a valid request: ${error.message}. The connection is closed.`, reply: null }
  }
  // There is no answer in Kafka that would fit every request.
  return { cause: 'failure', level: 'error', sentence: 'A request failed unexpectedly. The connection is closed.', reply: null }
}
