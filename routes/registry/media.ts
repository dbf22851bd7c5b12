/**
 * Media types of Confluent's Schema Registry. Bodies are JSON, whatever they are called: its clients of all ages send its own
 * types, `application/json`, `application/octet-stream`, and nothing at all; and `curl -d` says that it sends a form.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BodyWatch } from '../bodies.ts'
import { negotiate } from '../negotiate.ts'
import { Problem } from '../problem.ts'
import { REGISTRY_TYPE } from './errors.ts'

/** What is answered, the preferred one first. */
const ANSWERS = [REGISTRY_TYPE, 'application/vnd.schemaregistry+json', 'application/json'] as const

const BODIES: ReadonlySet<string> = new Set([...ANSWERS, 'application/octet-stream', 'application/x-www-form-urlencoded'])

/** A schema has a million characters at most, of which many may be escaped. JSON takes up to a hundred times its size in memory. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

/** An empty body is an empty object. */
export function readRegistryBodies (app: FastifyInstance, watch: BodyWatch): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  const bodyLimit = Math.min(app.initialConfig.bodyLimit ?? MAX_BODY_BYTES, MAX_BODY_BYTES)
  app.addContentTypeParser<string>('*', { parseAs: 'string', bodyLimit }, (request, body, done) => {
    watch.forget(request)
    const { mediaType } = request
    if (body.length === 0) return done(null, {})
    if (mediaType !== undefined && !BODIES.has(mediaType)) {
      return done(new Problem('unsupported-media-type', `${mediaType} is not read here: send ${ANSWERS[0]} or application/json.`))
    }
    parse(request, body, done)?.catch(done)
  })
}

/** Clients say the same with every request. */
let latest: { readonly accept: string | undefined, readonly type: typeof ANSWERS[number] | null } = { accept: undefined, type: REGISTRY_TYPE }

/** Says what the answers to come are. Throws Problem if the peer wants none of it. */
export function negotiateRegistryType ({ headers: { accept } }: FastifyRequest, reply: FastifyReply): void {
  if (accept !== latest.accept) latest = { accept, type: negotiate(accept, ANSWERS) }
  const { type } = latest
  if (type === null) throw new Problem('not-acceptable', `What is here is ${ANSWERS.join(' or ')}.`)
  reply.header('content-type', type)
}

/** Whether the peer is a client of a schema registry, on the one path that means something else to everybody else. */
export const isRegistryClient = ({ headers: { accept = '' } }: FastifyRequest): boolean => accept.includes('application/vnd.schemaregistry')

/** Schemas as they are, without anything around them: those of Protobuf are no JSON. */
export function sendText (reply: FastifyReply, text: string, isJson: boolean): FastifyReply {
  if (!isJson) reply.header('content-type', 'text/plain; charset=utf-8')
  return reply.send(text)
}
