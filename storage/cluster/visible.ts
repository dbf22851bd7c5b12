/**
 * The controller answers before every broker has heard. Callers that do not try again by themselves go on when the broker that
 * they ask has: that a topic is there and led, or that it is there no more.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { newest } from '../../protocol/rpc.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import { askAny } from './coordinators.ts'
import { UpstreamFailure } from './failure.ts'
import { route, send, type Call, type Route } from './route.ts'

const WITHIN_MS = 3000
const PAUSE_MS = 20

type Topic = Response<typeof Metadata>['topics'][number]

export const isThere = ({ errorCode, partitions }: Topic): boolean => errorCode === errors.NONE
  ? partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0)
  : !waited.has(errorCode)
export const isGone = ({ errorCode }: Topic): boolean => errorCode !== errors.NONE

/** What passes while a topic is made. */
const waited: ReadonlySet<number> = new Set([errors.UNKNOWN_TOPIC_OR_PARTITION, errors.LEADER_NOT_AVAILABLE])

/** `changed` are the names of topics that the answer says were changed; `isVisible` looks at each until it holds. */
export function onceVisible<A extends Api> (
  made: Route, api: A, changed: (request: Request<A>, response: Response<A>) => string[], isVisible: (topic: Topic) => boolean
): Route {
  return route(api, async (request, call) => {
    const response = complete(api.response, await made.handle(request as never, call) as never) as Response<A>
    if (call.polls === null && call.context.door !== 'kafka') await seen(changed(request, response), isVisible, call)
    return response as never
  })
}

async function seen (names: readonly string[], isVisible: (topic: Topic) => boolean, call: Call): Promise<void> {
  if (names.length === 0) return
  const { cluster } = call.router
  const asker = { ...call, context: { ...call.context, version: newest(Metadata) } }
  const request = (): Request<typeof Metadata> => complete(Metadata.request, { topics: names.map(name => ({ name })), allowAutoTopicCreation: false })
  for (const deadline = performance.now() + WITHIN_MS; performance.now() < deadline; await sleep(PAUSE_MS)) {
    try {
      const response = await askAny(cluster, call.caller, broker => send(broker, Metadata, request(), asker))
      cluster.learn(response)
      if (response.topics.every(isVisible)) return
    } catch (error) {
      // It is done all the same.
      if (error instanceof UpstreamFailure) return
      throw error
    }
  }
}
