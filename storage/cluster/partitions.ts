/**
 * Requests about partitions: split by who leads them, sent to all leaders at once, and the answers put together in the order
 * of the request. Where one broker leads all of them, which is usual, the request goes on as the object that it is.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { complete } from '../../protocol/defaults.ts'
import { errors, type ErrorName } from '../../protocol/errors.ts'
import type { Api, Request, Response, ResponseInput } from '../../protocol/schema.ts'
import type { Broker } from './broker.ts'
import { NO_TOPIC_ID, type KnownTopic } from './cluster.ts'
import { UpstreamFailure } from './failure.ts'
import { failedBy, send, wholeRoute, type Call, type Failed, type Route } from './route.ts'

export interface TopicKey {
  /** Empty where the topic is known by its id. */
  readonly name: string
  readonly topicId: string
}

/** How topics and partitions are found in the requests and answers of one api. */
export interface Shape<A extends Api, T, P, R, Q> {
  readonly api: A
  readonly topics: (request: Request<A>) => readonly T[]
  readonly topicOf: (topic: T) => TopicKey
  readonly partitions: (topic: T) => readonly P[]
  readonly indexOf: (partition: P) => number
  /** The topic with some of its partitions. */
  readonly withPartitions: (topic: T, partitions: P[]) => T
  readonly withTopics: (request: Request<A>, topics: T[]) => Request<A>
  readonly answers: (response: Response<A>) => readonly R[]
  readonly answerOf: (answer: R) => TopicKey
  readonly answerPartitions: (answer: R) => readonly Q[]
  readonly answerIndexOf: (partition: Q) => number
  readonly failed: (partition: P, failed: Failed) => Q
  /** The whole answer. `some` are those of the brokers, for what is said once. */
  readonly answer: (topics: readonly { readonly topic: T, readonly partitions: Q[] }[], some: readonly Response<A>[]) => ResponseInput<A>
  /** What is hidden from clients. May write to the response. */
  readonly veil?: (response: Response<A>) => void
  /** Whether there is no answer. */
  readonly isSilent?: (request: Request<A>) => boolean
  readonly codes: readonly [unsent: ErrorName, sent: ErrorName]
  /** How long the broker may wait on purpose, in ms. */
  readonly waitsMs?: (request: Request<A>) => number
  /** When the answers of some brokers are not to wait for those of others any longer, in ms. */
  readonly patienceMs?: (request: Request<A>) => number
  /**
   * Whether there are many of them, and large ones. Clients send the next one without waiting: it need not wait for our round
   * trip, once none can overtake the other. And what nobody has changed goes on as the bytes that came.
   */
  readonly isStream?: boolean
  /** Whether it may be asked twice: what has proved outdated is learnt anew first, once. */
  readonly isRead?: boolean
}

/** What one broker is asked for. */
export interface Share<T, P> {
  readonly broker: Broker
  readonly topics: Map<T, P[]>
}

export interface Shares<T, P> {
  readonly shares: readonly Share<T, P>[]
  /** Partitions that have no leader, as far as can be known. */
  readonly lost: readonly { readonly topic: T, readonly partition: P, readonly failed: Failed }[]
}

interface Splitting<T, P> {
  readonly topicOf: (topic: T) => TopicKey
  readonly partitions: (topic: T) => readonly P[]
  readonly indexOf: (partition: P) => number
}

/** What has just been made, or has just moved, is known everywhere a moment later. */
const AGAIN_MS = 50

const NO_LEADER: Failed = { errorCode: errors.NOT_LEADER_OR_FOLLOWER, errorMessage: 'The partition has no leader at the moment.' }
const UNKNOWN: Failed = { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: 'There is no such topic or partition here.' }
const UNKNOWN_ID: Failed = { errorCode: errors.UNKNOWN_TOPIC_ID, errorMessage: 'There is no topic with this id here.' }

/** The broker that leads everything that is asked for, if it is one and known. */
export function onlyLeader<T, P> (topics: readonly T[], { topicOf, partitions, indexOf }: Splitting<T, P>, { router: { cluster } }: Call): Broker | null {
  let leader: Broker | undefined
  for (const topic of topics) {
    const { name, topicId } = topicOf(topic)
    const known = cluster.find(name, topicId)
    for (const partition of partitions(topic)) {
      const broker = cluster.leader(known, indexOf(partition))
      if (broker === undefined || (leader !== undefined && leader !== broker)) return null
      leader = broker
    }
  }
  return leader ?? null
}

