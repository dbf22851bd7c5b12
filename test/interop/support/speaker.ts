/**
 * Any request in any version, and the very bytes of its answer.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { complete, initialOf } from '../../../protocol/defaults.ts'
import { FrameSplitter, readResponse, writeRequest } from '../../../protocol/frame.ts'
import type { Api, Fields, Request, RequestInput, Response, Spec } from '../../../protocol/schema.ts'

const ANSWER_TIMEOUT_MS = 30_000

export type Body = Readonly<Record<string, unknown>>

export interface Heard {
  readonly api: Api
  readonly version: number
  /** Without its length; null where the connection was closed instead. */
  readonly frame: Buffer | null
  readonly body: Body | null
}

/** What a version has no place for is left out of the body, and what may not be null there is at its default. */
export function fit (fields: Fields, version: number, body: Body): Body {
  return Object.fromEntries(Object.entries(body).flatMap(([name, value]) => {
    const spec = fields[name]?.spec
    if (spec === undefined) throw new Error(`there is no field ${name}`)
    return version < spec.since || version > spec.until ? [] : [[name, fitValue(spec, version, value)]]
  }))
}

function fitValue (spec: Spec, version: number, value: unknown): unknown {
  if (value === null) return version < spec.nullableSince ? initialOf(spec)() : null
  if (spec.fields !== null) return fit(spec.fields, version, value as Body)
  const inside = spec.element?.fields ?? null
  return inside === null ? value : (value as readonly Body[]).map(element => fit(inside, version, element))
}

/** One connection after the other: where it is closed, the next request opens another. */
export class Speaker {
  readonly heard: Heard[] = []
  readonly #host: string
  readonly #port: number
  #socket: Socket | null = null
  #splitter = new FrameSplitter()
  #correlationId = 0

  constructor (address: string) {
    const [host, port] = address.split(':')
    this.#host = host!
    this.#port = Number(port)
  }

  /** Gives the answer, or null where the connection was closed. Rejects where there is neither in time. */
  async ask<A extends Api> (api: A, version: number, body: Body): Promise<Response<A> | null> {
    await this.#send(api, version, body)
    const frame = await this.#frame(`${api.name} v${version}`)
    const answer = frame === null ? null : readResponse(api, version, frame).body as Response<A>
    this.heard.push({ api, version, frame, body: answer as Body | null })
    return answer
  }

  /** For requests without an answer. */
  async tell (api: Api, version: number, body: Body): Promise<void> {
    await this.#send(api, version, body)
  }

  close (): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  async #send (api: Api, version: number, body: Body): Promise<void> {
    if (this.#socket === null || this.#socket.destroyed || this.#socket.readableEnded) {
      this.#socket?.destroy()
      this.#splitter = new FrameSplitter()
      this.#socket = connect(this.#port, this.#host)
      await once(this.#socket, 'connect')
    }
    const request = complete(api.request, fit(api.request, version, body) as never) as Request<Api>
    this.#socket.write(Buffer.concat(writeRequest(api, version, ++this.#correlationId, 'speaker', fit(api.request, version, request) as RequestInput<Api>)))
  }

  async #frame (what: string): Promise<Buffer | null> {
    const socket = this.#socket!
    const late = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    for (;;) {
      const frame = this.#splitter.next()
      if (frame !== null) return frame
      const either = new AbortController()
      const signal = AbortSignal.any([late, either.signal])
      const ended = once(socket, 'close', { signal }).then(() => null)
      const more = once(socket, 'data', { signal }).then(([chunk]) => chunk as Buffer)
      for (const one of [ended, more]) one.catch(() => {})
      const chunk = await Promise.race([more, ended]).finally(() => either.abort()).catch((error: Error) => {
        if (late.aborted) throw new Error(`${what} was not answered within ${ANSWER_TIMEOUT_MS} ms`)
        if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return null
        throw error
      })
      if (chunk === null) {
        this.close()
        return null
      }
      this.#splitter.push(chunk)
    }
  }
}
