/**
 * THE WAIST. Every door turns what it hears into a typed Kafka request; every rule is a function from dispatch to
 * dispatch; every engine is one dispatch.
 */
import type { Api, Request, Response } from './schema.ts'

/** Who asks. `User:ANONYMOUS` where nothing asks for credentials. */
export interface Principal {
  readonly type: string
  readonly name: string
  /** Whether it was proved by a delegation token (KIP-48), which is no part of who it is. */
  readonly tokenAuthenticated?: true
}

export const anonymous: Principal = { type: 'User', name: 'ANONYMOUS' }

/**
 * The process itself, on errands of its own: to keep its state, to fetch once for many readers. Policies know it as this
 * object, which no door hands out, whatever a stranger calls itself.
 */
export const internalPrincipal: Principal = { type: 'Barnabas', name: 'internal' }

/** As Kafka writes it: `User:alice`. */
export const formatPrincipal = ({ type, name }: Principal): string => `${type}:${name}`

export type Door = 'kafka' | 'http' | 'ws' | 'sse' | 'push' | 'internal'

/** What requests of one connection have in common. Its identity matters, and what its client says it is (KIP-511). */
export interface ClientConnection {
  readonly software?: string | null
  /**
   * For an engine to say that a request has its place, before its answer is known: what comes behind it on this connection
   * cannot overtake it any more, and may be begun. `context` is the one that the door has made; any other is ignored.
   */
  handedOn? (context: Context): void
}

export interface Context {
  readonly principal: Principal
  readonly door: Door
  readonly clientId: string
  /** The peer's address, without its port. */
  readonly address: string
  /** The version that the caller speaks; internal callers use the newest. */
  readonly version: number
  /**
   * Stands for the connection that the request came in by, where the requests of one belong together and end with `signal`: an
   * engine may keep by it what serves them. Absent where each request is one of its own.
   */
  readonly connection?: ClientConnection
  /** As it came, where the door has that: who hands on this very request in this very version may hand on its bytes. */
  readonly received?: { readonly request: object, readonly version: number, readonly frame: Buffer }
  /** Aborted when the peer leaves: cancels a long poll. */
  readonly signal: AbortSignal
  /** How long the caller is to be held back, in ms. Written by the quota policy, obeyed by the door. */
  throttleMs: number
}

export type Dispatch = <A extends Api>(api: A, request: Request<A>, context: Context) => Promise<Response<A>>
export type Policy = (next: Dispatch) => Dispatch

/** The first policy is the outermost: it sees a request first and its response last. */
export function compose (engine: Dispatch, ...policies: readonly Policy[]): Dispatch {
  return policies.reduceRight<Dispatch>((next, policy) => policy(next), engine)
}

/** A policy about one api; every other request passes by untouched. */
export function on<A extends Api> (
  api: A,
  rule: (request: Request<A>, context: Context, next: (request: Request<A>) => Promise<Response<A>>) => Promise<Response<A>>
): Policy {
  return next => <B extends Api>(target: B, request: Request<B>, context: Context): Promise<Response<B>> =>
    target.key === api.key
      ? rule(request as Request<A>, context, inner => next(api, inner, context)) as Promise<Response<B>>
      : next(target, request, context)
}

/** For callers whose peer cannot leave: a signal that is never aborted. */
export const neverAborted: AbortSignal = new AbortController().signal

/** The newest version of an api, which internal callers speak. */
export const newest = (api: Api): number => api.versions[1]
