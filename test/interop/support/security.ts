/**
 * How a client of the security tests shows who it is, and what every such client can be asked to do. The clients that are
 * programs of their own take one line of JSON a job and answer with one line of JSON.
 */
import type { Test } from 'tap'
import type { LeafFiles } from './certificate-files.ts'
import { Background } from './run.ts'

export type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'

export interface Security {
  readonly bootstrap: string
  readonly protocol: 'SASL_PLAINTEXT' | 'SASL_SSL' | 'SSL'
  readonly mechanism?: Mechanism
  readonly username?: string
  readonly password?: string
  /** Where an OAUTHBEARER client gets its token: an OAuth 2 token endpoint (client credentials). */
  readonly tokenUrl?: string
  /** A PEM file: the authority that signed the server's certificate. */
  readonly ca?: string
  /** A certificate of the client's own, with its key. */
  readonly leaf?: LeafFiles
}

export interface SecureClient {
  /** Sends the values, in order. Rejects if one of them is not acknowledged; the message is what the client says. */
  produce (security: Security, topic: string, values: readonly string[]): Promise<void>
  /** Reads so many values as a member of a group. Rejects with what the client says. */
  consume (security: Security, topic: string, group: string, count: number): Promise<string[]>
  /** Sends `0`, `1`, `2` ... from one idempotent producer for so long. Resolves with how many when all are acknowledged. */
  flow (security: Security, topic: string, ms: number): Promise<number>
}

interface Answer {
  readonly id: number
  readonly values?: string[]
  readonly count?: number
  readonly error?: string
}

/** A client in a program of its own. Jobs run side by side. */
export class ClientProgram implements SecureClient {
  readonly #program: Background
  readonly #prepare: (security: Security) => object
  #jobs = 0

  /** `prepare` turns what is to be shown into what the program is told. */
  constructor (t: Test, command: string, args: readonly string[], prepare: (security: Security) => object = ({ leaf, ...rest }) => ({ ...rest, ...leaf })) {
    this.#program = new Background(t, command, args)
    this.#prepare = prepare
  }

  async produce (security: Security, topic: string, values: readonly string[]): Promise<void> {
    await this.#ask('produce', security, { topic, values })
  }

  async consume (security: Security, topic: string, group: string, count: number): Promise<string[]> {
    return (await this.#ask('consume', security, { topic, group, count })).values!
  }

  async flow (security: Security, topic: string, ms: number): Promise<number> {
    return (await this.#ask('flow', security, { topic, ms })).count!
  }

  async #ask (op: string, security: Security, job: object): Promise<Answer> {
    const id = ++this.#jobs
    this.#program.write(JSON.stringify({ id, op, security: this.#prepare(security), ...job }) + '\n')
    const answer = await this.#program.untilIt(`answer ${op} ${id}`, ({ stdout }) => {
      const line = stdout.split('\n').slice(0, -1).find(line => /^\{"id":(\d+)[,}]/.exec(line)?.[1] === `${id}`)
      return line === undefined ? null : JSON.parse(line) as Answer
    })
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer
  }
}

/** What kafka-clients calls it, for properties files too. */
export function javaProperties ({ bootstrap, protocol, mechanism, username, password, tokenUrl, ca, leaf }: Security): Record<string, string> {
  const properties: Record<string, string> = { 'bootstrap.servers': bootstrap, 'security.protocol': protocol }
  const login = (module: string, ...options: readonly string[]): void => {
    properties['sasl.jaas.config'] = `org.apache.kafka.common.security.${module} required ${options.join(' ')};`
  }
  if (mechanism !== undefined) properties['sasl.mechanism'] = mechanism
  if (mechanism === 'PLAIN') login('plain.PlainLoginModule', `username="${username}"`, `password="${password}"`)
  if (mechanism?.startsWith('SCRAM')) login('scram.ScramLoginModule', `username="${username}"`, `password="${password}"`)
  if (mechanism === 'OAUTHBEARER') {
    login('oauthbearer.OAuthBearerLoginModule', 'clientId="interop"', 'clientSecret="secret"')
    properties['sasl.oauthbearer.token.endpoint.url'] = tokenUrl!
    properties['sasl.login.callback.handler.class'] = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler'
    // A token that lives for seconds is to be asked for again before it is over.
    properties['sasl.login.refresh.min.period.seconds'] = '0'
    properties['sasl.login.refresh.buffer.seconds'] = '1'
  }
  if (ca !== undefined) Object.assign(properties, { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': ca })
  if (leaf !== undefined) Object.assign(properties, { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': leaf.both })
  return properties
}

/** What librdkafka calls it. */
export function rdkafkaProperties ({ bootstrap, protocol, mechanism, username, password, tokenUrl, ca, leaf }: Security): Record<string, string> {
  return {
    'bootstrap.servers': bootstrap,
    'security.protocol': protocol,
    ...mechanism !== undefined && { 'sasl.mechanisms': mechanism },
    ...username !== undefined && { 'sasl.username': username },
    ...password !== undefined && { 'sasl.password': password },
    ...tokenUrl !== undefined && {
      'sasl.oauthbearer.method': 'oidc',
      'sasl.oauthbearer.client.id': 'interop',
      'sasl.oauthbearer.client.secret': 'secret',
      'sasl.oauthbearer.token.endpoint.url': tokenUrl
    },
    ...ca !== undefined && { 'ssl.ca.location': ca },
    ...leaf !== undefined && { 'ssl.certificate.location': leaf.certificate, 'ssl.key.location': leaf.key }
  }
}

/** What a client that is handed tokens does to get one. */
export async function fetchToken (url: string): Promise<string> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials' }) })
  return (await response.json() as { access_token: string }).access_token
}
