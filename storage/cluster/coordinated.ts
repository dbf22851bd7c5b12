/**
 * Requests about several groups or transactions: each to its coordinator, those of one coordinator together, and the answers
 * in the order of the request. What one coordinator cannot answer fails alone.
 */
import { errors } from '../../protocol/errors.ts'
import type { Api, Request, Response, ResponseInput } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import { UpstreamFailure } from './failure.ts'
import { failedBy, mentions, route, send, type Call, type Failed, type Route } from './route.ts'

export interface ManyOptions<A extends Api, E, R> {
  readonly type: number
  readonly elements: (request: Request<A>) => readonly E[]
  readonly keyOf: (element: E) => string
  readonly withElements: (request: Request<A>, elements: E[]) => Request<A>
  readonly answers: (response: Response<A>) => readonly R[]
  readonly failed: (element: E, failed: Failed, version: number) => unknown
  readonly answer: (answers: R[]) => ResponseInput<A>
}

const LOST = ['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'] as const

export function eachByCoordinator<A extends Api, E, R> (api: A, options: ManyOptions<A, E, R>): Route {
  const { type, elements, keyOf, withElements, answers, failed, answer } = options
  return route(api, async (request, call) => {
    const all = elements(request)
    const found = new Map<E, R>()
    const fail = (element: E, error: unknown): void => { found.set(element, failed(element, failedBy(error, LOST), call.context.version) as R) }
    const shares = await sharesOf(all, keyOf, type, call, fail)
    await Promise.all([...shares].map(async ([broker, part]) => {
      try {
        const response = await send(broker, api, part.length === all.length ? request : withElements(request, part), call)
        answers(response).forEach((one, i) => { if (i < part.length) found.set(part[i]!, one) })
        if (mentions(response, errors.NOT_COORDINATOR)) for (const element of part) call.router.coordinators.forget(type, keyOf(element))
      } catch (error) {
        for (const element of part) {
          if (error instanceof UpstreamFailure) call.router.coordinators.forget(type, keyOf(element))
          fail(element, error)
        }
      }
    }))
    return answer(all.filter(element => found.has(element)).map(element => found.get(element)!))
  })
}

async function sharesOf<E> (
  all: readonly E[], keyOf: (element: E) => string, type: number, call: Call, fail: (element: E, error: unknown) => void
): Promise<Map<Broker, E[]>> {
  const shares = new Map<Broker, E[]>()
  await Promise.all(all.map(async element => {
    try {
      const broker = await call.router.coordinators.find(type, keyOf(element), call.caller, call.context)
      const share = shares.get(broker)
      if (share === undefined) shares.set(broker, [element])
      else share.push(element)
    } catch (error) {
      fail(element, error)
    }
  }))
  return shares
}
