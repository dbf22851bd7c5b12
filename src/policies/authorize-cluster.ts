/**
 * The cluster: producer ids, and who may see and change rules, quotas and users.
 */
import { InitProducerId } from '../../protocol/messages/22-init-producer-id.ts'
import { DescribeAcls } from '../../protocol/messages/29-describe-acls.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../protocol/messages/31-delete-acls.ts'
import { DescribeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../protocol/messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import { whole, type Rule } from './authorize-elements.ts'
import { permissions } from './permissions.ts'

const initProducerId = whole(InitProducerId,
  ({ transactionalId }, context, gate) => transactionalId === null
    ? gate.checkCluster(context, permissions.InitProducerId.idempotent)
    : gate.check(context, permissions.InitProducerId.transactionalId, transactionalId),
  ({ errorCode }) => ({ errorCode, producerEpoch: -1 }))

const describeAcls = whole(DescribeAcls,
  (_request, context, gate) => gate.checkCluster(context, permissions.DescribeAcls.cluster),
  ({ errorCode, message }) => ({ errorCode, errorMessage: message, resources: [] }))

const createAcls = whole(CreateAcls,
  (_request, context, gate) => gate.checkCluster(context, permissions.CreateAcls.cluster),
  ({ errorCode, message }, { creations }) => ({ results: creations.map(() => ({ errorCode, errorMessage: message })) }))

const deleteAcls = whole(DeleteAcls,
  (_request, context, gate) => gate.checkCluster(context, permissions.DeleteAcls.cluster),
  ({ errorCode, message }, { filters }) => ({ filterResults: filters.map(() => ({ errorCode, errorMessage: message, matchingAcls: [] })) }))

const describeClientQuotas = whole(DescribeClientQuotas,
  (_request, context, gate) => gate.checkCluster(context, permissions.DescribeClientQuotas.cluster),
  ({ errorCode, message }) => ({ errorCode, errorMessage: message, entries: null }))

const alterClientQuotas = whole(AlterClientQuotas,
  (_request, context, gate) => gate.checkCluster(context, permissions.AlterClientQuotas.cluster),
  ({ errorCode, message }, { entries }) => ({ entries: entries.map(({ entity }) => ({ errorCode, errorMessage: message, entity })) }))

const describeUsers = whole(DescribeUserScramCredentials,
  (_request, context, gate) => gate.checkCluster(context, permissions.DescribeUserScramCredentials.cluster),
  // Kafka says it twice.
  ({ errorCode, message }) => ({
    errorCode, errorMessage: message, results: [{ user: '', errorCode, errorMessage: message, credentialInfos: [] }]
  }))

const alterUsers = whole(AlterUserScramCredentials,
  (_request, context, gate) => gate.checkCluster(context, permissions.AlterUserScramCredentials.cluster),
  ({ errorCode, message }, { deletions, upsertions }) => ({
    results: Array.from(new Set([...deletions, ...upsertions].map(({ name }) => name)), user => ({ user, errorCode, errorMessage: message }))
  }))

export const clusterRules: readonly Rule[] = [
  initProducerId, describeAcls, createAcls, deleteAcls, describeClientQuotas, alterClientQuotas, describeUsers, alterUsers
]
