/**
 * The log: pino on standard error, pretty on a terminal and JSON elsewhere. Standard output is left to the banner.
 *
 * Fastify gets the same instance as its `loggerInstance`, and takes the serializers from it.
 */
import { pino, stdSerializers, type ChildLoggerOptions, type DestinationStream, type Logger } from 'pino'

export type { Logger } from 'pino'

const STDERR = 2

export interface LoggerOptions {
  readonly logLevel: string
  readonly logFormat: 'auto' | 'pretty' | 'json'
  readonly color: boolean
}

/** `destination` is where lines go; standard error if it is left out. */
export async function createLogger (options: LoggerOptions, destination?: DestinationStream): Promise<Logger> {
  const { logLevel, logFormat, color } = options
  const onTerminal = destination === undefined && process.stderr.isTTY
  const isPretty = logFormat === 'pretty' || (logFormat === 'auto' && onTerminal)
  // Written at once: there are few lines, and the last one before an exit is the one that matters.
  const raw = destination ?? pino.destination({ dest: STDERR, sync: true })
  const plain: DestinationStream = { write: line => raw.write(line.replace(unseen, escaped)) }
  const logger = pino({
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }), log: fields => scrubbed(fields) },
    serializers: { req: requestFields, res: responseFields, err: errorFields }
  }, isPretty ? await prettyOver(plain, color && onTerminal) : plain)
  // What a child is bound to passes by the formatters. Children inherit this function, so theirs are covered as well.
  const child = logger.child as unknown as MakeChild
  logger.child = function (this: Logger, bindings, childOptions) {
    return child.call(this, scrubbed(bindings), childOptions)
  } satisfies MakeChild as unknown as typeof logger.child
  return logger
}

/**
 * What JSON leaves as it is and a terminal obeys, or does not show: names that strangers give themselves may hold it. The
 * other control characters are escaped by JSON itself.
 */
const unseen = /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

type MakeChild = (this: Logger, bindings: Fields, options?: ChildLoggerOptions) => Logger

/** In this thread: a line that a worker has not written yet is lost when the process dies. */
async function prettyOver (destination: DestinationStream, colorize: boolean): Promise<DestinationStream> {
  const { prettyFactory } = await import('pino-pretty')
  const format = prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
  return { write: line => destination.write(format(line) ?? line) }
}

// ---- what is never written out
// pino's own redaction takes a list of paths and 30 µs a line for ours; going by the name alone takes one, and finds it anywhere.

const secretName = /pass(?:word|phrase)|secret|token|credential|authorization|cookie|(?:api|private)[-_]?key|auth[-_]?bytes|sec-websocket-protocol/i
const MAX_DEPTH = 4

type Fields = Record<string, unknown>

/** The same object, or a copy of it in which fields that are named like secrets say "[redacted]". */
function scrubbed (fields: Fields, depth = 0): Fields {
  let copy: Fields | null = null
  for (const name in fields) {
    const value = fields[name]
    const safe = secretName.test(name) ? '[redacted]' : scrubbedValue(value, depth + 1)
    if (safe !== value) (copy ??= { ...fields })[name] = safe
  }
  return copy ?? fields
}

function scrubbedValue (value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value
  if (Array.isArray(value)) {
    const safe = value.map(element => scrubbedValue(element, depth + 1))
    return safe.some((element, i) => element !== value[i]) ? safe : value
  }
  // Requests, responses and errors are left to their serializers, and other objects of some class to their toJSON.
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null ? scrubbed(value as Fields, depth) : value
}

/** An error may carry the request that it failed with, one of Node's HTTP parser the very bytes of it. */
const errorFields = (error: Error): object => {
  const { rawPacket, ...fields } = stdSerializers.err(error) as unknown as Fields
  return scrubbed(fields)
}

interface LoggedRequest {
  readonly method?: string
  readonly url?: string
  readonly ip?: string
}

/** A query may hold a token: only the path of a URL is logged. */
const requestFields = (request: LoggedRequest): object =>
  ({ method: request.method, path: request.url?.replace(/[?#].*$/s, ''), address: request.ip })

const responseFields = (response: { readonly statusCode?: number }): object => ({ status: response.statusCode })
