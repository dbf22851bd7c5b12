/**
 * Errors on their way out: RFC 9457 problem documents, or `{"error_code","message"}` on the paths that follow Confluent's
 * REST Proxy and Schema Registry. Whatever a route throws comes through here, and nothing else decides a status.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errorRow, KafkaError, Throttled, type ErrorName } from '../protocol/errors.ts'
import { REGISTRY_TYPE, registryErrorOf, speaksRegistry } from './registry/errors.ts'
import { InvalidRequest } from './validation.ts'

/** By the last part of their `type` URI: the status and the title. Stable. */
const problems = {
  'invalid-parameter': [400, 'Invalid parameter'],
  'invalid-body': [400, 'Invalid body'],
  'invalid-request': [400, 'Invalid request'],
  unauthenticated: [401, 'Not authenticated'],
  forbidden: [403, 'Not authorised'],
  'not-found': [404, 'Not found'],
  'unknown-topic': [404, 'Unknown topic or partition'],
  'unknown-record': [404, 'Unknown record'],
  'method-not-allowed': [405, 'Method not allowed'],
  'not-acceptable': [406, 'Not acceptable'],
  'request-timeout': [408, 'Request timeout'],
  'topic-exists': [409, 'Topic exists'],
  conflict: [409, 'Conflict'],
  'body-too-large': [413, 'Body too large'],
  'record-too-large': [413, 'Record too large'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  'offset-out-of-range': [416, 'Offset out of range'],
  'schema-validation': [422, 'Record refused'],
  'upgrade-required': [426, 'Upgrade required'],
  'quota-exceeded': [429, 'Quota exceeded'],
  'header-too-large': [431, 'Header too large'],
  'kafka-error': [500, 'Kafka error'],
  'internal-error': [500, 'Internal error'],
  'upstream-unavailable': [503, 'Upstream unavailable'],
  'not-available': [503, 'Not available']
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemSlug = keyof typeof problems

/** Members of a problem document beyond those of RFC 9457; openapi.yaml lists them. */
export type Extensions = Readonly<Record<string, unknown>>

/** An error with a problem document of its own. `message` is its detail: a sentence that says what to do. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly slug: ProblemSlug
  readonly extensions: Extensions
  readonly status: number

  constructor (slug: ProblemSlug, message: string, extensions: Extensions = {}, options: ErrorOptions & { status?: number } = {}) {
    super(message, options)
    this.slug = slug
    this.extensions = extensions
    this.status = options.status ?? problems[slug][0]
  }
}

export interface ProblemDocument extends Extensions {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
}

const SLUGS: Partial<Record<ErrorName, ProblemSlug>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'unknown-topic',
  UNKNOWN_TOPIC_ID: 'unknown-topic',
  TOPIC_ALREADY_EXISTS: 'topic-exists',
  MESSAGE_TOO_LARGE: 'record-too-large',
  RECORD_LIST_TOO_LARGE: 'record-too-large',
  OFFSET_OUT_OF_RANGE: 'offset-out-of-range',
  INVALID_RECORD: 'schema-validation',
  BROKER_NOT_AVAILABLE: 'upstream-unavailable',
  NETWORK_EXCEPTION: 'upstream-unavailable',
  UNKNOWN_SERVER_ERROR: 'internal-error'
}

const SLUGS_BY_STATUS: Readonly<Record<number, ProblemSlug>> = {
  400: 'invalid-request', 401: 'unauthenticated', 403: 'forbidden', 404: 'not-found', 409: 'conflict', 429: 'quota-exceeded', 503: 'not-available'
}

export function problemOf (error: unknown): ProblemDocument {
  const { slug, status, message, extensions } = asProblem(error)
  return { type: `urn:barnabas:problem:${slug}`, title: problems[slug][1], status, detail: message, ...extensions }
}

/** A Kafka error as a problem, with what else there is to say about it. */
export function kafkaProblem (error: KafkaError, extensions: Extensions = {}): Problem {
  const { code, name, retriable, http } = errorRow(error.errorCode)
  const slug = SLUGS[name] ?? SLUGS_BY_STATUS[http] ?? 'kafka-error'
  const more = error instanceof Throttled
    ? { quota: error.quota, retryAfterMs: error.retryAfterMs }
    : error.missing === null ? {} : { missing: error.missing }
  return new Problem(slug, error.message, { kafka: { code, name, retriable }, ...more, ...extensions }, { status: http, cause: error })
}

/** Fastify's own errors, by code. */
const FASTIFY: Readonly<Record<string, ProblemSlug>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-body',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-body',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-body',
  FST_ERR_BAD_URL: 'invalid-request',
  FST_ERR_MAX_LIMIT: 'invalid-request',
  // The peer left in the middle of a body: nobody reads the answer, and nothing is wrong here.
  ECONNRESET: 'invalid-body'
}

/** Every error as a problem. What we did not foresee tells nothing of itself to the caller: the log has it. */
export function asProblem (error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof KafkaError) return kafkaProblem(error)
  if (error instanceof InvalidRequest) {
    return new Problem(error.inBody ? 'invalid-body' : 'invalid-parameter', error.message, { errors: error.faults })
  }
  const { code, statusCode, message } = error as { code?: string, statusCode?: number, message?: string }
  const slug = FASTIFY[code ?? '']
  if (slug !== undefined) return new Problem(slug, message ?? '')
  if (statusCode !== undefined && statusCode < 500) return new Problem(SLUGS_BY_STATUS[statusCode] ?? 'invalid-request', message ?? '')
  return new Problem('internal-error', 'The server failed in a way it did not foresee; its log says more.', {}, { cause: error })
}