/** Whether another broker is known to lead some of it by now. */
function isLedByOthers<T, P> (topics: readonly T[], { topicOf, partitions, indexOf }: Splitting<T, P>, broker: Broker, { router: { cluster } }: Call): boolean {
  return topics.some(topic => {
    const { name, topicId } = topicOf(topic)
    const known = cluster.find(name, topicId)
    return partitions(topic).some(partition => (cluster.leader(known, indexOf(partition)) ?? broker) !== broker)
  })
}

/** Who is to be asked for what. What is not known is asked for first. Rejects with UpstreamFailure if no broker can be reached. */
export async function sharesOf<T, P> (topics: readonly T[], splitting: Splitting<T, P>, call: Call): Promise<Shares<T, P>> {
  const { cluster } = call.router
  const { topicOf, partitions, indexOf } = splitting
  const missing = topics.map(topicOf).filter((key, i) => {
    const known = cluster.find(key.name, key.topicId)
    return partitions(topics[i]!).some(partition => cluster.leader(known, indexOf(partition)) === undefined)
  })
  if (missing.length > 0) await cluster.refresh(missing)
  const shares = new Map<Broker, Share<T, P>>()
  const lost: { topic: T, partition: P, failed: Failed }[] = []
  for (const topic of topics) {
    const { name, topicId } = topicOf(topic)
    const known = cluster.find(name, topicId)
    for (const partition of partitions(topic)) {
      const broker = cluster.leader(known, indexOf(partition))
      if (broker === undefined) {
        lost.push({ topic, partition, failed: whyLost(known, indexOf(partition), name) })
        continue
      }
      let share = shares.get(broker)
      if (share === undefined) shares.set(broker, share = { broker, topics: new Map() })
      const own = share.topics.get(topic)
      if (own === undefined) share.topics.set(topic, [partition])
      else own.push(partition)
    }
  }
  return { shares: [...shares.values()], lost }
}

function whyLost (topic: KnownTopic | undefined, partition: number, name: string): Failed {
  if (topic === undefined) return name === '' ? UNKNOWN_ID : UNKNOWN
  return topic.leaders[partition] === undefined ? UNKNOWN : NO_LEADER
}

/** Answers that mean that we know the cluster as it was. */
const outdated: ReadonlySet<number> = new Set([
  errors.NOT_LEADER_OR_FOLLOWER, errors.UNKNOWN_TOPIC_OR_PARTITION, errors.LEADER_NOT_AVAILABLE, errors.FENCED_LEADER_EPOCH,
  errors.UNKNOWN_TOPIC_ID, errors.INCONSISTENT_TOPIC_ID, errors.REPLICA_NOT_AVAILABLE
])

export const isOutdated = (errorCode: number): boolean => errorCode !== errors.NONE && outdated.has(errorCode)

