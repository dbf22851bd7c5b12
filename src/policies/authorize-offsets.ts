/**
 * How far groups have read: who may commit it, who may see it. Both the group and the topic must be permitted.
 */
import { errors } from '../../protocol/errors.ts'
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.ts'
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { OffsetDelete } from '../../protocol/messages/47-offset-delete.ts'
import type { Context, Dispatch } from '../../protocol/rpc.ts'
import type { Request, Response, ResponseInput } from '../../protocol/schema.ts'
import type { Gate, Refusal } from './authorize-gate.ts'
import { answerOf, checkTopic, interleave, partly, refuseAll, rule, type Elements, type Rule } from './authorize-elements.ts'
import { permissions } from './permissions.ts'

type CommitTopic = Request<typeof OffsetCommit>['topics'][number]

const commits: Elements<typeof OffsetCommit, CommitTopic, Response<typeof OffsetCommit>['topics'][number]> = {
  api: OffsetCommit,
  of: ({ topics }) => topics,
  topicId: ({ name, topicId }) => name === '' ? topicId : null,
  check: ({ name, topicId }, context, gate) => checkTopic(gate, context, permissions.OffsetCommit.topic, name, topicId),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answered: (response, topics) => ({ ...response, topics }),
  refuse: ({ name, topicId, partitions }, { errorCode }) => ({
    name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
  })
}

const offsetCommit = rule(OffsetCommit, (request, context, next, gate) => {
  const refused = gate.check(context, permissions.OffsetCommit.group, request.groupId)
  return refused === null ? partly(commits, request, context, next, gate) : refuseAll(commits, refused, request, context, gate)
})

type FetchRequest = Request<typeof OffsetFetch>
type FetchResponse = Response<typeof OffsetFetch>
type Group = FetchRequest['groups'][number]
type GroupAnswer = FetchResponse['groups'][number]
type TopicAnswer = GroupAnswer['topics'][number]

/** From here on a request is about several groups (KIP-709). */
const GROUPS_SINCE = 8
/** Until then an answer had no error of its own: each partition says it. */
const GROUP_ERROR_SINCE = 2

const offsetFetch = rule(OffsetFetch, async (request, context, next, gate) => {
  const unknown = request.groups.flatMap(({ topics }) => topics ?? [])
    .filter(({ name, topicId }) => name === '' && gate.names.get(topicId) === undefined).map(({ topicId }) => topicId)
  if (unknown.length > 0) await gate.names.learn(unknown, next, context)
  const single = context.version < GROUPS_SINCE
  const groups = single ? [singleGroup(request)] : request.groups
  const asked = groups.map(group => new AskedGroup(group, context, gate))
  gate.report(OffsetFetch, context, asked.flatMap(({ refusals }) => refusals))
  const response = await forward(request, asked, single, context, next)
  return single ? answerSingle(request, asked[0]!, response, context, gate) : answerGroups(asked, response, context, gate)
})

/** The form of the newer versions. */
const singleGroup = ({ groupId, topics }: FetchRequest): Group =>
  ({ groupId, memberId: null, memberEpoch: -1, topics: topics?.map(({ name, partitionIndexes }) => ({ name, topicId: '', partitionIndexes })) ?? null })

/** What is asked about one group, and what of it is refused. */
class AskedGroup {
  readonly group: Group
  readonly refused: Refusal | null
  /** By topic, in the order of the request. */
  readonly topics: ReadonlyArray<Refusal | null>

  constructor (group: Group, context: Context, gate: Gate) {
    this.group = group
    this.refused = gate.check(context, permissions.OffsetFetch.group, group.groupId)
    this.topics = this.refused !== null || group.topics === null
      ? []
      : group.topics.map(({ name, topicId }) => {
        const refused = checkTopic(gate, context, permissions.OffsetFetch.topic, name, topicId)
        // There is no offset of a topic that does not exist, which is no error.
        return refused?.errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION ? null : refused
      })
  }

  get refusals (): ReadonlyArray<Refusal | null> {
    return this.refused === null ? this.topics : [this.refused]
  }

  get isWhole (): boolean {
    return this.refused === null && this.topics.every(one => one === null)
  }

