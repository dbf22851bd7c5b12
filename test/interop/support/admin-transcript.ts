/**
 * What an operator types: commands of Kafka's tools, in their order. `BROKER` is a broker as the tools are told of it. What waits
 * for a minute for a topic that is not there is left out.
 */

const tools = 'org.apache.kafka.tools.'

export const classes = {
  topics: `${tools}TopicCommand`,
  configs: 'kafka.admin.ConfigCommand',
  groups: `${tools}GroupsCommand`,
  'consumer-groups': `${tools}consumer.group.ConsumerGroupCommand`,
  'share-groups': `${tools}consumer.group.ShareGroupCommand`,
  'streams-groups': `${tools}streams.StreamsGroupCommand`,
  'get-offsets': `${tools}GetOffsetShell`,
  'delete-records': `${tools}DeleteRecordsCommand`,
  'log-dirs': `${tools}LogDirsCommand`,
  'leader-election': `${tools}LeaderElectionCommand`,
  transactions: `${tools}TransactionsCommand`,
  'broker-api-versions': `${tools}BrokerApiVersionsCommand`,
  cluster: `${tools}ClusterTool`,
  'metadata-quorum': `${tools}MetadataQuorumCommand`,
  features: `${tools}FeatureCommand`,
  'reassign-partitions': `${tools}reassign.ReassignPartitionsCommand`,
  'client-metrics': `${tools}ClientMetricsCommand`
} as const

export type Tool = keyof typeof classes

/** `kcat` produces what is given, a record a line. */
export type Step =
  | { readonly tool: Tool, readonly args: string }
  | { readonly tool: 'kcat', readonly args: string, readonly input: string }

const of = (tool: Tool, ...commands: readonly string[]): Step[] => commands.map(args => ({ tool, args }))

