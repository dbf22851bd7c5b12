/**
 * Why a session ends. Of the codes from 4400 on, 4408, 4429 and everything from 4500 are worth another attempt, 4401 with other credentials; 1000 and
 * those below it come from RFC 6455 and, but for 1001, from the WebSocket implementation itself.
 */
export const closes = {
  goingAway: 1001,
  malformed: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  subProtocol: 4406,
  timeout: 4408,
  duplicateId: 4409,
  tooMany: 4429,
  internal: 4500
} as const

export type CloseCode = typeof closes[keyof typeof closes]

/** Ends the session that it is thrown in. The message is the reason that the client gets: a sentence of its own. */
export class Closed extends Error {
  override readonly name = 'Closed'
  readonly code: CloseCode

  constructor (code: CloseCode, reason: string) {
    super(reason)
    this.code = code
  }
}

/** RFC 6455, 5.5: a control frame has 125 bytes, two of them the code. */
const REASON_BYTES = 123

/** `text`, cut at a character's end if it has to be. */
export function reasonOf (text: string): string {
  if (Buffer.byteLength(text) <= REASON_BYTES) return text
  const bytes = Buffer.from(text).subarray(0, REASON_BYTES - 3)
  return new TextDecoder().decode(bytes, { stream: true }) + '…'
}
