/**
 * The Authorization header of HTTP: Basic (RFC 7617) and Bearer (RFC 6750).
 */
import { AuthenticationFailed } from './identity.ts'
import { checkLengths } from './plain.ts'
import { decodeUtf8 } from './proof.ts'

export type Authorization =
  | { readonly scheme: 'BASIC', readonly user: string, readonly password: string }
  | { readonly scheme: 'BEARER', readonly token: string }

const MAX_HEADER_CHARS = 32 * 1024
const BASIC = /^basic +(?<pair>[A-Za-z0-9+/]+={0,2})$/i
const BEARER = /^bearer +(?<token>[A-Za-z0-9\-._~+/]+=*)$/i

/** Throws AuthenticationFailed. */
export function parseAuthorization (header: string): Authorization {
  if (header.length > MAX_HEADER_CHARS) throw new AuthenticationFailed(`the header is longer than ${MAX_HEADER_CHARS} characters`)
  const { token } = BEARER.exec(header)?.groups ?? {}
  if (token !== undefined) return { scheme: 'BEARER', token }
  const { pair } = BASIC.exec(header)?.groups ?? {}
  if (pair === undefined) throw new AuthenticationFailed('the header is neither "Basic" nor "Bearer" with what belongs to it')
  const text = decodeUtf8(Buffer.from(pair, 'base64'))
  // A name has no colon, a password may.
  const colon = text?.indexOf(':') ?? -1
  if (text === null || colon < 0) throw new AuthenticationFailed('the Basic credentials are not UTF-8 text with a colon in it')
  const user = text.slice(0, colon)
  const password = text.slice(colon + 1)
  checkLengths(user, password)
  return { scheme: 'BASIC', user, password }
}
