/**
 * What the options about identity, TLS and tokens say together: whether credentials are asked for, which protocol each
 * listener speaks, and every reason not to start like that. One rule a function; each gives sentences that say what to do.
 */
import { formatAddress, isLoopback, type Address } from './address.ts'
import { isSasl, isTls, type ClientAuth, type HttpText, type ListenerText, type MechanismName, type Protocol } from './listener.ts'
import type { OptionKey, Values } from './options.ts'

/** One listener of the Kafka protocol, with everything decided. */
export interface ListenerConfig extends Address {
  /** Its protocol; with a number behind it where several listeners speak the same. */
  readonly name: string
  readonly protocol: Protocol
  /** Null: clients are told the address that they reached. */
  readonly advertised: Address | null
  /** What it offers, empty where it does not ask for credentials. */
  readonly mechanisms: readonly MechanismName[]
  /** `none` where it does not speak TLS. */
  readonly clientAuth: ClientAuth
}

export interface HttpConfig extends Address {
  readonly scheme: 'http' | 'https'
  /** `none` where it does not speak TLS. */
  readonly clientAuth: ClientAuth
}

/** Absolute paths of PEM files, and Kafka's rules for the names in client certificates. */
export interface TlsConfig {
  readonly cert: string
  readonly key: string
  readonly ca: string | null
  readonly principalRules: string
}

export interface OauthConfig {
  readonly jwks: string
  readonly issuer: string
  readonly audience: string
  readonly principalClaim: string
  /** Absolute. */
  readonly ca: string | null
}

export interface SecurityConfig {
  /** Whether credentials are asked for: an administrator is named, or authentication is required. */
  readonly required: boolean
}

/** Where an option was found, as a message says it; undefined where it was not given. */
export type OriginOf = (key: OptionKey) => string | undefined

export interface Secured {
  readonly security: SecurityConfig
  readonly kafka: readonly ListenerConfig[]
  readonly http: HttpConfig
}

export function secured (values: Values): Secured {
  const required = values.admin !== null || values.adminFile !== null || values.authentication === 'required'
  const hasTls = values.tlsCert !== null
  const offered = values.saslMechanisms ??
    (['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', ...values.oauthJwks === null ? [] : ['OAUTHBEARER'] as const] as const)
  const counts = new Map<Protocol, number>()
  const kafka = values.kafka.map(({ host, port, protocol: given, advertised, mechanisms, clientAuth }): ListenerConfig => {
    const protocol = given ?? `${required ? 'SASL_' : ''}${hasTls ? 'SSL' : 'PLAINTEXT'}` as Protocol
    const count = (counts.get(protocol) ?? 0) + 1
    counts.set(protocol, count)
    return {
      name: count === 1 ? protocol : `${protocol}-${count}`,
      host,
      port,
      protocol,
      advertised: advertised ?? values.advertised,
      mechanisms: isSasl(protocol) ? mechanisms ?? offered : [],
      clientAuth: isTls(protocol) ? clientAuth ?? values.tlsClientAuth : 'none'
    }
  })
  const { host, port } = values.http
  const scheme = values.http.scheme ?? (hasTls ? 'https' : 'http')
  return { security: { required }, kafka, http: { scheme, host, port, clientAuth: scheme === 'https' ? values.tlsClientAuth : 'none' } }
}

export function problemsOf (values: Values, { security, kafka, http }: Secured, originOf: OriginOf): string[] {
  const from = (key: OptionKey, flag = `--${key}`): string => originOf(key) ?? flag
  const pairs = kafka.map((listener, i) => [listener, values.kafka[i]!] as const)
  return [
    ...contradictions(values, security, originOf),
    ...tokens(values, kafka, from),
    ...delegationTokens(kafka, security, originOf),
    ...certificates(values, [...kafka.map(({ protocol }) => isTls(protocol)), http.scheme === 'https'].includes(true), originOf),
    ...pairs.flatMap(([listener, text]) => listenerProblems(listener, text, values, security, from('kafka'))),
    ...http.scheme === 'https' && values.tlsCert === null ? [needsCertificate(from('http'), `https at ${formatAddress(http)}`)] : [],
    ...values.insecure ? [] : kafka.flatMap(listener => exposed(listener, security, from('kafka'))),
    ...values.insecure ? [] : exposedHttp(http, values.http, security, from('http')),
    ...samePort(kafka, http)
  ]
}

