/**
 * The topic configurations that this engine acts on, with Kafka's names and defaults. Others are refused by name: a
 * setting that is accepted and does nothing would be a lie.
 */
import { KafkaError } from '../../protocol/errors.ts'
import { defaultLogConfig, type LogConfig } from '../log/config.ts'

/** Kafka's numbers for the type of a configuration (KIP-569). */
const types = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

interface ConfigRow {
  readonly type: keyof typeof types
  readonly default: string
  /** The least and the most that a number may be, or the words that a string or list may hold. */
  readonly range?: readonly [number, number]
  readonly words?: readonly string[]
  readonly documentation: string
}

/** 2^63 - 1, as near as a number comes: beyond 2^53 every value means "never". */
const MAX_LONG = 2 ** 63
const MAX_INT64 = 0x7fffffffffffffffn
const MAX_INT = 0x7fffffff

/** `retention.ms` and the segment size of topics that set none come from the gateway's own configuration. */
export interface ConfigDefaults {
  readonly retentionMs: number
  readonly segmentBytes: number
}

const table = {
  'cleanup.policy': {
    type: 'list', default: 'delete', words: ['delete', 'compact'], documentation: 'What happens to old records: delete, compact, or both.'
  },
  'compression.type': {
    type: 'string', default: 'producer', words: ['producer'], documentation: 'Batches are stored as the producer compressed them.'
  },
  'delete.retention.ms': {
    type: 'long', default: '86400000', range: [0, MAX_LONG], documentation: 'How long compaction keeps a tombstone.'
  },
  'index.interval.bytes': {
    type: 'int', default: '4096', range: [0, MAX_INT], documentation: 'Bytes between two entries of the offset index.'
  },
  'max.message.bytes': {
    type: 'int', default: '1048588', range: [0, MAX_INT], documentation: 'The largest record batch that is accepted.'
  },
  'message.timestamp.after.max.ms': {
    type: 'long', default: '3600000', range: [0, MAX_LONG], documentation: 'How far in the future the timestamp of a record may lie.'
  },
  'message.timestamp.before.max.ms': {
    type: 'long', default: '9223372036854775807', range: [0, MAX_LONG], documentation: 'How far in the past the timestamp of a record may lie.'
  },
  'message.timestamp.type': {
    type: 'string', default: 'CreateTime', words: ['CreateTime', 'LogAppendTime'], documentation: 'Whose clock gives a record its timestamp.'
  },
  'min.cleanable.dirty.ratio': {
    type: 'double', default: '0.5', range: [0, 1], documentation: 'The share of a log that must be new before it is compacted.'
  },
  'min.compaction.lag.ms': {
    type: 'long', default: '0', range: [0, MAX_LONG], documentation: 'Records younger than this are not compacted.'
  },
  'min.insync.replicas': {
    type: 'int', default: '1', range: [1, 1], documentation: 'There is one replica of everything.'
  },
  'retention.bytes': {
    type: 'long', default: '-1', range: [-1, MAX_LONG], documentation: 'The size beyond which a partition loses its oldest segments; -1 for none.'
  },
  'retention.ms': {
    type: 'long', default: '604800000', range: [-1, MAX_LONG], documentation: 'The age beyond which segments are deleted; -1 for none.'
  },
  'segment.bytes': {
    type: 'int', default: '1073741824', range: [1024, MAX_INT], documentation: 'The size at which a new segment is begun.'
  },
  'segment.ms': {
    type: 'long', default: '604800000', range: [1, MAX_LONG], documentation: 'The span of time after which a new segment is begun.'
  }
} as const satisfies Record<string, ConfigRow>

export type ConfigName = keyof typeof table

export const configNames = Object.keys(table) as ConfigName[]

function isConfigName (name: string): name is ConfigName {
  return Object.hasOwn(table, name)
}

export interface ConfigInfo {
  readonly type: number
  readonly documentation: string
}

export function configInfo (name: ConfigName): ConfigInfo {
  const { type, documentation } = table[name]
  return { type: types[type], documentation }
}

/** The value that a topic has when it sets none. */
export function defaultOf (name: ConfigName, defaults: ConfigDefaults): string {
  if (name === 'retention.ms') return String(defaults.retentionMs)
  if (name === 'segment.bytes') return String(defaults.segmentBytes)
  return table[name].default
}

/** Throws KafkaError INVALID_CONFIG with a sentence that says what would be right. */
export function checkConfig (name: string, value: string | null): asserts name is ConfigName {
  if (!isConfigName(name)) throw invalid(`There is no topic configuration ${name} here. There are: ${configNames.join(', ')}.`)
  if (value === null) throw invalid(`${name} needs a value.`)
  const row: ConfigRow = table[name]
  if (row.words !== undefined) {
    const given = row.type === 'list' ? value.split(',').map(word => word.trim()) : [value]
    const wrong = given.find(word => !row.words!.includes(word))
    if (wrong !== undefined) throw invalid(`${name} is ${value}, but must be ${row.type === 'list' ? 'some of' : 'one of'} ${row.words.join(', ')}.`)
    return
  }
  const [least, most] = row.range!
  const number = Number(value)
  const isWhole = row.type === 'double' || /^-?\d+$/.test(value.trim())
  if (value.trim() === '' || Number.isNaN(number) || !isWhole || number < least || number > most || (row.type === 'long' && BigInt(value) > MAX_INT64)) {
    throw invalid(`${name} is ${value}, but must be a ${row.type} from ${least} to ${most === MAX_LONG ? '2^63 - 1' : most}.`)
  }
}

/** What one topic is told about itself, ready to use. */
export interface TopicConfig {
  readonly log: LogConfig
  readonly maxMessageBytes: number
  readonly appendTime: boolean
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
}

export function topicConfig (own: ReadonlyMap<string, string>, defaults: ConfigDefaults): TopicConfig {
  const text = (name: ConfigName): string => own.get(name) ?? defaultOf(name, defaults)
  const number = (name: ConfigName): number => Number(text(name))
  const policies = text('cleanup.policy').split(',').map(word => word.trim())
  return {
    log: {
      ...defaultLogConfig,
      segmentBytes: number('segment.bytes'),
      segmentMs: number('segment.ms'),
      indexIntervalBytes: number('index.interval.bytes'),
      retentionMs: number('retention.ms'),
      retentionBytes: number('retention.bytes'),
      deletes: policies.includes('delete'),
      compacts: policies.includes('compact'),
      deleteRetentionMs: number('delete.retention.ms'),
      minCompactionLagMs: number('min.compaction.lag.ms'),
      minCleanableDirtyRatio: number('min.cleanable.dirty.ratio')
    },
    maxMessageBytes: number('max.message.bytes'),
    appendTime: text('message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms')
  }
}

function invalid (message: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', message)
}
