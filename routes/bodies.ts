/**
 * How request bodies are read, one way for each kind of route, and how long a peer may take to send one.
 *
 * Node's own `requestTimeout` cannot be used: it would cut off an upload that is meant to last. So it is left out, and
 * every body that is read as a whole is watched here. Watching costs one Map entry for as long as the body is incomplete.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Problem, sendError } from './problem.ts'

/** How long a body may take that is read as a whole. */
const BODY_DEADLINE_MS = 30_000
const SWEEP_MS = 1_000

interface Upload {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly deadline: number
}

export class BodyWatch {
  readonly #uploads = new Map<IncomingMessage, Upload>()
  readonly #deadlineMs: number
  readonly #timer: NodeJS.Timeout

  constructor (deadlineMs = BODY_DEADLINE_MS, sweepMs = SWEEP_MS) {
    this.#deadlineMs = deadlineMs
    this.#timer = setInterval(() => this.#sweep(Date.now()), sweepMs).unref()
  }

  /** How many bodies are being waited for. */
  get size (): number {
    return this.#uploads.size
  }

  /** Watches the requests of all routes that are registered on `app` from here on. */
  watch (app: FastifyInstance): void {
    app.addHook('onRequest', (request, reply, done) => {
      const { headers } = request
      if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
        reply.header('accept-encoding', 'identity')
        done(new Problem('unsupported-media-type', `Content-Encoding ${headers['content-encoding']} is not supported: send the body as it is.`))
        return
      }
      if (headers['content-length'] !== '0' && (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)) {
        this.#uploads.set(request.raw, { request, reply, deadline: Date.now() + this.#deadlineMs })
      }
      done()
    })
  }

  /** The body is complete, or whoever reads it sees to its own patience. */
  forget (request: FastifyRequest): void {
    this.#uploads.delete(request.raw)
  }

  close (): void {
    clearInterval(this.#timer)
  }

  #sweep (now: number): void {
    for (const [raw, { request, reply, deadline }] of this.#uploads) {
      if (raw.complete || raw.destroyed) {
        this.#uploads.delete(raw)
      } else if (now >= deadline) {
        this.#uploads.delete(raw)
        if (reply.sent) {
          // It was answered long ago, and what is still being sent only gets thrown away.
          raw.destroy()
          continue
        }
        reply.header('connection', 'close')
        sendError(new Problem('request-timeout', `The body did not arrive within ${this.#deadlineMs / 1000} s.`), request, reply)
      }
    }
  }
}

/** Every body is the bytes that came; `application/x-ndjson` is handed over as the stream it is. */
export function readRaw (app: FastifyInstance, watch: BodyWatch): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/x-ndjson', (request, payload, done) => {
    watch.forget(request)
    done(null, payload)
  })
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    watch.forget(request)
    done(null, body)
  })
}

/** Every body is JSON; an empty one is an empty object. */
export function readJson (app: FastifyInstance, watch: BodyWatch): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    watch.forget(request)
    if (body.length === 0) return done(null, {})
    parse(request, body, done)?.catch(done)
  })
}

/** `application/json` is handed over as the stream it is. */
export function readStream (app: FastifyInstance, watch: BodyWatch): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request, payload, done) => {
    watch.forget(request)
    done(null, payload)
  })
}
