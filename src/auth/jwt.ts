/**
 * Who a JSON Web Token speaks of (RFC 7519), if it is one of the issuer's, for us, and good now.
 *
 * CVE-2026-33557: there is no way to have tokens accepted without keys, issuer and audience. What RFC 8725 warns of is
 * refused before any key is looked at: `none`, symmetric algorithms, encrypted and nested tokens, critical headers, keys
 * that a token brings along, keys used for an algorithm that is not theirs, JSON that names a key twice.
 */
import { createHash } from 'node:crypto'
import { errors, jwtVerify, type JWK, type JWTPayload } from 'jose'
import { BoundedMap } from './bounded-map.ts'
import { AuthenticationFailed } from './identity.ts'
import { Jwks, type JwksState } from './jwks.ts'
import { decodeUtf8 } from './proof.ts'
import { asObject, parseStrictJson } from './strict-json.ts'

const MAX_TOKEN_CHARS = 16 * 1024
const MAX_KID = 1000
const MAX_NAME = 1024
const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 10_000
/** Beyond any date: what lies after it is as good as for ever. */
const MAX_DATE_MS = 8.64e15

/** Which keys an algorithm may be used with: the type, and the curve where there are several. */
const algorithms: Readonly<Record<string, readonly [kty: string, crv?: string]>> = {
  RS256: ['RSA'], RS384: ['RSA'], RS512: ['RSA'], PS256: ['RSA'], ES256: ['EC', 'P-256'], ES384: ['EC', 'P-384'], EdDSA: ['OKP', 'Ed25519']
}

/** Token types of RFC 7519 and RFC 9068. Other tokens of the same issuer, of a logout for one, are no proof of identity. */
const types = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'])

export interface OauthOptions {
  /** https only. */
  readonly jwksUrl: string
  readonly issuer: string
  /** A token is to name one of them. */
  readonly audience: readonly string[]
  /** Which claim is the name of the principal. */
  readonly principalClaim?: string
  /** How far the clock of the issuer may be from ours. */
  readonly clockSkewMs?: number
  /** PEM, trusted for https besides what is trusted anyway. */
  readonly ca?: string
  /** Told in one sentence whenever the keys cannot be fetched. */
  readonly onFailure?: (reason: string) => void
  /** In ms since the epoch. */
  readonly clock?: () => number
}

/** What a good token says. */
export interface TokenHolder {
  readonly user: string
  readonly expiresAtMs: number
}

interface Header {
  readonly alg: string
  readonly kid: string | undefined
}

export class OauthVerifier {
  readonly #jwks: Jwks
  readonly #issuer: string
  readonly #audience: string[]
  readonly #principalClaim: string
  readonly #skewMs: number
  readonly #clock: () => number
  readonly #remembered = new BoundedMap<string, { readonly holder: TokenHolder, readonly untilMs: number }>(MAX_REMEMBERED)

  /** Throws if it is not said whose tokens, and which, are accepted. */
  constructor ({ jwksUrl, issuer, audience, principalClaim = 'sub', clockSkewMs = 30_000, ca, onFailure, clock = Date.now }: OauthOptions) {
    if (issuer === '') throw new Error('OAuth needs the issuer whose tokens are accepted.')
    if (audience.length === 0 || audience.includes('')) throw new Error('OAuth needs the audience that tokens are to be for, or tokens for others would pass.')
    if (principalClaim === '') throw new Error('OAuth needs the name of the claim that is the principal\'s name.')
    this.#jwks = new Jwks({ url: jwksUrl, clock, ...ca !== undefined && { ca }, ...onFailure !== undefined && { onFailure } })
    this.#issuer = issuer
    this.#audience = [...audience]
    this.#principalClaim = principalClaim
    this.#skewMs = clockSkewMs
    this.#clock = clock
  }

