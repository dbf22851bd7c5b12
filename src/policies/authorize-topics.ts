/**
 * Topics: who may create, extend and delete them.
 */
import { errors } from '../../protocol/errors.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts'
import { CreatePartitions } from '../../protocol/messages/37-create-partitions.ts'
import type { Context } from '../../protocol/rpc.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { refusal, unknownTopic, unknownTopicId, type Gate, type Refusal } from './authorize-gate.ts'
import { answerOf, each, partly, rule, withoutName, type Elements, type Rule } from './authorize-elements.ts'
import { isHidden, permissions } from './permissions.ts'
import { NO_TOPIC_ID, existing } from './topic-names.ts'

type CreateRequest = Request<typeof CreateTopics>
type CreatedTopic = Response<typeof CreateTopics>['topics'][number]

const creations: Elements<typeof CreateTopics, CreateRequest['topics'][number], CreatedTopic> = {
  api: CreateTopics,
  of: ({ topics }) => topics,
  check: ({ name }, context, gate) => {
    const { topic } = permissions.CreateTopics
    return isHidden(name) || !gate.may(context, topic, name) ? refusal(topic, name) : null
  },
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ topics }) => topics,
  answered: (response, topics) => ({ ...response, topics }),
  refuse: ({ name }, { errorCode, message }) => ({ name, errorCode, errorMessage: message, configs: [] })
}

const createTopics = rule(CreateTopics, async (request, context, next, gate) => {
  const response = await partly(creations, request, context, next, gate)
  const isTold = ({ name, errorCode }: CreatedTopic): boolean =>
    errorCode !== errors.NONE || gate.may(context, permissions.CreateTopics.configs, name)
  if (response.topics.every(isTold)) return response
  const { denied } = permissions.CreateTopics.configs
  return {
    ...response,
    topics: response.topics.map(topic => isTold(topic)
      ? topic
      : { ...topic, topicConfigErrorCode: errors[denied], numPartitions: -1, replicationFactor: -1, configs: [] })
  }
})

const createPartitions = each({
  api: CreatePartitions,
  of: ({ topics }) => topics,
  check: ({ name }, context, gate) => gate.check(context, permissions.CreatePartitions.topic, name),
  only: (request, topics) => ({ ...request, topics }),
  answers: ({ results }) => results,
  answered: (response, results: Response<typeof CreatePartitions>['results']) => ({ ...response, results }),
  refuse: ({ name }, { errorCode, message }) => ({ name, errorCode, errorMessage: message })
})

const needs = permissions.DeleteTopics

type DeleteRequest = Request<typeof DeleteTopics>
type Deletion = DeleteRequest['topics'][number]

const deletions: Elements<typeof DeleteTopics, Deletion, Response<typeof DeleteTopics>['responses'][number]> = {
  api: DeleteTopics,
  of: ({ topics, topicNames }) => topics.length > 0 ? topics : topicNames.map(name => ({ name, topicId: NO_TOPIC_ID })),
  topicId: ({ name, topicId }) => name === null && topicId !== NO_TOPIC_ID ? topicId : null,
  check: (deletion, context, gate) => deletion.name === null ? checkById(deletion, context, gate) : checkByName(deletion.name, context, gate),
  only: (request, deletions) => request.topics.length > 0
    ? { ...request, topics: deletions }
    : { ...request, topicNames: deletions.map(({ name }) => name!) },
  answers: ({ responses }) => responses,
  answered: (response, responses) => ({ ...response, responses }),
  // Who meant a topic by its id is told its name if they may describe it.
  refuse: ({ name, topicId }, { errorCode, message, need, resourceName }) => ({
    name: name ?? (need === needs.topic && errorCode === errors[needs.topic.denied] ? resourceName : null), topicId, errorCode, errorMessage: message
  })
}

function checkByName (name: string, context: Context, gate: Gate): Refusal | null {
  if (!gate.may(context, needs.described, name)) return refusal(needs.described, name)
  return gate.check(context, needs.topic, name)
}

function checkById ({ topicId }: Deletion, context: Context, gate: Gate): Refusal | null {
  if (topicId === NO_TOPIC_ID) return null // neither name nor id: the engine has a word for that
  const name = gate.names.get(topicId)
  if (name === undefined) return unknownTopicId(null, topicId)
  if (isHidden(name)) return unknownTopicId(needs.topic, name)
  if (gate.may(context, needs.topic, name)) return null
  return withoutName(checkByName(name, context, gate)!, topicId, context, gate)
}

/** Who may describe a topic but not delete it is told whether there is one. */
const deleteTopics = rule(DeleteTopics, async (request, context, next, gate) => {
  const response = await partly(deletions, request, context, next, gate)
  const isOpen = ({ name, errorCode }: typeof response.responses[number]): boolean =>
    errorCode === errors[needs.topic.denied] && name !== null && gate.may(context, needs.described, name)
  const open = response.responses.filter(isOpen)
  if (open.length === 0) return response
  const there = await existing(open.map(({ name }) => name!), next, context)
  return answerOf(DeleteTopics, {
    ...response,
    responses: response.responses.map(one => {
      if (!isOpen(one) || there.has(one.name!)) return one
      const { errorCode, message } = unknownTopic(null, one.name!)
      return { ...one, errorCode, errorMessage: message }
    })
  })
})

export const topicRules: readonly Rule[] = [createTopics, createPartitions, deleteTopics]
