/**
 * What one connection of a client has behind it: a connection of its own to each broker that it needs, made when it is
 * needed. So what one client waits for holds up no other, and what it sends to a broker arrives in the order in which it
 * was sent. A second kind is for reads that may wait beyond the request that asked for them.
 */
import { Produce } from '../../protocol/messages/00-produce.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import type { UpstreamConnection } from './connection.ts'
import { UpstreamFailure } from './failure.ts'
import { sendOn, type CallOptions, type Caller } from './pool.ts'
import type { UpstreamIdentity } from './upstream.ts'

interface Track {
  connection: UpstreamConnection | null
  opening: Promise<UpstreamConnection> | null
  /** How many of the requests under way only wait. */
  blocking: number
  usedAt: number
}

/** A Produce with acks=0: what becomes of it can be told by closing the connection alone, and so it is handed on. */
const isUnanswered = (api: Api, request: Request<Api>): boolean => api === Produce && (request as Request<typeof Produce>).acks === 0

/** A client that is silent for so long does with no connection behind it. */
const IDLE_MS = 300_000

export class Line implements Caller {
  favourite: Broker | null = null
  readonly #identity: UpstreamIdentity
  readonly #tracks = new Map<Broker, Track>()
  #closed = false

  constructor (identity: UpstreamIdentity) {
    this.#identity = identity
  }

  send<A extends Api> (broker: Broker, api: A, wanted: number, request: Request<A>, options: CallOptions): Promise<Response<A>> {
    const track = this.#track(broker)
    const { connection } = track
    track.usedAt = performance.now()
    // Without a wait where none is needed: that is the hot path, and the order of requests.
    if (connection !== null && connection.isOpen && track.usedAt < connection.expiresAt) {
      return this.#sendOn(track, connection, broker, api, wanted, request, options)
    }
    if (isUnanswered(api, request) && connection?.hasRefusedSilently === true) {
      track.connection = null
      return Promise.reject(new UpstreamFailure('The broker has refused what was sent before, by closing the connection.', true))
    }
    return this.#opened(broker, track).then(connection => {
      if (this.#closed && options.blocks) {
        this.#letGo(track)
        throw new UpstreamFailure('The client has left.', false)
      }
      return this.#sendOn(track, connection, broker, api, wanted, request, options)
    })
  }

  #sendOn<A extends Api> (
    track: Track, connection: UpstreamConnection, broker: Broker, api: A, wanted: number, request: Request<A>, options: CallOptions
  ): Promise<Response<A>> {
    const answer = sendOn(connection, broker, api, wanted, request, options)
    if (!options.blocks && !this.#closed) return answer
    if (options.blocks) track.blocking++
    return answer.finally(() => {
      if (options.blocks) track.blocking--
      if (this.#closed) this.#letGo(track)
    })
  }

  #opened (broker: Broker, track: Track): Promise<UpstreamConnection> {
    track.opening ??= this.#open(broker, track).finally(() => { track.opening = null })
    return track.opening
  }

  async #open (broker: Broker, track: Track): Promise<UpstreamConnection> {
    const { connection } = track
    // What goes out on another connection could overtake it. (What only waits there is behind nothing.)
    if (connection?.isOpen === true && track.blocking === 0) await connection.idle()
    if (connection?.isOpen === true && connection.inFlight === 0) await broker.prove(connection, this.#identity)
    else track.connection = await broker.connect(this.#identity)
    return track.connection!
  }

  #track (broker: Broker): Track {
    let track = this.#tracks.get(broker)
    if (track === undefined) this.#tracks.set(broker, track = { connection: null, opening: null, blocking: 0, usedAt: 0 })
    return track
  }

  /** The client has left. What it has sent is carried out; what only waits is given up. */
  close (): void {
    this.#closed = true
    for (const track of this.#tracks.values()) this.#letGo(track)
  }

  #letGo ({ connection, blocking }: Track): void {
    if (connection === null) return
    // What nobody waits for an answer to may still be on its way out.
    if (blocking > 0 && connection.inFlight <= blocking) connection.destroy('the client has left')
    else connection.finish()
  }

  tick (now: number): void {
    for (const [broker, track] of this.#tracks) {
      const { connection, opening, usedAt } = track
      if (opening !== null || (connection?.isOpen === true && now - usedAt < IDLE_MS) || (connection?.inFlight ?? 0) > 0) continue
      connection?.finish()
      this.#tracks.delete(broker)
    }
  }
}
