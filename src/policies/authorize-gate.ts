/**
 * What every rule about permissions asks: may this caller do that, and if not, what are they told.
 */
import { errors } from '../../protocol/errors.ts'
import type { Context, Door, Principal } from '../../protocol/rpc.ts'
import type { Api } from '../../protocol/schema.ts'
import type { RequestAuthorizer } from '../access/authorizer.ts'
import { CLUSTER_NAME, operations, type Operation, type ResourceType } from '../access/model.ts'
import { isHidden, toldOperations, type Need } from './permissions.ts'
import { ShareSessions } from './share-sessions.ts'
import { TopicNames } from './topic-names.ts'

/** Somebody was refused something. */
export interface Denial {
  readonly principal: Principal
  readonly door: Door
  readonly address: string
  readonly operation: Operation
  readonly resourceType: ResourceType
  readonly resourceName: string
  /** Kafka's name of the request, or what the schema registry was asked: `RegisterSchema`. */
  readonly api: string
}

/** What an element of a request is answered instead of being handed on. */
export interface Refusal {
  readonly errorCode: number
  readonly message: string
  /** What was missing, or asked of a topic that is hidden; null if the refusal is about something else. */
  readonly need: Need | null
  readonly resourceName: string
}

/** Names in messages are a stranger's: no longer than Kafka allows. */
const MAX_SHOWN_NAME = 249

export class Gate {
  readonly names = new TopicNames()
  readonly shareSessions = new ShareSessions()
  readonly #authorizer: () => RequestAuthorizer
  readonly #onDenied: (denial: Denial) => void

  constructor (authorizer: () => RequestAuthorizer, onDenied: (denial: Denial) => void) {
    this.#authorizer = authorizer
    this.#onDenied = onDenied
  }

  /** Whether the need is met, for a resource of this name. Nobody is told. */
  may (context: Context, need: Need, name: string): boolean {
    const { principal, address } = context
    return this.#authorizer().decide(principal, address, need.operation, need.resourceType, name).allowed ||
      (need.unless !== null && this.#mayOtherwise(context, need.unless))
  }

  #mayOtherwise (context: Context, { operation, resourceType }: Need): boolean {
    const { principal, address } = context
    return resourceType === 'CLUSTER'
      ? this.#authorizer().decide(principal, address, operation, resourceType, CLUSTER_NAME).allowed
      : this.#authorizer().mayAnywhere(principal, address, operation, resourceType)
  }

  /** Null if the resource may be used. A hidden topic does not exist, for those who would learn of one that does not. */
  check (context: Context, need: Need, name: string): Refusal | null {
    if (!this.may(context, need, name)) return refusal(need, name)
    if (need.resourceType === 'TOPIC' && isHidden(name)) return unknownTopic(need, name)
    return null
  }

  checkCluster (context: Context, need: Need): Refusal | null {
    return this.check(context, need, CLUSTER_NAME)
  }

  /** Tells of every denied resource of a request, once. */
  report ({ name: api }: Api, { principal, door, address }: Context, refusals: Iterable<Refusal | null>): void {
    const told = new Set<string>()
    for (const one of refusals) {
      if (one === null || one.need === null) continue
      const { need: { operation, resourceType }, resourceName } = one
      const key = `${operation} ${resourceType} ${resourceName}`
      if (told.has(key)) continue
      told.add(key)
      this.#onDenied({ principal, door, address, operation, resourceType, resourceName, api })
    }
  }

  /** The operations that the caller is told they may do (KIP-430), as bits by Kafka's codes. */
  operationBits ({ principal, address }: Context, resourceType: keyof typeof toldOperations, name: string): number {
    const authorizer = this.#authorizer()
    let bits = 0
    for (const operation of toldOperations[resourceType]) {
      if (authorizer.decide(principal, address, operation, resourceType, name).allowed) bits |= 1 << operations[operation]
    }
    return bits
  }
}

export function refusal (need: Need, resourceName: string): Refusal {
  const { operation, resourceType, denied } = need
  return {
    errorCode: errors[denied ?? 'CLUSTER_AUTHORIZATION_FAILED'],
    message: `Not authorised: ${operation} on ${resourceType} ${resourceName.slice(0, MAX_SHOWN_NAME)} is needed.`,
    need,
    resourceName
  }
}

export const unknownTopic = (need: Need | null, resourceName: string): Refusal =>
  ({ errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, message: `There is no topic ${resourceName.slice(0, MAX_SHOWN_NAME)}.`, need, resourceName })

export const unknownTopicId = (need: Need | null, resourceName: string): Refusal =>
  ({ errorCode: errors.UNKNOWN_TOPIC_ID, message: 'There is no topic with this id here.', need, resourceName })
