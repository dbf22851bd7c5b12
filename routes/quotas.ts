/**
 * Rates at the HTTP doors: a principal that is over one of its quotas is answered 429 before anything is done, and told which
 * quota it is and when to come back (draft-ietf-httpapi-ratelimit-headers-11). Streams are not refused but slowed: pace.ts.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../protocol/rpc.ts'
import type { QuotaKey } from '../src/access/model.ts'
import { contextOf, type HttpDoor } from './door.ts'
import { Problem } from './problem.ts'
import type { DoorQuotas, Throttle } from './guards.ts'

const PRODUCING: ReadonlySet<string | undefined> = new Set(['produce', 'produceRecords', 'produceToPartition', 'produceRecordsV3'])
const READING: ReadonlySet<string | undefined> = new Set(['readRecords', 'getRecord', 'readConsumerRecords'])

const PRODUCE = ['producer', 'request'] as const
const READ = ['consumer', 'request'] as const
const OTHER = ['request'] as const

const UNITS: Partial<Record<QuotaKey, string>> = { producer_byte_rate: 'content-bytes', consumer_byte_rate: 'content-bytes' }

/** For the requests of `isStream`, whoever serves them asks. */
export function limitRates (app: FastifyInstance, { quotas }: HttpDoor, isStream: (request: FastifyRequest) => boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { config: { operationId, public: isPublic } } = request.routeOptions
    if (operationId === undefined || isPublic === true || isStream(request)) return done()
    const context = contextOf(request)
    const kinds = PRODUCING.has(operationId) ? PRODUCE : READING.has(operationId) ? READ : OTHER
    const allowance = quotas.allowance(context, ...kinds)
    if (allowance === null) return done()
    tell(reply, allowance)
    const throttle = allowance.delayMs > 0 ? quotas.throttle(context, ...kinds) : null
    if (throttle !== null) return done(overQuota(throttle))
    if (kinds === OTHER) return done()
    const leaving = new AbortController()
    const turn = quotas.turn({ ...context, signal: leaving.signal }, kinds === PRODUCE ? 'producer' : 'consumer')
    if (turn === null) return done()
    const leave = (): void => leaving.abort()
    reply.raw.once('close', leave)
    turn.then(() => {
      reply.raw.off('close', leave)
      done(leaving.signal.aborted ? new Problem('invalid-request', 'The peer left before it was its turn.') : undefined)
    }, done)
  })
}

/** Counts the time that `act` takes. */
export function worked<T> (quotas: DoorQuotas, context: Context, act: () => T): T {
  const startedAt = performance.now()
  try {
    return act()
  } finally {
    quotas.work(context, performance.now() - startedAt)
  }
}

export function overQuota ({ quota, limit, entity, delayMs }: Throttle): Problem {
  const of = Object.entries(entity).map(([type, name]) => `${type} ${name ?? '(default)'}`).join(', ')
  return new Problem('quota-exceeded', `Over the ${quota} of ${limit}${quota === 'request_percentage' ? ' %' : ' a second'} for ${of}: ` +
    `wait ${Math.ceil(delayMs)} ms. Nothing was done.`, { quota, limit, entity, retryAfterMs: Math.ceil(delayMs) })
}

/** Structured fields (RFC 9651): the numbers are integers, and the time is in seconds. */
function tell (reply: FastifyReply, { quota, limit, delayMs, remaining, windowMs }: Throttle): void {
  const window = Math.max(1, Math.round(windowMs / 1000))
  const left = delayMs > 0 ? 0 : Math.max(0, Math.floor(remaining))
  const unit = UNITS[quota]
  reply.header('ratelimit-policy', `"${quota}";q=${Math.floor(limit * window)}${unit === undefined ? '' : `;qu="${unit}"`};w=${window}`)
  reply.header('ratelimit', `"${quota}";r=${left};t=${delayMs > 0 ? Math.ceil(delayMs / 1000) : window}`)
}