export function byLeader<A extends Api, T, P, R, Q extends { readonly errorCode: number }> (shape: Shape<A, T, P, R, Q>): Route {
  const { api, topics, veil = () => {} } = shape
  const whole = (answer: ResponseInput<A>): Response<A> => complete(api.response, answer) as Response<A>

  const ask = async (broker: Broker, request: Request<A>, call: Call, sent: (() => void) | undefined): Promise<Response<A>> => {
    const { cluster, silent } = call.router
    const how = { waitsMs: shape.waitsMs?.(request) ?? 0, sent, frame: frameOf(request, call) }
    const response = await silent.whileItLeads(send(broker, api, request, call, how),
      () => !isLedByOthers(topics(request), shape, broker, call), () => cluster.refresh(topics(request).map(shape.topicOf)))
    veil(response)
    look(response, broker, call)
    return response
  }

  const handedOn = ({ context }: Call): (() => void) | undefined =>
    shape.isStream === true ? () => context.connection?.handedOn?.(context) : undefined

  const frameOf = (request: Request<A>, { context: { received, version } }: Call): Buffer | undefined =>
    shape.isStream === true && received?.request === request && received.version === version ? received.frame : undefined

  /** What an answer says about what we know. */
  const look = (response: Response<A>, broker: Broker, { router: { cluster } }: Call): void => {
    let wrong: TopicKey[] | null = null
    for (const answer of shape.answers(response)) {
      if (shape.answerPartitions(answer).some(({ errorCode }) => isOutdated(errorCode))) (wrong ??= []).push(shape.answerOf(answer))
    }
    if (wrong === null) return
    broker.stats.misdirected++
    cluster.suspect(wrong)
  }

  const apart = async (request: Request<A>, call: Call): Promise<Response<A>> => {
    const all = topics(request)
    const { shares, lost } = await sharesOf(all, shape, call)
    const sent = whenAll(shares.length, handedOn(call))
    const asked = await Promise.all(shares.map(async ({ broker, topics }): Promise<Response<A> | Failed> => {
      const part = shape.withTopics(request, [...topics].map(([topic, partitions]) => shape.withPartitions(topic, partitions)))
      try {
        const answer = ask(broker, part, call, sent)
        return await (shares.length === 1 || shape.patienceMs === undefined ? answer : within(shape.patienceMs(request), answer))
      } catch (error) {
        const failed = failedBy(error, shape.codes)
        call.router.cluster.suspect([...topics.keys()].map(shape.topicOf))
        return failed
      }
    }))
    const answers = new Map<T, Map<number, Q>>(all.map(topic => [topic, new Map()]))
    const byKey = new Map<string, T>()
    for (const topic of all) {
      const { name, topicId } = shape.topicOf(topic)
      if (name !== '') byKey.set(name, topic)
      if (topicId !== NO_TOPIC_ID) byKey.set(topicId, topic)
    }
    for (const { topic, partition, failed } of lost) answers.get(topic)!.set(shape.indexOf(partition), shape.failed(partition, failed))
    shares.forEach((share, i) => {
      const answer = asked[i]!
      if (isFailed(answer)) {
        for (const [topic, partitions] of share.topics) {
          for (const partition of partitions) answers.get(topic)!.set(shape.indexOf(partition), shape.failed(partition, answer))
        }
        return
      }
      for (const one of shape.answers(answer)) {
        const topic = byKey.get(keyOf(shape.answerOf(one)))
        if (topic === undefined) continue
        for (const partition of shape.answerPartitions(one)) answers.get(topic)!.set(shape.answerIndexOf(partition), partition)
      }
    })
    // In the order of the request. A broker that has said nothing of a partition has not answered it.
    const silent: Failed | null = shape.isSilent?.(request) === true ? null : failedBy(new UpstreamFailure('The answer says nothing of it.', true), shape.codes)
    const answerTo = (topic: T, partition: P): Q[] => {
      const answer = answers.get(topic)!.get(shape.indexOf(partition))
      return answer !== undefined ? [answer] : silent === null ? [] : [shape.failed(partition, silent)]
    }
    return whole(shape.answer(all.map(topic => ({ topic, partitions: shape.partitions(topic).flatMap(partition => answerTo(topic, partition)) })),
      asked.filter(one => !isFailed(one)) as Response<A>[]))
  }

  const failAll = (request: Request<A>, error: unknown): Response<A> => {
    const failed = failedBy(error, shape.codes)
    return whole(shape.answer(topics(request).map(topic => ({ topic, partitions: shape.partitions(topic).map(one => shape.failed(one, failed)) })), []))
  }

  const once = async (request: Request<A>, call: Call): Promise<Response<A>> => {
    const all = topics(request)
    const broker = onlyLeader(all, shape, call)
    try {
      return broker === null ? await apart(request, call) : await ask(broker, request, call, handedOn(call))
    } catch (error) {
      if (broker !== null) call.router.cluster.suspect(all.map(shape.topicOf))
      return failAll(request, error)
    }
  }

  const again = async (request: Request<A>, call: Call): Promise<Response<A>> => {
    const answer = await once(request, call)
    const isStale = shape.answers(answer).some(one => shape.answerPartitions(one).some(({ errorCode }) => isOutdated(errorCode)))
    if (!isStale) return answer
    await sleep(AGAIN_MS)
    await call.router.cluster.refresh(topics(request).map(shape.topicOf)).catch(() => {}) // the answer tells
    return await once(request, call)
  }

  return wholeRoute(api, shape.isRead === true ? again : once)
}

/** Calls `done` once it was called `count` times itself. */
function whenAll (count: number, done: (() => void) | undefined): (() => void) | undefined {
  let left = count
  return done === undefined ? undefined : () => { if (--left === 0) done() }
}

/** Rejects with UpstreamFailure where nothing has come by then; what comes later is of no use to anyone. */
async function within<T> (ms: number, answer: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new UpstreamFailure('The broker has not answered in time.', true)), ms)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}

function isFailed (answer: object): answer is Failed {
  return 'errorMessage' in answer && 'errorCode' in answer && Object.keys(answer).length === 2
}

export const keyOf = ({ name, topicId }: TopicKey): string => name === '' ? topicId : name

export const noId = (name: string): TopicKey => ({ name, topicId: NO_TOPIC_ID })
