/**
 * Asks a Barnabas that serves, over HTTP. One request, one answer; redirects are not followed, so that nobody else is sent
 * the password.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isLoopback } from '../config/address.ts'
import type { NamedSecret } from '../config/credentials.ts'
import { UsageError } from '../config.ts'

const TIMEOUT_MS = 30_000
const MAX_ANSWER_BYTES = 64 * 2 ** 20

/** What went wrong, as a sentence. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

export interface ClientOptions {
  readonly url: string
  readonly credentials: NamedSecret | null
  /** PEM. */
  readonly ca: string | null
  /** Whether a password may go unencrypted to another machine. */
  readonly insecure: boolean
}

export interface Question {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
}

export class Client {
  readonly #base: URL
  readonly #options: ClientOptions

  /** Throws UsageError. */
  constructor (options: ClientOptions) {
    const base = URL.parse(options.url)
    if (base === null || !/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '' || base.search !== '') {
      throw new UsageError(['--url: expected http:// or https:// with a host and a port, such as http://127.0.0.1:8082, and no password in it.'])
    }
    const host = base.hostname.replace(/^\[(.*)\]$/, '$1')
    if (base.protocol === 'http:' && options.credentials !== null && !options.insecure && !isLoopback(host)) {
      throw new UsageError([`--url: ${base.origin} is on another machine, and the password would travel there unencrypted. ` +
        'Use https://, or add --insecure if nobody on that network listens.'])
    }
    this.#base = base
    this.#options = options
  }

  /** The JSON of the answer, null if it has none. Rejects with CommandError. */
  async ask (method: string, path: string, { query = {}, body }: Question = {}): Promise<unknown> {
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    const { status, text } = await this.#send(method, url, body === undefined ? null : JSON.stringify(body))
    const answer = parsed(text)
    if (status >= 200 && status < 300) return answer
    throw new CommandError(this.#explain(status, answer))
  }

  /** The id that Confluent's paths begin with. */
  async cluster (): Promise<string> {
    const { data } = await this.ask('GET', '/v3/clusters') as { readonly data: readonly { readonly cluster_id: string }[] }
    return `/v3/clusters/${encodeURIComponent(data[0]!.cluster_id)}`
  }

  async #send (method: string, url: URL, body: string | null): Promise<{ readonly status: number, readonly text: string }> {
    const { credentials, ca } = this.#options
    const options: RequestOptions & { ca?: string } = {
      method,
      timeout: TIMEOUT_MS,
      headers: {
        accept: 'application/json',
        ...body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        ...credentials === null
          ? {}
          : { authorization: `Basic ${Buffer.from(`${credentials.name}:${credentials.password.reveal()}`).toString('base64')}` }
      },
      ...ca === null ? {} : { ca }
    }
    try {
      return await new Promise((resolve, reject) => {
        const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
        request.on('response', response => { textOf(response).then(text => resolve({ status: response.statusCode!, text }), reject) })
        request.on('timeout', () => request.destroy(new CommandError(`${url.origin} has not answered for ${TIMEOUT_MS / 1000} seconds.`)))
        request.on('error', reject)
        request.end(body)
      })
    } catch (error) {
      throw error instanceof CommandError ? error : new CommandError(unreachable(url, error as NodeJS.ErrnoException))
    }
  }

  /** A problem document (RFC 9457), or Confluent's kind of error. */
  #explain (status: number, answer: unknown): string {
    const { title, detail, message, missing, errors } = (typeof answer === 'object' && answer !== null ? answer : {}) as Answer
    const sentence = detail ?? message ?? title ?? `The server answered with status ${status}.`
    const needs = missing === undefined ? '' : ` Missing: ${missing.operation} on ${missing.resourceType} ${missing.resourceName}.`
    const details = Array.isArray(errors) ? errors.map(one => ` ${JSON.stringify(one)}`).join('') : ''
    const hint = status === 401 && this.#options.credentials === null
      ? ' Say who asks: BARNABAS_CLI_USER=NAME:PASSWORD, or --credentials-file FILE.'
      : status === 404 && answer === null ? ' Is there a Barnabas behind --url?' : ''
    return `${sentence}${sentence.includes(missing?.resourceName ?? '\0') ? '' : needs}${details}${hint}`
  }
}

interface Answer {
  readonly title?: string
  readonly detail?: string
  readonly message?: string
  readonly missing?: { readonly operation: string, readonly resourceType: string, readonly resourceName: string }
  readonly errors?: unknown
}

async function textOf (response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new CommandError('The answer is larger than any of Barnabas.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed (text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return null
  }
}

function unreachable ({ origin, protocol, hostname }: URL, { code = '', message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED': return `Nothing listens at ${origin}. Start Barnabas, or say where it is with --url.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN': return `The name ${hostname} could not be resolved. Say where Barnabas is with --url.`
    case 'ECONNRESET':
    case 'EPROTO':
    case 'HPE_INVALID_CONSTANT':
      return `${origin} does not speak ${protocol === 'https:' ? 'TLS. Try http://' : 'plain HTTP. Try https://'} in --url (${message}).`
    case 'ERR_TLS_CERT_ALTNAME_INVALID': return `The certificate of ${origin} is not for ${hostname}. Use a name that it is for in --url.`
    default:
      return /CERT|SIGNATURE|ISSUER/.test(code)
        ? `The certificate of ${origin} is not trusted (${code}). Name the authority that signed it with --ca FILE.`
        : `${origin} cannot be reached: ${message}.`
  }
}
