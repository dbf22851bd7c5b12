/**
 * Connections for requests that belong to no connection of a client: those of the HTTP-shaped doors, and our own. A request
 * that waits for something has a connection to itself, since a broker answers nothing behind it; the others share a few.
 */
import type { Api, Request, Response } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import type { SendOptions, UpstreamConnection } from './connection.ts'
import type { UpstreamIdentity } from './upstream.ts'

export interface CallOptions extends SendOptions {
  /** Whether the broker may take its time on purpose. */
  readonly blocks: boolean
}

/** Whoever sends requests in somebody's name. */
export interface Caller {
  /** The broker that has answered last what any could have. */
  favourite: Broker | null
  /** Speaks the version that the broker understands, `wanted` if it can. Rejects with UpstreamFailure, and ProtocolError for what a version cannot carry. */
  send<A extends Api> (broker: Broker, api: A, wanted: number, request: Request<A>, options: CallOptions): Promise<Response<A>>
}

/** Connections to one broker that are shared. */
const MAX_SHARED = 8
/** Connections that nobody has used for so long are closed. */
const IDLE_MS = 60_000

interface Held {
  readonly connection: UpstreamConnection
  usedAt: number
}

interface Connections {
  shared: Held[]
  /** Those of requests that wait, between two of them. */
  idle: Held[]
  /** Shared ones that are being made. */
  opening: Promise<Held>[]
}

export class Pool implements Caller {
  favourite: Broker | null = null
  readonly #identity: UpstreamIdentity
  readonly #brokers = new Map<Broker, Connections>()

  constructor (identity: UpstreamIdentity) {
    this.#identity = identity
  }

  async send<A extends Api> (broker: Broker, api: A, wanted: number, request: Request<A>, options: CallOptions): Promise<Response<A>> {
    const all = this.#of(broker)
    if (!options.blocks) {
      const held = await this.#shared(broker, all)
      return await sendOn(held.connection, broker, api, wanted, request, options)
    }
    const held = all.idle.pop() ?? await this.#open(broker)
    if (!held.connection.isOpen) return await this.send(broker, api, wanted, request, options)
    try {
      return await sendOn(held.connection, broker, api, wanted, request, options)
    } finally {
      held.usedAt = performance.now()
      if (held.connection.isOpen) all.idle.push(held)
    }
  }

  /** The one with the least to do; another one where all are busy and there may be more. */
  async #shared (broker: Broker, all: Connections): Promise<Held> {
    const now = performance.now()
    all.shared = all.shared.filter(({ connection }) => connection.isOpen && connection.expiresAt > now)
    let best: Held | null = null
    for (const held of all.shared) if (best === null || held.connection.inFlight < best.connection.inFlight) best = held
    if (best !== null && best.connection.inFlight === 0) {
      best.usedAt = now
      return best
    }
    if (all.shared.length + all.opening.length < MAX_SHARED) {
      const opening = this.#open(broker)
      all.opening.push(opening)
      opening.then(held => { all.shared.push(held) }, () => {}).finally(() => { all.opening = all.opening.filter(one => one !== opening) })
      // A connection that is there answers sooner than one that is still made.
      if (best === null) return await opening
    }
    return best ?? await all.opening[0]!
  }

  async #open (broker: Broker): Promise<Held> {
    return { connection: await broker.connect(this.#identity), usedAt: performance.now() }
  }

  #of (broker: Broker): Connections {
    let all = this.#brokers.get(broker)
    if (all === undefined) this.#brokers.set(broker, all = { shared: [], idle: [], opening: [] })
    return all
  }

  get isEmpty (): boolean {
    return this.#brokers.size === 0
  }

  /** One sweep: lets go of what is not used, or not valid for much longer. */
  tick (now: number): void {
    const isDone = ({ connection, usedAt }: Held): boolean =>
      !connection.isOpen || (connection.inFlight === 0 && (now - usedAt > IDLE_MS || now > connection.expiresAt))
    for (const [broker, all] of this.#brokers) {
      for (const held of [...all.shared, ...all.idle]) if (isDone(held)) held.connection.finish()
      all.shared = all.shared.filter(({ connection }) => connection.isOpen)
      all.idle = all.idle.filter(({ connection }) => connection.isOpen)
      if (all.shared.length + all.idle.length + all.opening.length === 0) this.#brokers.delete(broker)
    }
  }
}

/** As `connection.send`, in a version that the broker speaks. Rejects with ProtocolError for what that cannot carry. */
export function sendOn<A extends Api> (
  connection: UpstreamConnection, broker: Broker, api: A, wanted: number, request: Request<A>, options: SendOptions
): Promise<Response<A>> {
  const version = broker.version(api, wanted) ?? wanted
  try {
    return connection.send(api, version, request as never, version === wanted ? options : { ...options, frame: undefined })
  } catch (error) {
    return Promise.resolve().then(() => { throw error })
  }
}