  get state (): JwksState { return this.#jwks.state }

  /** Fetches the keys, and keeps them fresh. Never rejects: an identity provider that is away does not keep us from starting. */
  async start (): Promise<void> { await this.#jwks.start() }
  close (): void { this.#jwks.close() }

  /** Whose token this is, if it was good a moment ago. */
  remembered (token: string): TokenHolder | null {
    const known = this.#remembered.get(digestOf(token))
    return known !== undefined && this.#clock() < known.untilMs ? known.holder : null
  }

  /** Rejects with AuthenticationFailed. */
  async verify (token: string): Promise<TokenHolder> {
    const known = this.remembered(token)
    if (known !== null) return known
    if (token.length > MAX_TOKEN_CHARS) throw new AuthenticationFailed(`the token is longer than ${MAX_TOKEN_CHARS} characters`)
    const { alg, kid } = headerOf(token)
    const key = chooseKey(await this.#jwks.find(kid), alg)
    if (key === undefined) throw new AuthenticationFailed('no key of the issuer fits the token')
    const claims = await this.#claims(token, alg, key)
    const holder = this.#holder(claims)
    const untilMs = Math.min(claims.exp * 1000, this.#clock() + REMEMBERED_MS)
    this.#remembered.set(digestOf(token), { holder, untilMs })
    return holder
  }

  async #claims (token: string, alg: string, key: JWK): Promise<JWTPayload & { exp: number }> {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [alg],
        issuer: this.#issuer,
        audience: this.#audience,
        clockTolerance: this.#skewMs / 1000,
        currentDate: new Date(this.#clock()),
        requiredClaims: ['exp', 'iat', this.#principalClaim]
      })
      return payload as JWTPayload & { exp: number }
    } catch (error) {
      throw new AuthenticationFailed(reasonOf(error))
    }
  }

  #holder (claims: JWTPayload & { exp: number }): TokenHolder {
    const now = this.#clock()
    if (claims.iat! * 1000 > now + this.#skewMs) throw new AuthenticationFailed('the token is of the future ("iat")')
    const user = Object.hasOwn(claims, this.#principalClaim) ? claims[this.#principalClaim] : undefined
    // eslint-disable-next-line no-control-regex
    if (typeof user !== 'string' || user.trim() === '' || user.length > MAX_NAME || /[\0-\x1f\x7f]/.test(user)) {
      throw new AuthenticationFailed(`the claim "${this.#principalClaim}" of the token is not the name of anyone`)
    }
    const expiresAtMs = Math.min(claims.exp * 1000, MAX_DATE_MS)
    // What is over by our clock and not by the issuer's holds for as long as the clocks may differ.
    return { user, expiresAtMs: expiresAtMs > now ? expiresAtMs : expiresAtMs + this.#skewMs }
  }
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64')

/** What is wrong with a token before anyone asks who has signed it. */
function headerOf (token: string): Header {
  const parts = token.split('.')
  if (parts.length === 5) throw new AuthenticationFailed('the token is encrypted (JWE), which is not accepted')
  if (parts.length !== 3 || !parts.every(part => /^[A-Za-z0-9_-]+$/.test(part))) throw new AuthenticationFailed('the token is not a signed JWT in compact form')
  const header = objectOf(parts[0]!)
  if (header === null || objectOf(parts[1]!) === null) {
    throw new AuthenticationFailed('the header or the claims of the token are not a JSON object in which every key occurs once')
  }
  const { alg, kid, typ, cty } = header
  if (typeof alg !== 'string' || !Object.hasOwn(algorithms, alg)) {
    throw new AuthenticationFailed(`the algorithm of the token is not one of ${Object.keys(algorithms).join(', ')}`)
  }
  if ('crit' in header || 'b64' in header) throw new AuthenticationFailed('the token has a critical header that is not known here')
  if (cty !== undefined) throw new AuthenticationFailed('the token holds another token')
  if (typ !== undefined && !(typeof typ === 'string' && types.has(typ.toLowerCase()))) {
    throw new AuthenticationFailed('the token is of another type than JWT or at+jwt')
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID)) {
    throw new AuthenticationFailed(`the key id of the token is no text of at most ${MAX_KID} characters`)
  }
  return { alg, kid }
}

function objectOf (part: string): Record<string, unknown> | null {
  return asObject(parseStrictJson(decodeUtf8(Buffer.from(part, 'base64url')) ?? '')?.value)
}

/** The one key of the right type. Without a name, several could be meant: then none is. */
function chooseKey (keys: readonly JWK[], alg: string): JWK | undefined {
  const [kty, crv] = algorithms[alg]!
  const fitting = keys.filter(key => key.kty === kty && (crv === undefined || key.crv === crv) && (key.alg === undefined || key.alg === alg) &&
    (key.key_ops === undefined || key.key_ops.includes('verify')))
  return fitting.length === 1 ? fitting[0] : undefined
}

/** In words of our own: those of the library may hold what the token says. */
function reasonOf (error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `the claim "${error.claim}" of the token is ${error.reason === 'missing' ? 'missing' : 'not acceptable'}`
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the token is not the issuer\'s'
  return 'the token cannot be verified with the key of the issuer'
}