// ---- Confluent's REST Proxy

export interface ConfluentErrorBody {
  readonly error_code: number
  readonly message: string
}

/** An error of the Confluent-compatible paths with a code of its own. The status is the code's first three digits. */
export class ConfluentError extends Error {
  override readonly name = 'ConfluentError'
  readonly errorCode: number

  constructor (errorCode: number, message: string) {
    super(message)
    this.errorCode = errorCode
  }
}

const CONFLUENT_CODES: Partial<Record<ErrorName, number>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 40403,
  UNKNOWN_TOPIC_ID: 40403,
  TOPIC_ALREADY_EXISTS: 40002,
  MESSAGE_TOO_LARGE: 413,
  RECORD_LIST_TOO_LARGE: 413,
  INVALID_RECORD: 42206,
  BROKER_NOT_AVAILABLE: 50302
}

const CONFLUENT_CODES_BY_STATUS: Readonly<Record<number, number>> = { 400: 40002, 401: 40101, 403: 40301, 429: 42901 }

const CONFLUENT_CODES_BY_SLUG: Partial<Record<ProblemSlug, number>> = { unauthenticated: 40101, 'quota-exceeded': 42901 }

export function confluentCodeOf (error: KafkaError): number {
  const { name, http, retriable } = errorRow(error.errorCode)
  return CONFLUENT_CODES[name] ?? CONFLUENT_CODES_BY_STATUS[http] ?? (retriable ? 50003 : 50002)
}

export function confluentErrorOf (error: unknown): ConfluentErrorBody {
  if (error instanceof ConfluentError) return { error_code: error.errorCode, message: error.message }
  if (error instanceof KafkaError) return { error_code: confluentCodeOf(error), message: error.message }
  if (error instanceof InvalidRequest && error.inBody) return { error_code: 42203, message: error.message }
  const { slug, status, message } = asProblem(error)
  return { error_code: CONFLUENT_CODES_BY_SLUG[slug] ?? status, message }
}

const statusOfCode = (code: number): number => code < 1000 ? code : Math.floor(code / 100)

// ---- answering

/**
 * Whether a media type is of Confluent's API v2, on a path that it shares with the plain API. The type is Fastify's, which
 * decides what parses the body, so that nobody reads it in two ways.
 */
export const isConfluentV2 = (mediaType: string | undefined): boolean => mediaType?.startsWith('application/vnd.kafka.') === true

interface Answer {
  readonly type: string
  readonly status: number
  readonly body: object
}

function answerOf (error: unknown, problem: Problem, request: FastifyRequest): Answer {
  const v3 = request.url.startsWith('/v3/')
  if (v3 || request.routeOptions.config.errors === 'confluent' || isConfluentV2(request.mediaType)) {
    const body = confluentErrorOf(error)
    return { type: v3 ? 'application/json' : 'application/vnd.kafka.v2+json', status: statusOfCode(body.error_code), body }
  }
  if (speaksRegistry(request)) {
    const body = registryErrorOf(error, problem)
    return { type: REGISTRY_TYPE, status: statusOfCode(body.error_code), body }
  }
  return { type: 'application/problem+json', status: problem.status, body: problemOf(problem) }
}

/** For Fastify's `setErrorHandler`. */
export function sendError (error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = asProblem(error)
  const { type, status, body } = answerOf(error, problem, request)
  if (problem.slug === 'internal-error' && status === 500 && !(error instanceof ConfluentError)) {
    request.log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed')
  }
  const { allow, retryAfterMs = 0 } = problem.extensions as { allow?: readonly string[], retryAfterMs?: number }
  if (allow !== undefined) reply.header('allow', allow.join(', '))
  if (status === 503 || status === 429) reply.header('retry-after', Math.max(1, Math.ceil(retryAfterMs / 1000)))
  reply.code(status).header('content-type', type).send(JSON.stringify(body))
}
