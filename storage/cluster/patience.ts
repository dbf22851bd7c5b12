/**
 * Callers that are no Kafka clients do not try again by themselves: what passes within moments is waited for here, for them. A
 * topic that has just been made has no leader yet, a group that is new no coordinator; leaders move. Records are sent again only
 * where the cluster has refused them, and so has not kept them. What a coordinator was asked (a join, a commit) is asked again
 * where its answer was lost, too: that does no harm twice.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'

const PATIENCE_MS = 5000
const FIRST_PAUSE_MS = 20
const LAST_PAUSE_MS = 250

const passing: ReadonlySet<number> = new Set([
  errors.LEADER_NOT_AVAILABLE, errors.NOT_LEADER_OR_FOLLOWER, errors.COORDINATOR_LOAD_IN_PROGRESS, errors.COORDINATOR_NOT_AVAILABLE,
  errors.NOT_COORDINATOR, errors.NOT_CONTROLLER
])

/** Who asks for a topic that is then made is told that it is unknown, at first. */
const unknown: ReadonlySet<number> = new Set([...passing, errors.UNKNOWN_TOPIC_OR_PARTITION])

/** How long to wait for topics that may be about to be made. */
const MADE_WITHIN_MS = 2000
/** For how long it is remembered that a cluster does not make topics when they are asked for. */
const REFUSAL_MS = 60_000

export class Patience {
  #makesNoneUntil = 0

  /** Asks again while all that is answered passes. `ask` is never called again after an answer that something was done. */
  async last<T> (api: Api, request: Request<Api>, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const codes = this.#passing(api, request, startedAt)
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
      const answer = await ask()
      if (codes === null || !onlyPasses(answer, codes)) return answer
      const waitedMs = performance.now() - startedAt
      if (waitedMs > MADE_WITHIN_MS && codesIn(answer).includes(errors.UNKNOWN_TOPIC_OR_PARTITION)) {
        if (api.key === Metadata.key) this.#makesNoneUntil = performance.now() + REFUSAL_MS
        return answer
      }
      if (waitedMs > PATIENCE_MS || signal.aborted) return answer
      await sleep(pauseMs)
    }
  }

  #passing (api: Api, request: Request<Api>, now: number): ReadonlySet<number> | null {
    switch (api.key) {
      // It waits by itself, and whoever reads asks again anyway.
      case Fetch.key: return null
      // Where it is not to be made, there is nothing to wait for; where it was just made, there is.
      case Metadata.key: return (request as Request<typeof Metadata>).allowAutoTopicCreation && now > this.#makesNoneUntil ? unknown : leaderless
      case Produce.key: return unknown
      default: return passing
    }
  }
}

const leaderless: ReadonlySet<number> = new Set([errors.LEADER_NOT_AVAILABLE])

/** Whether something was refused, and nothing for another reason, and nothing done. */
function onlyPasses (answer: unknown, codes: ReadonlySet<number>): boolean {
  const found = codesIn(answer)
  if (mayBeWritten(answer as Partial<Response<typeof Produce>>)) return false
  return found.some(code => codes.has(code)) && found.every(code => codes.has(code))
}

/** A leader that is deposed while it waits for its followers says NOT_LEADER_OR_FOLLOWER and where the records stand, which may stay there. */
function mayBeWritten ({ responses }: Partial<Response<typeof Produce>>): boolean {
  return responses?.some(({ partitionResponses }) => partitionResponses?.some(({ baseOffset }) => baseOffset >= 0)) === true
}

/** The errors in an answer; what is right at its top is none. */
function codesIn (answer: unknown): number[] {
  const found: number[] = []
  const walk = (value: unknown, isTop: boolean): void => {
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
    if (Array.isArray(value)) return value.forEach(one => walk(one, false))
    for (const [name, field] of Object.entries(value)) {
      if (name === 'errorCode') { if (!(isTop && field === errors.NONE)) found.push(field as number) } else walk(field, false)
    }
  }
  walk(answer, true)
  return found
}
