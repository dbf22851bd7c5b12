/**
 * What the options about the cluster behind say together, and every reason not to go there like that. Without `upstream`
 * the log is in the data folder, and none of them means anything.
 */
import type { PlannedVersion } from '../policies/planned-versions.ts'
import { formatAddress, isLoopback, type Address } from './address.ts'
import { readSecretFile } from './credentials.ts'
import { optionKeys, options, type OptionKey, type Values } from './options.ts'
import { readablePath } from './paths.ts'
import type { Secret } from './secret.ts'
import type { OriginOf } from './security.ts'

/** A password, or the file that it stands in, which is read again when it changes. */
export type SecretSource = Secret | { readonly file: string }

export type UpstreamSasl =
  | { readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512', readonly username: string, readonly password: SecretSource }
  | {
    readonly mechanism: 'OAUTHBEARER'
    readonly token: { readonly file: string } | {
      readonly endpoint: string, readonly clientId: string, readonly clientSecret: SecretSource, readonly scope: string | null, readonly ca: string | null
    }
  }

/** The cluster that the log is in. Every path is absolute. */
export interface UpstreamConfig {
  /** At least one: whom to ask for the others. */
  readonly bootstrap: readonly Address[]
  /** Which of several processes in front of the same cluster this one is. */
  readonly nodeId: number
  /** Whether ACLs, users and quotas are those of the cluster, and not ours. */
  readonly passAdministration: boolean
  /** Null: without TLS. */
  readonly tls: { readonly ca: string | null, readonly cert: string | null, readonly key: string | null } | null
  /** Null: the cluster asks for no credentials. */
  readonly sasl: UpstreamSasl | null
  /** Who goes to the cluster for whom; null: the same service identity for everybody. */
  readonly credentials: string | null
  /** What the cluster is to be upgraded to; null: nothing that clients would have to be ready for. */
  readonly planned: PlannedVersion | null
  /** Whether passwords and tokens may travel to other machines unencrypted. */
  readonly insecure: boolean
}

export type UpstreamKey = Extract<OptionKey, `upstream${string}`> | 'nodeId'
const isUpstreamKey = (key: string): key is UpstreamKey => key.startsWith('upstream') || key === 'nodeId'

export const withoutUpstream = (values: Values): Omit<Values, UpstreamKey> =>
  Object.fromEntries(Object.entries(values).filter(([key]) => !isUpstreamKey(key))) as Omit<Values, UpstreamKey>

/** What the cluster decides, or its brokers keep. */
const ofTheFolder = [
  'data', 'durability', 'partitions', 'autoCreate', 'retentionMs', 'segmentBytes', 'tailMemoryBytes', 'groupInitialDelayMs'
] as const satisfies readonly OptionKey[]

export function upstreamOf (values: Values, originOf: OriginOf, problems: string[]): UpstreamConfig | null {
  const bootstrap = values.upstream
  if (bootstrap.length === 0) {
    const from = originOf('upstream')
    if (from !== undefined) problems.push(`${from}: names no broker; expected ${options.upstream.value.expected}.`)
    for (const key of optionKeys) {
      if (!isUpstreamKey(key) || key === 'upstream' || originOf(key) === undefined || values[key] === false || values[key] === 0) continue
      problems.push(`${originOf(key)} means nothing while the log is in the data folder. Name a cluster with --upstream HOST:PORT, or leave it out.`)
    }
    return null
  }
  for (const key of ofTheFolder) {
    if (originOf(key) === undefined) continue
    problems.push(`${originOf(key)} means nothing while the log is in a cluster (${originOf('upstream')}), which has settings of its own for that. ` +
      'Leave it out.')
  }
  const tls = tlsOf(values, originOf, problems)
  const sasl = saslOf(values, originOf, problems)
  const credentials = readablePath(values.upstreamCredentials, originOf('upstreamCredentials'), problems)
  if (credentials !== null && values.upstreamMechanism === null) {
    problems.push(`${originOf('upstreamCredentials')}: the process itself goes to the cluster, too. ` +
      'Say as whom: --upstream-mechanism, with a name and a password, or a token.')
  }
  if (tls === null && !values.insecure) problems.push(...exposed(values, originOf))
  const { nodeId, upstreamPassAdministration: passAdministration, upstreamPlanned: planned, insecure } = values
  return { bootstrap, nodeId, passAdministration, tls, sasl, credentials, planned, insecure }
}

function tlsOf (values: Values, originOf: OriginOf, problems: string[]): UpstreamConfig['tls'] {
  const [ca, cert, key] = (['upstreamCa', 'upstreamCert', 'upstreamKey'] as const).map(name => readablePath(values[name], originOf(name), problems))
  if (cert !== null && key === null) problems.push(`${originOf('upstreamCert')}: a certificate needs its private key. Add --upstream-key FILE.`)
  if (key !== null && cert === null) problems.push(`${originOf('upstreamKey')}: a private key needs its certificate. Add --upstream-cert FILE.`)
  const implied = originOf('upstreamCa') ?? originOf('upstreamCert') ?? originOf('upstreamKey')
  if (implied !== undefined && originOf('upstreamTls') !== undefined && !values.upstreamTls) {
    problems.push(`${originOf('upstreamTls')} turns TLS to the cluster off, and ${implied} is about TLS. Leave one of them out.`)
  }
  return values.upstreamTls || implied !== undefined ? { ca: ca!, cert: cert!, key: key! } : null
}

const ofPasswords = ['upstreamUsername', 'upstreamPassword', 'upstreamPasswordFile'] as const
const ofEndpoints = ['upstreamOauthClientId', 'upstreamOauthClientSecret', 'upstreamOauthClientSecretFile', 'upstreamOauthScope', 'upstreamOauthCa'] as const
const ofTokens = ['upstreamTokenFile', 'upstreamTokenEndpoint', ...ofEndpoints] as const

function saslOf (values: Values, originOf: OriginOf, problems: string[]): UpstreamSasl | null {
  const mechanism = values.upstreamMechanism
  const useless = (keys: readonly OptionKey[], why: string): void => {
    for (const key of keys) if (originOf(key) !== undefined) problems.push(`${originOf(key)} means nothing ${why}, or leave it out.`)
  }
  if (mechanism === null) {
    useless([...ofPasswords, ...ofTokens], 'while nothing says how the cluster asks for credentials. Add --upstream-mechanism')
    return null
  }
  const from = originOf('upstreamMechanism')
  if (mechanism !== 'OAUTHBEARER') {
    useless(ofTokens, `with ${mechanism}, which proves a password. Use --upstream-mechanism OAUTHBEARER`)
    const password = secretOf('upstreamPassword', 'upstreamPasswordFile', values, originOf, problems)
    const missing = [
      ...values.upstreamUsername === null ? ['--upstream-username'] : [],
      ...password === null ? ['BARNABAS_UPSTREAM_PASSWORD (or --upstream-password-file)'] : []
    ]
    if (missing.length > 0) problems.push(`${from}: ${mechanism} proves a name and a password. Add ${missing.join(' and ')}.`)
    return missing.length > 0 ? null : { mechanism, username: values.upstreamUsername!, password: password! }
  }
  useless(ofPasswords, 'with OAUTHBEARER, which shows a token. Use another --upstream-mechanism')
  const file = readablePath(values.upstreamTokenFile, originOf('upstreamTokenFile'), problems)
  const endpoint = values.upstreamTokenEndpoint
  if ((file === null) === (endpoint === null)) {
    problems.push(file === null
      ? `${from}: OAUTHBEARER shows a token. Say where it comes from: --upstream-token-endpoint or --upstream-token-file.`
      : `${originOf('upstreamTokenFile')} and ${originOf('upstreamTokenEndpoint')} both say where tokens come from. Leave one of them out.`)
  }
  if (endpoint === null) {
    useless(ofEndpoints, 'without an endpoint that gives tokens. Add --upstream-token-endpoint')
    return file === null ? null : { mechanism, token: { file } }
  }
  const ca = readablePath(values.upstreamOauthCa, originOf('upstreamOauthCa'), problems)
  if (ca !== null && endpoint.startsWith('http:')) {
    problems.push(`${originOf('upstreamOauthCa')} means nothing for an endpoint without TLS. Use https://, or leave it out.`)
  }
  const clientSecret = secretOf('upstreamOauthClientSecret', 'upstreamOauthClientSecretFile', values, originOf, problems)
  const clientId = values.upstreamOauthClientId
  const missing = [
    ...clientId === null ? ['--upstream-oauth-client-id'] : [],
    ...clientSecret === null ? ['BARNABAS_UPSTREAM_OAUTH_CLIENT_SECRET (or --upstream-oauth-client-secret-file)'] : []
  ]
  if (missing.length > 0) problems.push(`${originOf('upstreamTokenEndpoint')}: tokens are given for a client's id and secret. Add ${missing.join(' and ')}.`)
  if (missing.length > 0 || file !== null) return null
  return { mechanism, token: { endpoint, clientId: clientId!, clientSecret: clientSecret!, scope: values.upstreamOauthScope, ca } }
}

/** A file is looked into now, so that what is wrong with it is known at once, and again when it is used. */
function secretOf (
  key: 'upstreamPassword' | 'upstreamOauthClientSecret', fileKey: 'upstreamPasswordFile' | 'upstreamOauthClientSecretFile',
  values: Values, originOf: OriginOf, problems: string[]
): SecretSource | null {
  if (values[fileKey] === null) return values[key]
  const file = readablePath(values[fileKey], originOf(fileKey), [])!
  if (values[key] !== null) problems.push(`${originOf(key)} and ${originOf(fileKey)} both say the same secret. Leave one of them out.`)
  try {
    const { parse, expected } = options[key].value
    if (parse(readSecretFile(file)) === null) problems.push(`${originOf(fileKey)}: ${file} does not hold one line with ${expected}.`)
  } catch (error) {
    problems.push(`${originOf(fileKey)}: ${(error as Error).message}`)
  }
  return { file }
}

/** What is sent as it is stays on this machine, or is encrypted. */
function exposed ({ upstream, upstreamMechanism: mechanism }: Values, originOf: OriginOf): string[] {
  const place = upstream.find(({ host }) => !isLoopback(host))
  if (place === undefined || (mechanism !== 'PLAIN' && mechanism !== 'OAUTHBEARER')) return []
  return [`${originOf('upstream')}: ${formatAddress(place)} is another machine, and ${mechanism} would send a ` +
    `${mechanism === 'PLAIN' ? 'password' : 'token'} there unencrypted. ` +
    'Use TLS (--upstream-tls, --upstream-ca), SCRAM, or add --insecure (BARNABAS_INSECURE=true) if nobody on that network listens.']
}
