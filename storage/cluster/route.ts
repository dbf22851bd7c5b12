/**
 * What a handler of this engine is given, and the few ways in which a request finds its broker: the controller, any broker,
 * the coordinator of what it names, all of them. `partitions.ts` has the one by leaders, `fetch.ts` its long polls.
 */
import { errors, KafkaError, type ErrorName } from '../../protocol/errors.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Api, Request, Response, ResponseInput } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import type { Cluster } from './cluster.ts'
import { askAny, type Coordinators } from './coordinators.ts'
import { UpstreamFailure } from './failure.ts'
import type { Polls } from './polls.ts'
import type { Caller } from './pool.ts'
import type { VirtualCluster } from './virtual.ts'
import type { SilentLeaders } from './while-it-leads.ts'

export interface Router {
  readonly cluster: Cluster
  readonly coordinators: Coordinators
  readonly virtual: VirtualCluster
  readonly silent: SilentLeaders
}

/** A request under way. */
export interface Call {
  readonly context: Context
  readonly caller: Caller
  /** Long polls of the client's connection that outlive a request; null where the request belongs to none. */
  readonly polls: Polls | null
  readonly router: Router
}

export interface Route<A extends Api = Api> {
  readonly api: A
  readonly handle: (request: Request<A>, call: Call) => Promise<ResponseInput<A>>
  /** Whether its answers have every field: they are not gone through once more. */
  readonly isWhole: boolean
}

export function route<A extends Api> (api: A, handle: Route<A>['handle']): Route {
  return { api, handle, isWhole: false } as unknown as Route
}

export function wholeRoute<A extends Api> (api: A, handle: (request: Request<A>, call: Call) => Promise<Response<A>>): Route {
  return { api, handle, isWhole: true } as unknown as Route
}

/** What went wrong, as Kafka would say it. */
export interface Failed {
  readonly errorCode: number
  readonly errorMessage: string
}

/** How long a broker may take that does not wait for anything but itself, in ms. */
const ANSWER_MS = 40_000

interface SendHow {
  /** How long the broker may wait on purpose, in ms. */
  readonly waitsMs?: number
  readonly blocks?: boolean
  /** Called when it has its place among the requests to the broker. */
  readonly sent?: (() => void) | undefined
  /** The request as it came. */
  readonly frame?: Buffer | undefined
}

export function send<A extends Api> (
  broker: Broker, api: A, request: Request<A>, { caller, context }: Call, { waitsMs = 0, blocks = false, sent, frame }: SendHow = {}
): Promise<Response<A>> {
  return caller.send(broker, api, context.version, request, { clientId: context.clientId, timeoutMs: ANSWER_MS + waitsMs, blocks, sent, frame })
}

/** `codes` are what the caller is told if the request never left, and if nobody knows what became of it. Rethrows what is no failure of the cluster. */
export function failedBy (error: unknown, codes: readonly [unsent: ErrorName, sent: ErrorName]): Failed {
  if (error instanceof UpstreamFailure) {
    const code = error.wasSent ? codes[1] : codes[0]
    return { errorCode: errors[code], errorMessage: error.wasSent ? LOST : UNREACHED }
  }
  if (error instanceof KafkaError) return { errorCode: error.errorCode, errorMessage: error.message }
  throw error
}

const UNREACHED = 'The broker that this is for cannot be reached at the moment.'
const LOST = 'The broker that this was sent to has not answered.'

export type Fail<A extends Api> = (failed: Failed, request: Request<A>) => ResponseInput<A>

/** Where the field is, the whole request fails by it. */
export const topLevel = <A extends Api>(failed: Failed): ResponseInput<A> => ({ ...failed }) as unknown as ResponseInput<A>

const CONTROLLER_LOST = ['NOT_CONTROLLER', 'REQUEST_TIMED_OUT'] as const
const COORDINATOR_LOST = ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'] as const

