/**
 * What is asked of single brokers or of the controller: who may see their folders and have leaders elected.
 */
import { DescribeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts'
import { ElectLeaders } from '../../protocol/messages/43-elect-leaders.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import { answerOf, partly, rule, type Elements, type Rule } from './authorize-elements.ts'
import { unknownTopic } from './authorize-gate.ts'
import { isHidden, permissions } from './permissions.ts'

const describeLogDirs = rule(DescribeLogDirs, async (request, context, next, gate) => {
  const refused = gate.checkCluster(context, permissions.DescribeLogDirs.cluster)
  if (refused !== null) {
    gate.report(DescribeLogDirs, context, [refused])
    return answerOf(DescribeLogDirs, { errorCode: refused.errorCode, results: [] })
  }
  const response = await next(DescribeLogDirs, request, context)
  return { ...response, results: response.results.map(dir => ({ ...dir, topics: dir.topics.filter(({ name }) => !isHidden(name)) })) }
})

type Elected = NonNullable<Request<typeof ElectLeaders>['topicPartitions']>[number]
type Election = Response<typeof ElectLeaders>['replicaElectionResults'][number]

/** Until then an answer had no error of its own: each partition says it. */
const ERROR_SINCE = 1

const elections: Elements<typeof ElectLeaders, Elected, Election> = {
  api: ElectLeaders,
  of: ({ topicPartitions }) => topicPartitions ?? [],
  check: ({ topic }) => isHidden(topic) ? unknownTopic(permissions.ElectLeaders.cluster, topic) : null,
  only: (request, topicPartitions) => ({ ...request, topicPartitions }),
  answers: ({ replicaElectionResults }) => replicaElectionResults,
  answered: (response, replicaElectionResults) => ({ ...response, replicaElectionResults }),
  refuse: ({ topic, partitions }, { errorCode, message }) => ({
    topic, partitionResult: partitions.map(partitionId => ({ partitionId, errorCode, errorMessage: message }))
  })
}

const electLeaders = rule(ElectLeaders, async (request, context, next, gate) => {
  const refused = gate.checkCluster(context, permissions.ElectLeaders.cluster)
  if (refused !== null) {
    gate.report(ElectLeaders, context, [refused])
    return answerOf(ElectLeaders, {
      ...context.version < ERROR_SINCE ? {} : { errorCode: refused.errorCode },
      replicaElectionResults: elections.of(request).map(one => elections.refuse(one, refused, context.version) as Election)
    } as Response<typeof ElectLeaders>)
  }
  if (request.topicPartitions !== null) return await partly(elections, request, context, next, gate)
  const response = await next(ElectLeaders, request, context)
  return { ...response, replicaElectionResults: response.replicaElectionResults.filter(({ topic }) => !isHidden(topic)) }
})

export const brokerRules: readonly Rule[] = [describeLogDirs, electLeaders]