/** What means nothing where nothing asks for credentials. */
const ofIdentity = [
  'superUsers', 'anonymous', 'allowWithoutAcl', 'publicMetrics', 'saslMechanisms', 'maxReauthMs', 'oauthJwks', 'delegationTokenSecret',
  'delegationTokenSecretFile'
] as const satisfies readonly OptionKey[]

/** What is given and can mean nothing: it would be accepted and ignored. */
function contradictions (values: Values, { required }: SecurityConfig, originOf: OriginOf): string[] {
  const problems: string[] = []
  const admin = originOf('admin') ?? originOf('adminFile')
  if (values.authentication === 'none' && originOf('authentication') !== undefined && admin !== undefined) {
    problems.push(`${originOf('authentication')}: none, although ${admin} names an administrator, which turns authentication on. Leave one of them out.`)
  }
  if (required) return problems
  for (const key of ofIdentity) {
    const value = values[key]
    const isGiven = originOf(key) !== undefined && value !== false && value !== 0 && (!Array.isArray(value) || value.length > 0)
    if (isGiven) problems.push(`${originOf(key)} means nothing while nothing asks for credentials. ${turnOn} or leave it out.`)
  }
  return problems
}

const turnOn = 'Name an administrator (BARNABAS_ADMIN, --admin-file) or add --authentication required,'

function tokens (values: Values, kafka: readonly ListenerConfig[], from: (key: OptionKey, flag: string) => string): string[] {
  const given = ([['oauthJwks', '--oauth-jwks'], ['oauthIssuer', '--oauth-issuer'], ['oauthAudience', '--oauth-audience']] as const)
    .map(([key, flag]) => [from(key, flag), values[key] !== null, flag] as const)
  const missing = given.filter(([, isGiven]) => !isGiven).map(([, , flag]) => flag)
  const there = given.filter(([, isGiven]) => isGiven).map(([origin]) => origin)
  if (there.length > 0 && missing.length > 0) {
    return [`${there.join(' and ')}: tokens are checked by keys, issuer and audience together. Add ${missing.join(' and ')}, or leave all three out.`]
  }
  if (there.length === 0 && values.oauthCa !== null) return [`${from('oauthCa', '--oauth-ca')} means nothing without --oauth-jwks. Leave it out.`]
  const listener = there.length > 0 ? undefined : kafka.find(({ mechanisms }) => mechanisms.includes('OAUTHBEARER'))
  return listener === undefined
    ? []
    : [`OAUTHBEARER at ${formatAddress(listener)}: nothing says how tokens are checked. ` +
      'Add --oauth-jwks, --oauth-issuer and --oauth-audience, or leave OAUTHBEARER out of the mechanisms.']
}

function delegationTokens (kafka: readonly ListenerConfig[], { required }: SecurityConfig, originOf: OriginOf): string[] {
  const secret = originOf('delegationTokenSecret') ?? originOf('delegationTokenSecretFile')
  if (secret === undefined) {
    return (['delegationTokenMaxLifetimeMs', 'delegationTokenExpiryMs'] as const).filter(key => originOf(key) !== undefined).map(key =>
      `${originOf(key)} means nothing without a secret for delegation tokens. ` +
      'Set BARNABAS_DELEGATION_TOKEN_SECRET (or --delegation-token-secret-file), or leave it out.')
  }
  return !required || kafka.some(({ mechanisms }) => mechanisms.some(name => name.startsWith('SCRAM')))
    ? []
    : [`${secret}: delegation tokens log in with SCRAM, which no listener offers. Add SCRAM-SHA-256 or SCRAM-SHA-512 to the mechanisms, or leave it out.`]
}

function certificates (values: Values, isUsed: boolean, originOf: OriginOf): string[] {
  const { tlsCert, tlsKey } = values
  if (tlsCert !== null && tlsKey === null) return [`${originOf('tlsCert')}: a certificate needs its private key. Add --tls-key FILE.`]
  if (tlsKey !== null && tlsCert === null) return [`${originOf('tlsKey')}: a private key needs its certificate. Add --tls-cert FILE.`]
  if (tlsCert !== null && !isUsed) {
    return [`${originOf('tlsCert')}: no listener speaks TLS. Write SSL:// or SASL_SSL:// before one of --kafka, https:// before --http, or leave it out.`]
  }
  const asks = values.tlsClientAuth !== 'none' || values.kafka.some(({ clientAuth }) => clientAuth !== null && clientAuth !== 'none')
  const problems: string[] = []
  if (asks && values.tlsCa === null) {
    problems.push(`${originOf('tlsClientAuth') ?? '--kafka ...client-auth'}: certificates of clients are checked by the authority that signed them. ` +
      'Add --tls-ca FILE.')
  }
  if (tlsCert === null && values.tlsClientAuth !== 'none') problems.push(needsCertificate(originOf('tlsClientAuth')!, 'a certificate of the client'))
  for (const key of ['tlsCa', 'tlsPrincipalRules'] as const) {
    if (originOf(key) !== undefined && !asks) {
      problems.push(`${originOf(key)} means nothing while no listener asks clients for a certificate. Add --tls-client-auth required, or leave it out.`)
    }
  }
  return problems
}

