/**
 * The resource shapes of Confluent's REST Proxy v3: a kind, where it is, its Confluent resource name, and links to what belongs
 * to it. Clients that were generated from its document need every link, also those behind which there is nothing here.
 */
import type { FastifyRequest } from 'fastify'
import type { Operation, PatternType, Permission, ResourceType } from '../src/access/model.ts'
import type { TopicCounts, TopicDescription, TopicPartition } from '../src/client/admin.ts'
import type { TopicConfig } from '../src/client/configs.ts'

/** In the words of the API. */
export interface AclV3 {
  readonly resource_type: ResourceType
  readonly resource_name: string
  readonly pattern_type: PatternType
  readonly principal: string
  readonly host: string
  readonly operation: Operation
  readonly permission: Permission
}

/** A filter that only this ACL matches. */
export const queryOf = (acl: AclV3): string => new URLSearchParams({ ...acl }).toString()

export type Related = { readonly related: string }

/** Builds resources for the host and cluster that a request names. */
export class Resources {
  readonly #clusterId: string
  readonly #root: string

  constructor (request: FastifyRequest, clusterId: string) {
    this.#clusterId = clusterId
    this.#root = `${request.protocol}://${request.host}/v3/clusters`
  }

  cluster (controllerId: number): object {
    return {
      kind: 'KafkaCluster',
      metadata: this.#metadata(''),
      cluster_id: this.#clusterId,
      controller: this.#related(`/brokers/${controllerId}`),
      acls: this.#related('/acls'),
      brokers: this.#related('/brokers'),
      broker_configs: this.#related('/broker-configs'),
      consumer_groups: this.#related('/consumer-groups'),
      topics: this.#related('/topics'),
      partition_reassignments: this.#related('/topics/-/partitions/-/reassignment')
    }
  }

  clusters (data: readonly object[]): object {
    return { kind: 'KafkaClusterList', metadata: { self: this.#root, next: null }, data }
  }

  /** `partitions` and `replicationFactor` are given where the topic does not exist yet. */
  topic ({ name, isInternal, partitions }: TopicDescription, counts?: TopicCounts): object {
    const path = this.topicPath(name)
    return {
      kind: 'KafkaTopic',
      metadata: this.#metadata(path, `/topic=${name}`),
      cluster_id: this.#clusterId,
      topic_name: name,
      is_internal: isInternal,
      replication_factor: counts?.replicationFactor ?? partitions[0]?.replicas.length ?? 0,
      partitions_count: counts?.partitions ?? partitions.length,
      partitions: this.#related(`${path}/partitions`),
      configs: this.#related(`${path}/configs`),
      partition_reassignments: this.#related(`${path}/partitions/-/reassignment`),
      authorized_operations: []
    }
  }

  partition (topic: string, { partition, leader }: TopicPartition): object {
    const path = `${this.topicPath(topic)}/partitions/${partition}`
    return {
      kind: 'KafkaPartition',
      metadata: this.#metadata(path, `/topic=${topic}/partition=${partition}`),
      cluster_id: this.#clusterId,
      topic_name: topic,
      partition_id: partition,
      ...leader === -1 ? {} : { leader: this.#related(`${path}/replicas/${leader}`) },
      replicas: this.#related(`${path}/replicas`),
      reassignment: this.#related(`${path}/reassignment`)
    }
  }

  config (topic: string, { name, value, source, isReadOnly, isSensitive, synonyms }: TopicConfig): object {
    return {
      kind: 'KafkaTopicConfig',
      metadata: this.#metadata(`${this.configsPath(topic)}/${encodeURIComponent(name)}`, `/topic=${topic}/config=${name}`),
      cluster_id: this.#clusterId,
      topic_name: topic,
      name,
      value,
      is_default: source === 'DEFAULT_CONFIG',
      is_read_only: isReadOnly,
      is_sensitive: isSensitive,
      source,
      synonyms
    }
  }

  acl (acl: AclV3): object {
    return { kind: 'KafkaAcl', metadata: { self: this.url(`/acls?${queryOf(acl)}`) }, cluster_id: this.#clusterId, ...acl }
  }

  /** There is no paging: `next` is always null, as in Confluent's own. */
  list (kind: `Kafka${'Topic' | 'TopicConfig' | 'Partition' | 'Acl'}List`, path: string, data: readonly object[]): object {
    return { kind, metadata: { self: this.url(path), next: null }, data }
  }

  topicPath (name: string): string {
    return `/topics/${encodeURIComponent(name)}`
  }

  configsPath (topic: string): string {
    return `${this.topicPath(topic)}/configs`
  }

  url (path: string): string {
    return `${this.#root}/${encodeURIComponent(this.#clusterId)}${path}`
  }

  #related (path: string): Related {
    return { related: this.url(path) }
  }

  #metadata (path: string, resource = ''): { self: string, resource_name: string } {
    return { self: this.url(path), resource_name: `crn:///kafka=${this.#clusterId}${resource}` }
  }
}
