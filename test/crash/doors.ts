/**
 * Where a client finds the log: at one server, or at several that stand in front of the same. Each client has one that it goes
 * to first, so that all have some, and goes to the next when that does not answer.
 */
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import type { Api, RequestInput, Response } from '../../protocol/schema.ts'
import { Connection } from '../engine/connection.ts'

/** Of several servers one may be held: a client of Kafka gives up, too (request.timeout.ms), only later. */
const REQUEST_MS = 10_000
/** A leader is chosen in less time: who refuses for longer may be about to stop. */
const MAX_REFUSALS = 25

export class Doors {
  readonly #ports: readonly number[]
  readonly #first: number
  #failures = 0
  #refusals = 0

  constructor (ports: readonly number[], first = 0) {
    this.#ports = ports
    this.#first = first
  }

  get areSeveral (): boolean {
    return this.#ports.length > 1
  }

  /** A connection to the next one to try. Rejects if nobody answers there. */
  async open (): Promise<Connection> {
    const port = this.#ports[(this.#first + this.#failures++) % this.#ports.length]!
    const connection = await Connection.open(port)
    this.#refusals = 0
    // As every client of Kafka does that has lost a connection.
    if (this.areSeveral) await this.send(connection, Metadata, 8, { topics: [] })
    return connection
  }

  /** Rejects with DisconnectedError, after `REQUEST_MS` too where there are others to go to. */
  async send<A extends Api> (connection: Connection, api: A, version: number, request: RequestInput<A>): Promise<Response<A>> {
    const timer = this.areSeveral ? setTimeout(() => connection.destroy(), REQUEST_MS) : undefined
    try {
      return await connection.send(api, version, request)
    } finally {
      clearTimeout(timer)
    }
  }

  /** It does what it is asked for. */
  worked (): void {
    this.#failures = this.#refusals = 0
  }

  /** It does not: whether to go to another one. */
  refused (): boolean {
    return this.areSeveral && ++this.#refusals > MAX_REFUSALS
  }
}
