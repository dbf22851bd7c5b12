/**
 * argv, environment and file -> Config. The only reader of the environment.
 *
 * A flag goes before a variable, a variable before the file, the file before the default. Whatever is not known, not
 * readable or out of range is an error, wherever it stands and even where something else overrides it: a setting is never
 * accepted and ignored.
 */
import { totalmem } from 'node:os'
import { resolve } from 'node:path'
import { parseCredentials, readCredentials, readSecretFile, type NamedSecret } from './config/credentials.ts'
import { optionKeys, options, type OptionKey, type Values } from './config/options.ts'
import { readablePath } from './config/paths.ts'
import { problemsOf, secured, type HttpConfig, type ListenerConfig, type OauthConfig, type SecurityConfig, type TlsConfig } from './config/security.ts'
import { readArguments, readEnvironment, readFile, type Command, type Given } from './config/sources.ts'
import type { Secret } from './config/secret.ts'
import { upstreamOf, withoutUpstream, type UpstreamConfig, type UpstreamKey } from './config/upstream.ts'
import type { Value } from './config/values.ts'

export { isLoopback } from './config/address.ts'
export type { HttpConfig, ListenerConfig, OauthConfig, TlsConfig } from './config/security.ts'
export type { UpstreamConfig } from './config/upstream.ts'

/** Options that the configuration says in another shape. */
type Reshaped = UpstreamKey | 'kafka' | 'http' | 'adminFile' | 'authentication' | 'saslMechanisms' | 'tlsCert' | 'tlsKey' | 'tlsCa' | 'tlsClientAuth' |
  'tlsPrincipalRules' | 'oauthJwks' | 'oauthIssuer' | 'oauthAudience' | 'oauthPrincipalClaim' | 'oauthCa' | 'memoryInFlightBytes' | 'delegationTokenSecretFile'

export interface Config extends Omit<Values, Reshaped> {
  /** Absolute. */
  readonly data: string
  /** The cluster that the log is in; null where it is in `data`. */
  readonly upstream: UpstreamConfig | null
  /** At least one. */
  readonly kafka: readonly ListenerConfig[]
  readonly http: HttpConfig
  readonly security: SecurityConfig
  /** The super user of the configuration. */
  readonly admin: NamedSecret | null
  readonly delegationTokenSecret: Secret | null
  readonly tls: TlsConfig | null
  readonly oauth: OauthConfig | null
  readonly memoryInFlightBytes: number
  /** Absolute. */
  readonly auditFile: string | null
  /** Whether colours are welcome where output goes to a terminal (no-color.org). */
  readonly color: boolean
  /** Whether npm started this process, through a shell that does not pass signals on. */
  readonly underNpm: boolean
}

/** Something was given that cannot be: `problems` are sentences for whoever started the process. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly problems: readonly string[]

  constructor (problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** What the command line asks for, without a look at anything else. */
export function commandOf (argv: readonly string[]): Command {
  return readArguments(argv).command
}

/** `argv` is without the interpreter and the script. Throws UsageError with every problem there is. */
export function loadConfig (argv: readonly string[], env: NodeJS.ProcessEnv): Config {
  const fromFlags = readArguments(argv)
  const fromEnv = readEnvironment(env)
  const file = [...fromFlags.given, ...fromEnv.given].find(({ key }) => key === 'config')
  const fromFile = file === undefined ? { given: [], problems: [] } : readFile(file.text)
  const problems = [...fromFlags.problems, ...fromEnv.problems, ...fromFile.problems]

  const values: { [key: string]: unknown } = {}
  const origins = new Map<OptionKey, Given>()
  for (const key of optionKeys) {
    const { fallback, value } = options[key]
    values[key] = fallback === null ? null : value.parse(fallback)
  }
  for (const given of [...fromFile.given, ...fromEnv.given, ...fromFlags.given]) {
    const parsed = options[given.key].value.parse(given.text)
    if (parsed === null) {
      problems.push(wrongValue(given))
    } else {
      values[given.key] = parsed
      origins.set(given.key, given)
    }
  }

  const given = values as unknown as Values
  const originOf = (key: OptionKey): string | undefined => origins.get(key)?.from
  const upstream = upstreamOf(given, originOf, problems)
  const admin = administrator(given, originOf, problems)
  const delegationTokenSecret = tokenSecret(given, originOf, problems)
  const paths = readable(given, originOf, problems)
  const doors = secured(given)
  if (given.kafka.length === 0) problems.push(`${originOf('kafka')}: names no listener; expected ${options.kafka.value.expected}.`)
  problems.push(...problemsOf(given, doors, originOf))
  if (problems.length > 0) throw new UsageError(problems)

  const {
    adminFile, authentication, saslMechanisms, tlsCert, tlsKey, tlsCa, tlsClientAuth, tlsPrincipalRules, oauthJwks, oauthIssuer,
    oauthAudience, oauthPrincipalClaim, oauthCa, delegationTokenSecretFile, ...rest
  } = withoutUpstream(given)
  return {
    ...rest,
    ...doors,
    upstream,
    admin,
    delegationTokenSecret,
    data: resolve(given.data),
    tls: paths.tlsCert === null || paths.tlsKey === null
      ? null
      : { cert: paths.tlsCert, key: paths.tlsKey, ca: paths.tlsCa, principalRules: tlsPrincipalRules },
    oauth: oauthJwks === null
      ? null
      : { jwks: oauthJwks, issuer: oauthIssuer!, audience: oauthAudience!, principalClaim: oauthPrincipalClaim, ca: paths.oauthCa },
    memoryInFlightBytes: given.memoryInFlightBytes ?? quarterOfMemory(),
    auditFile: given.auditFile === null ? null : resolve(given.auditFile),
    color: (env['NO_COLOR'] ?? '') === '',
    underNpm: env['npm_lifecycle_event'] !== undefined
  }
}

