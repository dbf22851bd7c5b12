/**
 * The registry: every request this build can read and write, by its key.
 */
import { Produce } from './messages/00-produce.ts'
import { Fetch } from './messages/01-fetch.ts'
import { ListOffsets } from './messages/02-list-offsets.ts'
import { Metadata } from './messages/03-metadata.ts'
import { OffsetCommit } from './messages/08-offset-commit.ts'
import { OffsetFetch } from './messages/09-offset-fetch.ts'
import { FindCoordinator } from './messages/10-find-coordinator.ts'
import { JoinGroup } from './messages/11-join-group.ts'
import { Heartbeat } from './messages/12-heartbeat.ts'
import { LeaveGroup } from './messages/13-leave-group.ts'
import { SyncGroup } from './messages/14-sync-group.ts'
import { DescribeGroups } from './messages/15-describe-groups.ts'
import { ListGroups } from './messages/16-list-groups.ts'
import { SaslHandshake } from './messages/17-sasl-handshake.ts'
import { ApiVersions } from './messages/18-api-versions.ts'
import { CreateTopics } from './messages/19-create-topics.ts'
import { DeleteTopics } from './messages/20-delete-topics.ts'
import { DeleteRecords } from './messages/21-delete-records.ts'
import { InitProducerId } from './messages/22-init-producer-id.ts'
import { OffsetForLeaderEpoch } from './messages/23-offset-for-leader-epoch.ts'
import { DescribeAcls } from './messages/29-describe-acls.ts'
import { CreateAcls } from './messages/30-create-acls.ts'
import { DeleteAcls } from './messages/31-delete-acls.ts'
import { DescribeConfigs } from './messages/32-describe-configs.ts'
import { SaslAuthenticate } from './messages/36-sasl-authenticate.ts'
import { CreatePartitions } from './messages/37-create-partitions.ts'
import { CreateDelegationToken } from './messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from './messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from './messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from './messages/41-describe-delegation-token.ts'
import { DeleteGroups } from './messages/42-delete-groups.ts'
import { IncrementalAlterConfigs } from './messages/44-incremental-alter-configs.ts'
import { DescribeClientQuotas } from './messages/48-describe-client-quotas.ts'
import { AlterClientQuotas } from './messages/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from './messages/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from './messages/51-alter-user-scram-credentials.ts'
import { DescribeCluster } from './messages/60-describe-cluster.ts'
import type { Api } from './schema.ts'

export const apis: readonly Api[] = [
  Produce, Fetch, ListOffsets, Metadata, OffsetCommit, OffsetFetch, FindCoordinator, JoinGroup, Heartbeat, LeaveGroup,
  SyncGroup, DescribeGroups, ListGroups, SaslHandshake, ApiVersions, CreateTopics, DeleteTopics, DeleteRecords,
  InitProducerId, OffsetForLeaderEpoch, DescribeAcls, CreateAcls, DeleteAcls, DescribeConfigs, SaslAuthenticate,
  CreatePartitions, CreateDelegationToken, RenewDelegationToken, ExpireDelegationToken, DescribeDelegationToken,
  DeleteGroups, IncrementalAlterConfigs, DescribeClientQuotas, AlterClientQuotas,
  DescribeUserScramCredentials, AlterUserScramCredentials, DescribeCluster
]

const byKey = new Map(apis.map(api => [api.key, api]))

export function apiOf (key: number): Api | undefined {
  return byKey.get(key)
}
