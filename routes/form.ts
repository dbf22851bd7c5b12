/**
 * The forms that records travel in, and which of them have no end that is known when they begin.
 */
import type { FastifyRequest } from 'fastify'
import { negotiate } from './negotiate.ts'

export const FORMS = ['application/json', 'application/x-ndjson', 'text/event-stream'] as const

/** The form that a reader asks for; null if there is none that it accepts. */
export const formOf = (request: FastifyRequest): typeof FORMS[number] | null => negotiate(request.headers.accept, FORMS)

/** Whether a request is served for as long as its peer likes: it is paced where others are refused. */
export function isStream (request: FastifyRequest): boolean {
  switch (request.routeOptions.config.operationId) {
    case 'produceRecordsV3': return true
    case 'produce': case 'produceRecords': case 'produceToPartition': return request.mediaType === 'application/x-ndjson'
    case 'readRecords': return (formOf(request) ?? FORMS[0]) !== FORMS[0]
    default: return false
  }
}
