/**
 * A group member as a test moves it: it remembers its member id and generation, as a real client does, and does nothing by
 * itself.
 */
import type { JoinGroup } from '../../../../protocol/messages/11-join-group.ts'
import type { SyncGroup } from '../../../../protocol/messages/14-sync-group.ts'
import { ConsumerProtocolSubscription } from '../../../../protocol/messages/consumer-protocol.ts'
import { writePayload } from '../../../../protocol/payload.ts'
import type { Response } from '../../../../protocol/schema.ts'
import { offsetCommit } from '../../../../storage/embedded/handlers/08-offset-commit.ts'
import { offsetFetch } from '../../../../storage/embedded/handlers/09-offset-fetch.ts'
import { joinGroup } from '../../../../storage/embedded/handlers/11-join-group.ts'
import { heartbeat } from '../../../../storage/embedded/handlers/12-heartbeat.ts'
import { leaveGroup } from '../../../../storage/embedded/handlers/13-leave-group.ts'
import { syncGroup } from '../../../../storage/embedded/handlers/14-sync-group.ts'
import { nameOf, settle, type World } from './world.ts'

export interface ClientOptions {
  readonly groupId?: string
  /** KIP-345 */
  readonly instance?: string
  readonly sessionMs?: number
  readonly rebalanceMs?: number
  readonly protocols?: readonly string[]
  readonly protocolType?: string
  /** Instead of a subscription to `orders`. */
  readonly metadata?: Buffer
  /** Of JoinGroup; the other requests follow. */
  readonly version?: number
}

type Joined = Response<typeof JoinGroup>
type Synced = Response<typeof SyncGroup>

/** What a client says it wants to read, with a mark that makes it recognisable. */
export const subscription = (mark: string, topics: readonly string[] = ['orders']): Buffer =>
  writePayload(ConsumerProtocolSubscription, 1, { topics, userData: Buffer.from(mark) })

export class Client {
  readonly #world: World
  readonly name: string
  readonly groupId: string
  readonly instance: string | null
  readonly version: number
  options: Required<Pick<ClientOptions, 'sessionMs' | 'rebalanceMs' | 'protocols' | 'protocolType'>>
  readonly #metadata: Buffer | null
  memberId = ''
  generation = -1
  last: Joined | null = null

  constructor (world: World, name: string, options: ClientOptions = {}) {
    const { groupId = 'group', instance = null, version = 9 } = options
    const { sessionMs = 10_000, rebalanceMs = 60_000, protocols = ['range'], protocolType = 'consumer' } = options
    this.#world = world
    this.name = name
    this.groupId = groupId
    this.instance = instance
    this.version = version
    this.#metadata = options.metadata ?? null
    this.options = { sessionMs, rebalanceMs, protocols, protocolType }
  }

  get isLeader (): boolean {
    return this.last?.leader === this.memberId
  }

  /** One JoinGroup, with the member id it has. */
  async join (mark = this.name): Promise<Joined> {
    const { sessionMs, rebalanceMs, protocols, protocolType } = this.options
    const answer = await this.#world.call(joinGroup, this.version, {
      groupId: this.groupId,
      sessionTimeoutMs: sessionMs,
      ...(this.version >= 1 && { rebalanceTimeoutMs: rebalanceMs }),
      memberId: this.memberId,
      ...(this.version >= 5 && { groupInstanceId: this.instance }),
      protocolType,
      protocols: protocols.map(name => ({ name, metadata: this.#metadata ?? subscription(mark) }))
    }, this.name)
    if (answer.errorCode === 0) {
      this.memberId = answer.memberId
      this.generation = answer.generationId
      this.last = answer
    }
    return answer
  }

  /** JoinGroup as clients do it: where a member id is required, once to get one and once more with it (KIP-394). */
  async enter (): Promise<Joined> {
    const answer = await this.join()
    if (nameOf(answer.errorCode) !== 'MEMBER_ID_REQUIRED') return answer
    this.memberId = answer.memberId
    return await this.join()
  }

  /** The leader's `assignment` names what each member gets; others leave it out. */
  async sync (assignment: Record<string, string> = {}): Promise<Synced> {
    const version = Math.min(this.version, 5)
    return await this.#world.call(syncGroup, version, {
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      ...(version >= 3 && { groupInstanceId: this.instance }),
      ...(version >= 5 && { protocolType: this.options.protocolType, protocolName: this.last?.protocolName ?? this.options.protocols[0]! }),
      assignments: Object.entries(assignment).map(([memberId, part]) => ({ memberId, assignment: Buffer.from(part) }))
    }, this.name)
  }

  async heartbeat (): Promise<string> {
    const { errorCode } = await this.#world.call(heartbeat, 4, {
      groupId: this.groupId, generationId: this.generation, memberId: this.memberId, groupInstanceId: this.instance
    }, this.name)
    return nameOf(errorCode)
  }

  async leave (): Promise<string> {
    const { members } = await this.#world.call(leaveGroup, 5, {
      groupId: this.groupId, members: [{ memberId: this.memberId, groupInstanceId: this.instance }]
    }, this.name)
    return nameOf(members[0]!.errorCode)
  }

  /** Commits one offset of partition 0 of `orders`. */
  async commit (offset: number): Promise<string> {
    const { topics } = await this.#world.call(offsetCommit, 9, {
      groupId: this.groupId,
      generationIdOrMemberEpoch: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.instance,
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }] }]
    }, this.name)
    return nameOf(topics[0]!.partitions[0]!.errorCode)
  }

  /** What the group has committed in partition 0 of `orders`. */
  async committed (): Promise<number> {
    const { groups } = await this.#world.call(offsetFetch, 9, {
      groups: [{ groupId: this.groupId, topics: [{ name: 'orders', partitionIndexes: [0] }] }]
    }, this.name)
    return groups[0]!.topics[0]!.partitions[0]!.committedOffset
  }
}

/** Members that begin together and are stable: each is assigned its own name. */
export async function stable (world: World, ...clients: readonly Client[]): Promise<void> {
  const entering: Promise<Joined>[] = []
  for (const client of clients) {
    entering.push(client.enter())
    await settle()
  }
  await world.clock.advance(1_500)
  await Promise.all(entering)
  const leader = clients.find(client => client.isLeader)!
  const assignment = Object.fromEntries(clients.map(client => [client.memberId, client.name]))
  await Promise.all(clients.map(client => client.sync(client === leader ? assignment : {})))
}