export const transcript: readonly Step[] = [
  ...of('cluster', 'cluster-id', 'list-endpoints', 'unregister --id 99'),
  ...of('topics',
    '--list',
    '--create --topic orders --partitions 6 --replication-factor 3 --config retention.ms=3600000',
    '--create --topic plain',
    '--create --topic orders',
    '--create --topic orders --if-not-exists',
    '--create --topic what?',
    '--create --topic other --config retention.ms=soon',
    '--create --topic other --config nonsense=1',
    '--create --topic other --replication-factor 9',
    '--create --topic other --partitions 0',
    '--create --topic other --replica-assignment 98:99',
    '--list',
    '--describe --topic orders',
    '--describe --topic plain',
    '--describe --topic nowhere',
    '--describe --under-replicated-partitions',
    '--describe --unavailable-partitions',
    '--describe --at-min-isr-partitions',
    '--describe --topics-with-overrides',
    '--alter --topic orders --partitions 8',
    '--alter --topic orders --partitions 2',
    '--alter --topic nowhere --partitions 2'),
  ...of('configs',
    '--describe --entity-type topics --entity-name orders',
    '--describe --entity-type topics --entity-name orders --all',
    '--describe --entity-type topics --entity-name nowhere',
    '--alter --entity-type topics --entity-name orders --add-config retention.ms=7200000,max.message.bytes=2000000',
    '--describe --entity-type topics --entity-name orders',
    '--alter --entity-type topics --entity-name orders --delete-config max.message.bytes',
    '--alter --entity-type topics --entity-name orders --delete-config max.message.bytes',
    '--alter --entity-type topics --entity-name orders --add-config retention.ms=soon',
    '--alter --entity-type topics --entity-name orders --add-config nonsense=1',
    '--alter --entity-type topics --entity-name nowhere --add-config retention.ms=1',
    '--describe --entity-type topics',
    '--describe --entity-type brokers --entity-default',
    '--alter --entity-type brokers --entity-default --add-config log.cleaner.threads=2',
    '--describe --entity-type brokers --entity-default',
    '--alter --entity-type brokers --entity-default --delete-config log.cleaner.threads',
    '--describe --entity-type brokers --entity-name BROKER',
    '--alter --entity-type brokers --entity-name BROKER --add-config log.cleaner.backoff.ms=20000',
    '--describe --entity-type brokers --entity-name BROKER',
    '--alter --entity-type brokers --entity-name BROKER --delete-config log.cleaner.backoff.ms',
    '--alter --entity-type brokers --entity-name BROKER --add-config node.id=5',
    '--describe --entity-type brokers --entity-name 99',
    '--alter --entity-type groups --entity-name readers --add-config consumer.session.timeout.ms=50000',
    '--describe --entity-type groups --entity-name readers',
    '--alter --entity-type groups --entity-name readers --delete-config consumer.session.timeout.ms',
    '--alter --entity-type client-metrics --entity-name some --add-config interval.ms=5000',
    '--describe --entity-type client-metrics --entity-name some',
    '--describe --entity-type client-metrics'),
  ...of('client-metrics', '--list', '--describe --name some', '--delete --name some', '--list'),

  { tool: 'kcat', args: '-t orders -p 0', input: 'a\nb\nc\n' },
  { tool: 'kcat', args: '-t orders -p 5', input: 'd\n' },
  ...of('get-offsets',
    '--topic orders', '--topic orders --time earliest', '--topic orders --time max-timestamp', '--topic-partitions orders:0,orders:5-7', '--topic nowhere',
    '--topic orders --time 1'),

  ...of('consumer-groups',
    '--list',
    '--group readers --topic orders --reset-offsets --to-earliest --dry-run',
    '--group readers --topic orders --reset-offsets --to-earliest --execute',
    '--group readers --topic orders:0 --reset-offsets --to-offset 2 --execute',
    '--list',
    '--list --state',
    '--list --type',
    '--describe --group readers',
    '--describe --group readers --state',
    '--describe --group readers --members --verbose',
    '--describe --all-groups --offsets',
    '--describe --group nobody',
    '--describe --group nobody --state',
    '--group readers --delete-offsets --topic orders:5',
    '--group nobody --delete-offsets --topic orders',
    '--describe --group readers',
    '--delete --group nobody',
    '--delete --group readers'),
  ...of('groups', '--list', '--list --consumer', '--list --share', '--list --streams'),
  ...of('share-groups',
    '--list',
    '--group sharers --topic orders --reset-offsets --to-earliest --execute', '--describe --group sharers', '--describe --group nobody', '--list --state',
    '--delete --group sharers'),
  ...of('streams-groups', '--list', '--describe --group nobody', '--delete --group nobody'),

  ...of('delete-records', '--offset-json-file DELETE.json', '--offset-json-file BEYOND.json'),
  ...of('get-offsets', '--topic orders --time earliest'),
  ...of('log-dirs', '--describe --topic-list orders', '--describe --broker-list BROKER --topic-list plain', '--describe --broker-list 99'),
  ...of('leader-election',
    '--election-type preferred --topic orders --partition 0',
    '--election-type preferred --all-topic-partitions', '--election-type unclean --topic orders --partition 0',
    '--election-type preferred --topic nowhere --partition 0'),
  ...of('transactions',
    'list', 'describe --transactional-id nobody', 'describe-producers --topic orders --partition 0',
    'describe-producers --topic orders --partition 0 --broker-id BROKER', 'find-hanging --topic orders', 'find-hanging --broker-id BROKER'),
  ...of('broker-api-versions', ''),
  ...of('features', 'describe'),
  ...of('metadata-quorum', 'describe --status', 'describe --replication'),
  ...of('reassign-partitions',
    '--list',
    '--generate --broker-list BROKER --topics-to-move-json-file MOVE.json',
    '--execute --reassignment-json-file REASSIGN.json'),
  ...of('topics', '--delete --topic orders', '--delete --topic nowhere', '--delete --topic plain', '--list')
]

/** The files that commands name, as JSON. */
export const files = {
  'DELETE.json': { version: 1, partitions: [{ topic: 'orders', partition: 0, offset: 2 }] },
  'BEYOND.json': { version: 1, partitions: [{ topic: 'orders', partition: 0, offset: 99 }] },
  'MOVE.json': { version: 1, topics: [{ topic: 'plain' }] },
  'REASSIGN.json': { version: 1, partitions: [{ topic: 'plain', partition: 0, replicas: [99] }] }
} as const
