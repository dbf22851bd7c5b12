/**
 * How the paths of consumer instances are sent something: JSON, by any of Confluent's names for it, and once in the body of a GET.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BodyWatch } from '../bodies.ts'
import { ConfluentError, Problem } from '../problem.ts'

const JSON_TYPES = /^application\/(json|vnd\.kafka\.([a-z]+\.)?v2\+json)(;|$)/
/** A partition takes about 300 bytes at most. */
const MAX_GET_BODY_BYTES = 1024 * 1024

/** Every body is JSON; an empty one is an empty object. */
export function readV2Json (app: FastifyInstance, watch: BodyWatch): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>(JSON_TYPES, { parseAs: 'string' }, (request, body, done) => {
    watch.forget(request)
    if (body.trim() === '') return done(null, {})
    parse(request, body, done)?.catch(done)
  })
}

/**
 * The body of a GET, which HTTP gives no meaning (RFC 9110, section 9.3.1) but Confluent's API does; undefined if there is none.
 * Rejects with ConfluentError and Problem; the connection ends with the answer where the rest of the body is not read.
 */
export async function bodyOfGet ({ raw }: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers
  if (encoding === undefined && (length === undefined || length === '0')) return undefined
  if (Number(length ?? 0) > MAX_GET_BODY_BYTES) throw tooLarge(reply)
  const pieces: Buffer[] = []
  let size = 0
  // Not to be destroyed with the loop: the connection would neither be read any more nor end.
  for await (const piece of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > MAX_GET_BODY_BYTES) throw tooLarge(reply)
    pieces.push(piece)
  }
  const text = Buffer.concat(pieces).toString()
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new ConfluentError(400, `The body is not JSON: ${(error as Error).message}.`)
  }
}

/** What the peer still sends is not waited for, so nothing can follow on this connection: else a stop would wait for it. */
function tooLarge (reply: FastifyReply): Problem {
  reply.header('connection', 'close')
  return new Problem('body-too-large', `The body of a GET may have ${MAX_GET_BODY_BYTES} bytes here.`)
}
