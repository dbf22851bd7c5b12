/**
 * Which broker coordinates a group, a transaction or a share partition. Asked for once, and again when it has proved wrong.
 */
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors, KafkaError, type ErrorName } from '../../protocol/errors.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Broker } from './broker.ts'
import type { Cluster } from './cluster.ts'
import { UpstreamFailure } from './failure.ts'
import type { Caller } from './pool.ts'

export const GROUP = 0
export const TRANSACTION = 1

const MAX_KNOWN = 100_000
const ASK_TIMEOUT_MS = 30_000

export class Coordinators {
  readonly #cluster: Cluster
  readonly #known = new Map<string, number>()
  readonly #asking = new Map<string, Promise<Broker>>()

  constructor (cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Rejects with KafkaError: what Kafka says of the key, or COORDINATOR_NOT_AVAILABLE. */
  async find (type: number, key: string, caller: Caller, context: Context): Promise<Broker> {
    const known = this.#known.get(`${type}:${key}`)
    if (known !== undefined) {
      const broker = this.#cluster.brokers.get(known)
      if (broker !== undefined) return broker
    }
    const pending = this.#asking.get(`${type}:${key}`)
    if (pending !== undefined) {
      // What one was refused another may be told: only an answer is shared, as it is once it is known.
      const found = await pending.catch(() => undefined)
      if (found !== undefined) return found
    }
    const asking = this.#ask(type, key, caller, context)
    this.#asking.set(`${type}:${key}`, asking)
    try {
      return await asking
    } finally {
      if (this.#asking.get(`${type}:${key}`) === asking) this.#asking.delete(`${type}:${key}`)
    }
  }

  async #ask (type: number, key: string, caller: Caller, context: Context): Promise<Broker> {
    const request = complete(FindCoordinator.request, { key, keyType: type, coordinatorKeys: [key] })
    // One at a time is what every broker can be asked for; newer versions take lists (KIP-699).
    const answer = await askAny(this.#cluster, caller, broker => {
      const wanted = type === GROUP || type === TRANSACTION ? SINGLE : FindCoordinator.versions[1]
      // What a broker speaks that was never asked is heard when it is connected to, just before this is written.
      const version = broker.version(FindCoordinator, wanted) ?? wanted
      return caller.send(broker, FindCoordinator, version, version > SINGLE
        ? { ...request, key: '' }
        : { ...request, coordinatorKeys: [] }, { clientId: context.clientId, timeoutMs: ASK_TIMEOUT_MS, blocks: false })
    })
    const found = answer.coordinators[0] ?? answer
    if (found.errorCode !== errors.NONE) throw failed(found.errorCode, found.errorMessage)
    this.learn(type, key, found.nodeId)
    const broker = await this.#cluster.broker(found.nodeId)
    if (broker === undefined) throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    return broker
  }

  learn (type: number, key: string, nodeId: number): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(`${type}:${key}`, nodeId)
  }

  /** It has moved, or cannot be reached. */
  forget (type: number, key: string): void {
    this.#known.delete(`${type}:${key}`)
  }
}

/** The last version that asks for one key. */
const SINGLE = 3

function failed (code: number, message: string | null): KafkaError {
  return new KafkaError(errorRow(code).name as ErrorName, message ?? undefined)
}

/**
 * Sends to the broker that this caller has asked before, or where that does not answer to one after the other: one broker never
 * knows less than it knew a moment ago, another one may. Rejects with UpstreamFailure.
 */
export async function askAny<T> (cluster: Cluster, caller: Caller, ask: (broker: Broker) => Promise<T>): Promise<T> {
  let failure: UpstreamFailure | null = null
  for (const broker of cluster.anyBrokers(caller.favourite)) {
    try {
      const answer = await ask(broker)
      caller.favourite = broker
      return answer
    } catch (error) {
      if (!(error instanceof UpstreamFailure)) throw error
      failure = error
    }
  }
  throw failure ?? new UpstreamFailure('No broker is known.', false)
}