  /** What may be asked of the engine. */
  get allowed (): Group {
    return this.topics.length === 0 ? this.group : { ...this.group, topics: this.group.topics!.filter((_topic, i) => this.topics[i] === null) }
  }

  /** The answer about the topics: the engine's, without those that may not be described, and the refused ones. */
  answer (answers: readonly TopicAnswer[], context: Context, gate: Gate): TopicAnswer[] {
    if (this.group.topics === null) {
      return answers.filter(({ name, topicId }) => checkTopic(gate, context, permissions.OffsetFetch.listed, name, topicId) === null)
    }
    return interleave(answers, this.topics.map((refused, i) => refused === null ? null : this.#refuse(i, refused)))
  }

  /** Every topic, with the error that stands for the group where there is no other place for it. */
  refuseAll (refused: Refusal): TopicAnswer[] {
    return (this.group.topics ?? []).map((_topic, i) => this.#refuse(i, refused))
  }

  #refuse (index: number, { errorCode }: Refusal): TopicAnswer {
    const { name, topicId, partitionIndexes } = this.group.topics![index]!
    return {
      name,
      topicId,
      partitions: partitionIndexes.map(partitionIndex =>
        ({ partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }))
    }
  }
}

async function forward (
  request: FetchRequest, asked: readonly AskedGroup[], single: boolean, context: Context, next: Dispatch
): Promise<FetchResponse> {
  if (asked.every(({ isWhole }) => isWhole)) return await next(OffsetFetch, request, context)
  const groups = asked.filter(({ refused }) => refused === null).map(({ allowed }) => allowed)
  if (groups.length === 0) return answerOf(OffsetFetch, {})
  return await next(OffsetFetch, single ? { ...request, topics: groups[0]!.topics } : { ...request, groups }, context)
}

function answerSingle (request: FetchRequest, asked: AskedGroup, response: FetchResponse, context: Context, gate: Gate): FetchResponse {
  const { refused } = asked
  if (refused !== null) {
    const { errorCode } = refused
    return answerOf(OffsetFetch, context.version < GROUP_ERROR_SINCE ? { topics: asked.refuseAll(refused) } : { errorCode, topics: [] })
  }
  if (asked.isWhole && request.topics !== null) return response
  return answerOf(OffsetFetch, { ...response, topics: asked.answer(response.topics as TopicAnswer[], context, gate) } as ResponseInput<typeof OffsetFetch>)
}

function answerGroups (asked: readonly AskedGroup[], response: FetchResponse, context: Context, gate: Gate): FetchResponse {
  if (asked.every(({ isWhole, group }) => isWhole && group.topics !== null)) return response
  const answers = [...response.groups]
  const groups = asked.map((one): GroupAnswer | null => {
    const { group: { groupId }, refused } = one
    if (refused !== null) return { groupId, topics: [], errorCode: refused.errorCode }
    const index = answers.findIndex(answer => answer.groupId === groupId)
    if (index < 0) return null
    const [answer] = answers.splice(index, 1)
    // A group that failed has an error for all of its topics.
    return answer!.errorCode !== errors.NONE ? answer! : { ...answer!, topics: one.answer(answer!.topics, context, gate) }
  })
  return answerOf(OffsetFetch, { ...response, groups: groups.filter(one => one !== null) } as ResponseInput<typeof OffsetFetch>)
}

const deletions: Elements<typeof OffsetDelete, Request<typeof OffsetDelete>['topics'][number], Response<typeof OffsetDelete>['topics'][number]> = {
  api: OffsetDelete,
  of: ({ topics }) => topics,
  check: ({ name }, context, gate) => gate.check(context, permissions.OffsetDelete.topic, name),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  // An error of the group stands for all of its topics.
  answered: (response, topics) => response.errorCode === errors.NONE ? { ...response, topics } : response,
  refuse: ({ name, partitions }, { errorCode }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })
}

const offsetDelete = rule(OffsetDelete, (request, context, next, gate) => {
  const refused = gate.check(context, permissions.OffsetDelete.group, request.groupId)
  if (refused === null) return partly(deletions, request, context, next, gate)
  gate.report(OffsetDelete, context, [refused])
  return Promise.resolve(answerOf(OffsetDelete, { errorCode: refused.errorCode, topics: [] }))
})

export const offsetRules: readonly Rule[] = [offsetCommit, offsetFetch, offsetDelete]