const needsCertificate = (from: string, what: string): string => `${from}: ${what} needs a certificate and its key. Add --tls-cert FILE and --tls-key FILE.`

function listenerProblems (listener: ListenerConfig, text: ListenerText, values: Values, { required }: SecurityConfig, from: string): string[] {
  const { protocol } = listener
  const what = `${protocol} at ${formatAddress(listener)}`
  const problems: string[] = []
  if (isTls(protocol) && values.tlsCert === null) problems.push(needsCertificate(from, what))
  if (isSasl(protocol) && !required) problems.push(`${from}: ${what} asks for credentials, but authentication is off. ${turnOn} or use PLAINTEXT or SSL.`)
  if (!isSasl(protocol) && text.mechanisms !== null) {
    problems.push(`${from}: ${what} does not ask for credentials, so that it has no mechanisms. Use SASL_${protocol}, or leave them out.`)
  }
  if (!isTls(protocol) && text.clientAuth !== null && text.clientAuth !== 'none') {
    problems.push(`${from}: ${what} has no TLS, so that no client can show a certificate. Use SSL or SASL_SSL, or leave client-auth out.`)
  }
  return problems
}

/** What other machines can reach asks for credentials, and lets nobody read them on the way. */
function exposed (listener: ListenerConfig, { required }: SecurityConfig, from: string): string[] {
  if (isLoopback(listener.host)) return []
  const { protocol, mechanisms, clientAuth, port } = listener
  const place = formatAddress(listener)
  if (protocol === 'PLAINTEXT' || (protocol === 'SSL' && clientAuth !== 'required')) return [openDoor(from, place, port, required)]
  const naked = protocol === 'SASL_PLAINTEXT' ? mechanisms.filter(name => name === 'PLAIN' || name === 'OAUTHBEARER') : []
  return naked.length === 0
    ? []
    : [`${from}: ${place} can be reached from other machines, and ${naked.join(' and ')} would send secrets there unencrypted. ` +
      'Use TLS (--tls-cert, --tls-key), offer SCRAM alone (?mechanisms=SCRAM-SHA-256+SCRAM-SHA-512), ' +
      'or add --insecure (BARNABAS_INSECURE=true) if nobody on that network listens.']
}

function exposedHttp (http: HttpConfig, text: HttpText, { required }: SecurityConfig, from: string): string[] {
  if (isLoopback(http.host) || http.clientAuth === 'required') return []
  const place = formatAddress(http)
  if (!required) return [openDoor(from, place, http.port, false)]
  return http.scheme === 'https'
    ? []
    : [`${from}: ${place} can be reached from other machines, and passwords and tokens would travel there unencrypted. ` +
      (text.scheme === 'http' ? 'Write https:// instead of http://' : 'Add --tls-cert and --tls-key') +
      ', listen on 127.0.0.1 behind a proxy that speaks TLS, or add --insecure (BARNABAS_INSECURE=true) if nobody on that network listens.']
}

function openDoor (from: string, place: string, port: number, required: boolean): string {
  return `${from}: ${place} can be reached from other machines, and nothing asks them for credentials. ` +
    (required
      ? 'Use SASL_SSL (or SSL with client-auth=required)'
      : `Use 127.0.0.1:${port}, name an administrator (BARNABAS_ADMIN=NAME:PASSWORD, --admin-file)`) +
    ', or add --insecure (BARNABAS_INSECURE=true) if everyone on that network may read and write everything.'
}

function samePort (kafka: readonly ListenerConfig[], http: HttpConfig): string[] {
  const seen = new Map<string, string>([[formatAddress(http), '--http']])
  return kafka.flatMap(listener => {
    const place = formatAddress(listener)
    const other = listener.port === 0 ? undefined : seen.get(place)
    seen.set(place, '--kafka')
    if (other === undefined) return []
    return [other === '--http'
      ? `--kafka and --http are both ${place}: each needs a port of its own.`
      : `--kafka names ${place} twice: each listener needs a port of its own.`]
  })
}
