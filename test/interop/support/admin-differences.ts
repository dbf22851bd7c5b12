/**
 * Where the tools show something else through a gateway than directly, and why.
 */

export interface Difference {
  readonly reason: string
  /** The commands that it is about. */
  readonly command: RegExp
  /** Lines that only Kafka shows, and lines that only the gateway shows. Each of them has to occur. */
  readonly kafka: readonly RegExp[]
  readonly gateway: readonly RegExp[]
}

const unsupported = (name: string): RegExp => new RegExp(`UnsupportedVersionException: The node does not support ${name}$`)

export const differences: readonly Difference[] = [
  {
    reason: 'each gateway is one broker, and has no rack',
    command: /^cluster list-endpoints/,
    kafka: [/^N HOST PORT RACK unfenced broker$/],
    gateway: [/^N HOST PORT null unfenced broker$/]
  },
  {
    reason: 'how many brokers the cluster has is not shown: the replica of a partition is the gateway that leads it',
    command: /^topics --describe --(topic|topics-with-overrides)/,
    kafka: [/Leader: N Replicas: N,N,N Isr: N,N,N /, /ReplicationFactor: 3 /],
    gateway: [/Leader: N Replicas: N Isr: N /, /ReplicationFactor: 1 /]
  },
  {
    reason: 'a gateway is no broker of the cluster: only the default of all brokers can be changed through it',
    command: /^configs --alter --entity-type brokers --entity-name BROKER --(add|delete)-config log/,
    kafka: [/^exit 0$/, /^Completed updating config for broker N\.$/],
    gateway: [
      /^exit 1$/, /^Error while executing config command with args/, /^Caused by: .*InvalidRequestException: A gateway is no broker/,
      /^java.util.concurrent.ExecutionException: .*InvalidRequestException: A gateway is no broker/
    ]
  },
  {
    reason: 'it could not be set',
    command: /^configs --describe --entity-type brokers --entity-name BROKER/,
    kafka: [/^log\.cleaner\.backoff\.ms=20000 /],
    gateway: []
  },
  {
    reason: 'a gateway refuses what belongs to one broker before it looks at it',
    command: /^configs --alter --entity-type brokers --entity-name BROKER --add-config node/,
    kafka: [/InvalidRequestException: Cannot update these configs dynamically/],
    gateway: [/InvalidRequestException: A gateway is no broker/]
  },
  {
    reason: 'the log folders of all brokers are those of the one that is shown',
    command: /^log-dirs --describe --(topic-list orders|broker-list BROKER)/,
    kafka: [/^Received log directory information from brokers N,N,N$/, /^\{"brokers":\[\{"broker":N,/],
    gateway: [/^Received log directory information from brokers N$/, /^\{"brokers":\[\{"broker":N,/]
  },
  {
    reason: 'each gateway is one broker',
    command: /^log-dirs --describe --broker-list 99/,
    kafka: [/Current existent brokers: N,N,N$/],
    gateway: [/Current existent brokers: N$/]
  },
  {
    reason: 'each gateway is one broker, and offers what every broker, the rules and itself know',
    command: /^broker-api-versions/,
    kafka: [/./],
    gateway: [/./]
  },
  {
    reason: 'UnregisterBroker, for who runs the brokers, is not offered',
    command: /^cluster unregister/,
    kafka: [/^exit 1$/, /BrokerIdNotRegisteredException: Broker ID 99 is not currently registered$/],
    gateway: [/^exit 0$/, /does not support the broker unregistration API\.$/]
  },
  {
    reason: 'features, for who runs the brokers, are not shown',
    command: /^features describe/,
    kafka: [/^Feature: /],
    gateway: []
  },
  {
    reason: 'DescribeQuorum, which is about the controllers, is not offered',
    command: /^metadata-quorum describe/,
    kafka: [/./],
    gateway: [/^exit 1$/, unsupported('DESCRIBE_QUORUM')]
  },
  {
    reason: 'where replicas lie is not shown, and nothing is moved: ListPartitionReassignments is not offered',
    command: /^reassign-partitions --(list|execute)/,
    kafka: [/^exit 0$/, /^No partition reassignments found\.$/, /Unknown broker id 99$/],
    gateway: [/^exit 1$/, unsupported('LIST_PARTITION_REASSIGNMENTS')]
  },
  {
    reason: 'where replicas lie is not shown: each partition has one, on a gateway',
    command: /^reassign-partitions --generate/,
    kafka: [/^exit 1$/, /The target replication factor of 3 cannot be reached because only 1 broker/],
    gateway: [/^exit 0$/, /^Current partition replica assignment$/, /^Proposed partition reassignment configuration$/, /"replicas":\[N\]/]
  }
]