/** Who runs a command that speaks to a process that serves; null if the environment does not say. Throws UsageError. */
export function commandUser (env: NodeJS.ProcessEnv = process.env): NamedSecret | null {
  for (const name of ['BARNABAS_CLI_USER', 'BARNABAS_ADMIN']) {
    const text = env[name] ?? ''
    if (text === '') continue
    const parsed = parseCredentials(text)
    if (parsed === null) throw new UsageError([`${name} is not ${options.admin.value.expected}.`])
    return parsed
  }
  return null
}

function wrongValue ({ key, text, from }: Given): string {
  const { expected, parse, meant, isSecret }: Value<unknown> = options[key].value
  if (isSecret === true) return `${from} is not allowed as it is; expected ${expected}.`
  const guess = meant?.(text) ?? null
  const suggestion = guess === null || parse(guess) === null ? null : guess
  return `${from}: ${JSON.stringify(text)} is not allowed; expected ${expected}.` +
    (suggestion === null ? '' : ` Did you mean ${suggestion}?`)
}

function administrator ({ admin, adminFile }: Values, originOf: (key: OptionKey) => string | undefined, problems: string[]): NamedSecret | null {
  if (adminFile === null) return admin
  if (admin !== null) problems.push(`${originOf('admin')} and ${originOf('adminFile')} both name the administrator. Leave one of them out.`)
  try {
    return readCredentials(resolve(adminFile))
  } catch (error) {
    problems.push(`${originOf('adminFile')}: ${(error as Error).message}`)
    return null
  }
}

function tokenSecret (
  { delegationTokenSecret, delegationTokenSecretFile }: Values, originOf: (key: OptionKey) => string | undefined, problems: string[]
): Secret | null {
  if (delegationTokenSecretFile === null) return delegationTokenSecret
  const from = originOf('delegationTokenSecretFile')
  if (delegationTokenSecret !== null) {
    problems.push(`${originOf('delegationTokenSecret')} and ${from} both say the secret of delegation tokens. Leave one of them out.`)
  }
  try {
    const { parse, expected } = options.delegationTokenSecret.value
    const path = resolve(delegationTokenSecretFile)
    const secret = parse(readSecretFile(path))
    if (secret === null) problems.push(`${from}: ${path} does not hold one line with ${expected}.`)
    return secret
  } catch (error) {
    problems.push(`${from}: ${(error as Error).message}`)
    return null
  }
}

const files = ['tlsCert', 'tlsKey', 'tlsCa', 'oauthCa'] as const

/** Where the PEM files lie. */
function readable (values: Values, originOf: (key: OptionKey) => string | undefined, problems: string[]): { [K in typeof files[number]]: string | null } {
  return Object.fromEntries(files.map(key => [key, readablePath(values[key], originOf(key), problems)])) as { [K in typeof files[number]]: string | null }
}

/** Of what this process may use, which in a container is less than what the machine has. */
function quarterOfMemory (): number {
  const allowed = process.constrainedMemory()
  return Math.floor((allowed > 0 ? Math.min(allowed, totalmem()) : totalmem()) / 4)
}