/** For what only the controller does: under KRaft any broker hands it on, under ZooKeeper none does. */
export function toController<A extends Api> (api: A, fail: Fail<A>, prepare: (request: Request<A>, call: Call) => Request<A> = request => request): Route {
  return route(api, async (given, call) => {
    const { cluster } = call.router
    const request = prepare(given, call)
    const waitsMs = (request as { readonly timeoutMs?: number }).timeoutMs ?? 0
    try {
      const { controller } = cluster
      if (controller === undefined) {
        await cluster.refresh([])
        if (cluster.controller === undefined) throw new UpstreamFailure('Nobody is the controller.', false)
      }
      const broker = cluster.controller!
      const response = await send(broker, api, request, call, { waitsMs })
      // Who has made a topic asks for it next, and finds it where it was made first.
      call.caller.favourite = broker
      if (mentions(response, errors.NOT_CONTROLLER)) cluster.suspect([])
      return response as ResponseInput<A>
    } catch (error) {
      if (error instanceof UpstreamFailure) cluster.suspect([])
      return fail(failedBy(error, CONTROLLER_LOST), given)
    }
  })
}

/** For what every broker knows. */
export function toAny<A extends Api> (api: A, fail: Fail<A>): Route {
  return route(api, async (request, call) => {
    try {
      return await askAny(call.router.cluster, call.caller, broker => send(broker, api, request, call)) as ResponseInput<A>
    } catch (error) {
      return fail(failedBy(error, COORDINATOR_LOST), request)
    }
  })
}

export interface CoordinatedOptions<A extends Api> {
  /** Which kind of coordinator. */
  readonly type: number
  readonly key: (request: Request<A>) => string
  readonly fail?: Fail<A>
  /** How long the coordinator may wait on purpose, in ms. */
  readonly waitsMs?: (request: Request<A>) => number
}

/** For what the coordinator of one group or transaction does. */
export function toCoordinator<A extends Api> (api: A, { type, key, fail = topLevel, waitsMs = () => 0 }: CoordinatedOptions<A>): Route {
  return route(api, async (request, call) => {
    try {
      return await askCoordinator(api, type, key(request), request, call, waitsMs(request))
    } catch (error) {
      return fail(failedBy(error, COORDINATOR_LOST), request)
    }
  })
}

/** Rejects with UpstreamFailure, or KafkaError if there is no coordinator. */
export async function askCoordinator<A extends Api> (
  api: A, type: number, key: string, request: Request<A>, call: Call, waitsMs = 0
): Promise<ResponseInput<A>> {
  const { coordinators } = call.router
  try {
    const broker = await coordinators.find(type, key, call.caller, call.context)
    const response = await send(broker, api, request, call, { waitsMs, blocks: waitsMs > 0 })
    if (mentions(response, errors.NOT_COORDINATOR) || mentions(response, errors.COORDINATOR_NOT_AVAILABLE)) {
      broker.stats.misdirected++
      coordinators.forget(type, key)
    }
    return response as ResponseInput<A>
  } catch (error) {
    if (error instanceof UpstreamFailure) coordinators.forget(type, key)
    throw error
  }
}

/** Each broker answers for itself; the answers are put together. Fails as a whole if one fails: what it knows would be missed. */
export function toAll<A extends Api> (api: A, merge: (answers: readonly Response<A>[]) => ResponseInput<A>, fail: Fail<A> = topLevel): Route {
  return route(api, async (request, call) => {
    const { cluster } = call.router
    for (let attempt = 0; ; attempt++) {
      try {
        // Brokers that are down are listed no more once the cluster has noticed.
        await cluster.refresh([])
        return merge(await Promise.all([...cluster.brokers.values()].map(broker => send(broker, api, request, call))))
      } catch (error) {
        if (attempt === 0 && error instanceof UpstreamFailure) continue
        return fail(failedBy(error, COORDINATOR_LOST), request)
      }
    }
  })
}

/** Whether an error code stands anywhere in an answer: at its top, or in what it lists. */
export function mentions (value: unknown, code: number): boolean {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return false
  if (Array.isArray(value)) return value.some(one => mentions(one, code))
  const struct = value as Record<string, unknown>
  // AddPartitionsToTxn has a name of its own for it.
  if (struct['errorCode'] === code || struct['partitionErrorCode'] === code) return true
  for (const key in struct) {
    const field = struct[key]
    if (typeof field === 'object' && field !== null && mentions(field, code)) return true
  }
  return false
}
