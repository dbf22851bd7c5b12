/**
 * What is to be known of the cluster before it is spoken to: where it may be found, how a connection to it is made, and in
 * whose name.
 */
import type { Socket } from 'node:net'
import type { KafkaError } from '../../protocol/errors.ts'
import type { Principal } from '../../protocol/rpc.ts'
import type { Api, RequestInput, Response } from '../../protocol/schema.ts'

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** One request after the other on a connection that nobody else uses yet. */
export interface Channel {
  /** Rejects with an Error if the connection ends, or is not answered in time. */
  request<A extends Api> (api: A, version: number, body: RequestInput<A>): Promise<Response<A>>
}

/** In whose name connections are made. */
export interface UpstreamIdentity {
  /** The same for connections that may serve the same callers. Never a secret. */
  readonly key: string
  /**
   * Proves it on a new connection, or anew on an old one (KIP-368). Resolves with how long that holds, in ms; 0 for as long as the
   * connection lasts. Rejects with a sentence for the operator.
   */
  authenticate (channel: Channel): Promise<number>
  /** Why nobody is to try: then nothing is connected. */
  readonly refused?: KafkaError
}

/** Of a principal for whom nobody goes to the cluster: each request is told so in its own answer. */
export const refusedIdentity = (refused: KafkaError): UpstreamIdentity => ({ key: '', authenticate: () => Promise.reject(refused), refused })

/** Memory that a socket reads into again and again, and who is told how much of it is filled: only until he returns. */
export interface Inlet {
  readonly memory: Uint8Array
  received (bytes: number): void
}

export interface UpstreamSecurity {
  /**
   * A connected socket, with TLS where the cluster asks for it. What it receives goes into the inlet where that can be, which is
   * without TLS, and is told by `data` events where it cannot. Rejects with a sentence for the operator.
   */
  connect (endpoint: Endpoint, signal: AbortSignal, inlet?: Inlet): Promise<Socket>
  /** Who goes to the cluster for that principal. Throws KafkaError CLUSTER_AUTHORIZATION_FAILED where nobody does. */
  identityFor (principal: Principal): UpstreamIdentity
}

/** The virtual brokers that clients see: one for each gateway. */
export interface VirtualNodes {
  /** The one that is this process. */
  readonly own: number
  /** Those that take clients now, in ascending order; never empty. */
  live (): readonly number[]
}
