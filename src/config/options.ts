/**
 * The options, one row each. Flags, variables, keys of the file, the help, the table in docs/operations.md and the type
 * of the configuration are all made of this table.
 */
import { address, boolean, bytes, choice, duration, integer, list, orForEver, origin, reachable, text, type Value } from './values.ts'

export interface Option<T> {
  readonly flag: string
  readonly value: Value<T & {}>
  /** The default as it would be given, or null where the option is simply absent. */
  readonly fallback: string | null
  readonly help: string
}

function option<T extends {}> (flag: string, value: Value<T>, fallback: string, help: string): Option<T> {
  return { flag, value, fallback, help }
}

function optional<T extends {}> (flag: string, value: Value<T>, help: string): Option<T | null> {
  return { flag, value, fallback: null, help }
}

export const options = {
  data: option('data', text('DIR', 'a folder'), './data',
    'Folder that holds the log. It is made when it is not there; one process uses it at a time.'),
  kafka: option('kafka', address, '127.0.0.1:9092',
    'Where the Kafka protocol listens. Port 0 takes any free port; a port alone, as in :9092, means every address of this machine.'),
  http: option('http', address, '127.0.0.1:8082',
    'Where HTTP and WebSocket listen, health and metrics among them.'),
  durability: option('durability', choice('fsync', 'os'), 'fsync',
    'When a write with acks=all is answered: fsync once it is on the disk, os once the operating system has it. ' +
    'With os a crash of the process loses nothing, a power cut may lose the last seconds.'),
  advertised: optional('advertised', reachable,
    'The address that Kafka clients are told to connect to. Without it, each is told the one it reached; set it behind a ' +
    'load balancer or a port mapping that changes the port.'),
  insecure: option('insecure', boolean, 'false',
    'Listen beyond this machine although nothing asks for credentials: whoever reaches the port may read and write everything.'),
  allowedOrigins: option('allowed-origins', list(origin), '',
    'Origins of web pages that may use HTTP and WebSocket from a browser, beside pages served from here or from this machine. * is every page.'),
  partitions: option('partitions', integer(1, 10_000), '1',
    'Partitions of a topic that is created without saying how many.'),
  autoCreate: option('auto-create', boolean, 'true',
    'Whether a topic is created when it is first written to, or asked for by a client that allows that.'),
  retentionMs: option('retention', orForEver(duration('1s', '36500d')), '7d',
    'How long records are kept in topics that do not say so themselves (retention.ms). -1 is for ever.'),
  segmentBytes: option('segment-bytes', bytes('4KiB', '2147483647'), '1GiB',
    'Size at which a topic that does not say so itself (segment.bytes) begins its next file.'),
  maxBodyBytes: option('max-body', bytes('1KiB', '1GiB'), '64MiB',
    'The largest body of an HTTP request.'),
  maxRequestBytes: option('max-request', bytes('1KiB', '2147483647'), '100MiB',
    'The largest request of a Kafka client; a connection that announces a larger one is closed.'),
  tailMemoryBytes: option('tail-memory', bytes('0', '1TiB'), '32MiB',
    'Memory for the newest records of all partitions that somebody reads, together: readers that keep up are served without touching the disk.'),
  groupInitialDelayMs: option('group-initial-delay', duration('0', '5m'), '500ms',
    'How long the first member of a new consumer group waits for others before partitions are assigned.'),
  shutdownGraceMs: option('shutdown-grace', duration('0', '10m'), '10s',
    'How long a stop waits for requests that are being answered before it closes their connections.'),
  logLevel: option('log-level', choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), 'info',
    'The least important messages that are logged.'),
  logFormat: option('log-format', choice('auto', 'pretty', 'json'), 'auto',
    'How messages are logged, on standard error: pretty for people, json for machines, auto is pretty on a terminal and json elsewhere.'),
  upstream: option('upstream', list(reachable), '',
    'Refused in this version: an existing Kafka cluster as the log is not supported yet, the log is in the data folder.'),
  config: optional('config', text('FILE', 'a file'),
    'YAML file with any of these options but this one.')
} as const satisfies { readonly [key: string]: Option<unknown> }

export type OptionKey = keyof typeof options

/** The value of every option, by the key of its row. */
export type Values = { readonly [K in OptionKey]: (typeof options)[K] extends Option<infer T> ? T : never }

export const optionKeys = Object.keys(options) as readonly OptionKey[]

/** `log-level` is `BARNABAS_LOG_LEVEL` in the environment, ... */
export const variableOf = (key: OptionKey): string => `BARNABAS_${options[key].flag.toUpperCase().replaceAll('-', '_')}`

/** ... and `logLevel` in the file. */
export const fileKeyOf = (key: OptionKey): string => options[key].flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
