/**
 * One request to a token endpoint (RFC 6749, section 4.4): client credentials in, a token and its lifetime out.
 *
 * The URL comes from the operator's own configuration and from nowhere else, so it may lead to a private address.
 * Redirects are not followed, and nothing of an answer is ever part of an error but RFC 6749's own words for one.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { expiryOf, isToken } from './oauthbearer.ts'

const MAX_BODY_BYTES = 128 * 1024
/** Where neither the answer nor the token says it (RFC 6749 leaves it out of what an answer must hold). */
const LIFETIME_MS = 5 * 60_000
const MAX_LIFETIME_MS = 24 * 60 * 60_000

export interface TokenQuestion {
  readonly url: URL
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string | null
  readonly secureContext: SecureContext
  /** For all of it. */
  readonly timeoutMs: number
}

export interface GivenToken {
  readonly token: string
  readonly lifetimeMs: number
}

/** What is wrong will not be better the next time. */
export class Refused extends Error {}

/** Rejects with what ends the sentence "No token was to be had: ". */
export async function requestToken (question: TokenQuestion): Promise<GivenToken> {
  const { status, body } = await post(question)
  if (status === 200) return tokenOf(body)
  const { error } = objectIn(body) ?? {}
  const said = typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? ` (${error})` : ''
  const message = `the answer is ${status}${said} and not 200`
  // 408 and 429 say "later"; the rest of 4xx say "not like this".
  throw status >= 400 && status < 500 && status !== 408 && status !== 429 ? new Refused(message) : new Error(message)
}

function tokenOf (body: Buffer): GivenToken {
  const { access_token: token, token_type: type, expires_in: expiresIn } = objectIn(body) ?? {}
  if (typeof token !== 'string') throw new Error('the answer is not a JSON object with an access_token')
  if (!isToken(token)) throw new Error('the access_token is too long, or holds what a token may not')
  if (type !== undefined && (typeof type !== 'string' || type.toLowerCase() !== 'bearer')) throw new Error('the token is not of the type Bearer')
  const expiresMs = expiryOf(token)
  const lifetimeMs = typeof expiresIn === 'number' && Number.isFinite(expiresIn)
    ? expiresIn * 1000
    : expiresMs === null ? LIFETIME_MS : expiresMs - Date.now()
  if (lifetimeMs <= 0) throw new Error('the token has run out before it was given; check the clocks')
  return { token, lifetimeMs: Math.min(lifetimeMs, MAX_LIFETIME_MS) }
}

function objectIn (body: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : null
  } catch {
    return null
  }
}

async function post ({ url, clientId, clientSecret, scope, secureContext, timeoutMs }: TokenQuestion): Promise<{ status: number, body: Buffer }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number, body: Buffer }>()
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...scope !== null && { scope } }).toString()
  const signal = AbortSignal.timeout(timeoutMs)
  const fail = (error: NodeJS.ErrnoException): void =>
    // The messages, those of the HTTP parser above all, may hold what was received.
    reject(new Error(signal.aborted ? `there was no whole answer within ${timeoutMs} ms` : `the connection failed (${error.code ?? 'no code'})`))
  const options = {
    method: 'POST',
    agent: false,
    signal,
    headers: {
      // RFC 6749, section 2.3.1: both are form-encoded first, so that a colon in the id is none.
      authorization: `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`,
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(form)
    }
  }
  const answered = (incoming: IncomingMessage): void => {
    const refuse = (why: string): void => {
      reject(new Error(why))
      incoming.destroy()
    }
    incoming.on('error', fail)
    if ((incoming.headers['content-encoding'] ?? 'identity') !== 'identity') return refuse('the answer is compressed, which was not asked for')
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) return refuse(`the answer is longer than ${MAX_BODY_BYTES} bytes`)
      chunks.push(chunk)
    })
    incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }))
  }
  const withTls: RequestOptions & ConnectionOptions = { ...options, secureContext, rejectUnauthorized: true }
  const outgoing = url.protocol === 'https:' ? requestHttps(url, withTls, answered) : requestHttp(url, options, answered)
  outgoing.on('error', fail)
  outgoing.end(form)
  return await promise
}

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
