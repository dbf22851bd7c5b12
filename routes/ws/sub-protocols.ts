/**
 * The sub-protocols that a client offers. One of them may be a token in disguise, since a page can set no other header of a
 * WebSocket: it is read, never chosen, and never repeated.
 */

const BEARER = 'base64url.bearer.authorization.barnabas.'

/** Without those that carry a secret. Undefined if nothing is offered. */
export function offeredIn (header: string | undefined): readonly string[] | undefined {
  return namesIn(header)?.filter(name => !name.startsWith(BEARER))
}

/** The token that stands among them, or null. What is no base64url is a token that nobody has issued. */
export function bearerIn (header: string | undefined): string | null {
  const name = namesIn(header)?.find(name => name.startsWith(BEARER))
  return name === undefined ? null : Buffer.from(name.slice(BEARER.length), 'base64url').toString()
}

const namesIn = (header: string | undefined): readonly string[] | undefined => header?.split(',').map(name => name.trim())
