/**
 * argv, environment and file -> Config. The only reader of the environment.
 *
 * A flag goes before a variable, a variable before the file, the file before the default. Whatever is not known, not
 * readable or out of range is an error, wherever it stands and even where something else overrides it: a setting is never
 * accepted and ignored.
 */
import { resolve } from 'node:path'
import { formatAddress, isLoopback, type Address } from './config/address.ts'
import { optionKeys, options, type OptionKey, type Values } from './config/options.ts'
import { readArguments, readEnvironment, readFile, type Command, type Given } from './config/sources.ts'

export { isLoopback } from './config/address.ts'

export interface Config extends Omit<Values, 'upstream'> {
  /** Absolute. */
  readonly data: string
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

  const { upstream, ...config } = values as unknown as Values
  if (upstream.length > 0) {
    problems.push(`${origins.get('upstream')!.from}: a Kafka cluster as the log is not supported in this version; ` +
      'leave it out and the log is kept in the folder that --data names.')
  }
  if (!config.insecure) problems.push(...exposed('kafka', config.kafka, origins), ...exposed('http', config.http, origins))
  if (config.kafka.port !== 0 && config.kafka.port === config.http.port && config.kafka.host === config.http.host) {
    problems.push(`--kafka and --http are both ${formatAddress(config.kafka)}: each needs a port of its own.`)
  }
  if (problems.length > 0) throw new UsageError(problems)
  return { ...config, data: resolve(config.data), color: (env['NO_COLOR'] ?? '') === '', underNpm: env['npm_lifecycle_event'] !== undefined }
}

function wrongValue ({ key, text, from }: Given): string {
  const { expected, parse, meant } = options[key].value
  const guess = meant?.(text) ?? null
  const suggestion = guess === null || parse(guess) === null ? null : guess
  return `${from}: ${JSON.stringify(text)} is not allowed; expected ${expected}.` +
    (suggestion === null ? '' : ` Did you mean ${suggestion}?`)
}

/** Nothing asks for credentials in this version, so that only this machine may connect unless someone says otherwise. */
function exposed (key: 'kafka' | 'http', address: Address, origins: ReadonlyMap<OptionKey, Given>): string[] {
  if (isLoopback(address.host)) return []
  return [`${origins.get(key)?.from ?? `--${key}`}: ${formatAddress(address)} can be reached from other machines, and nothing asks them for ` +
    `credentials. Use 127.0.0.1:${address.port}, or add --insecure (BARNABAS_INSECURE=true) if everyone on that network may read and write everything.`]
}
