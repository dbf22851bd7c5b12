/**
 * What a topic asks of the records that are written to it, as topic configurations. No engine knows them: the gateway keeps
 * them itself (`src/policies/validation-settings.ts`). Confluent's names for the same things are taken too.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { SubjectNameStrategy } from './model.ts'

/** `id`: a schema is named, and is one of the subject. `payload`: and what follows is a value of that schema. */
export type Level = 'off' | 'id' | 'payload'
export type Action = 'reject' | 'shadow' | 'dead-letter'

export interface ValidationSettings {
  readonly key: Level
  readonly value: Level
  readonly keyStrategy: SubjectNameStrategy
  readonly valueStrategy: SubjectNameStrategy
  /** What becomes of a record that does not pass. */
  readonly action: Action
  readonly deadLetterTopic: string | null
  /** Whether records without a value are let in. */
  readonly tombstones: boolean
}

/** By name: only what is set, in the names and words of this file. */
export type SettingsConfigs = Readonly<Record<string, string>>

export const names = {
  key: 'barnabas.key.validation',
  value: 'barnabas.value.validation',
  keyStrategy: 'barnabas.key.subject.name.strategy',
  valueStrategy: 'barnabas.value.subject.name.strategy',
  action: 'barnabas.validation.action',
  deadLetterTopic: 'barnabas.validation.dead.letter.topic',
  tombstones: 'barnabas.validation.tombstones'
} as const satisfies Record<keyof ValidationSettings, string>

interface Row {
  readonly default: string
  /** Null: the name of a topic. */
  readonly words: readonly string[] | null
  readonly documentation: string
}

const LEVELS = ['off', 'id', 'payload'] as const satisfies readonly Level[]
const ACTIONS = ['reject', 'shadow', 'dead-letter'] as const satisfies readonly Action[]
const STRATEGIES = ['TopicName', 'RecordName', 'TopicRecordName'] as const satisfies readonly SubjectNameStrategy[]
const CLASS_NAMES = new Map(STRATEGIES.map(strategy => [`io.confluent.kafka.serializers.subject.${strategy}Strategy`, strategy]))

const levelOf = (part: string): Row => ({
  default: 'off',
  words: LEVELS,
  documentation: `What is checked of the ${part} of a record: nothing (off), that it names a schema of its subject (id), or that it fits that schema (payload).`
})
const strategyOf = (part: string): Row => ({
  default: 'TopicName', words: STRATEGIES, documentation: `Under which subject the schema of the ${part} is looked for.`
})

const table: Readonly<Record<string, Row>> = {
  [names.key]: levelOf('key'),
  [names.value]: levelOf('value'),
  [names.keyStrategy]: strategyOf('key'),
  [names.valueStrategy]: strategyOf('value'),
  [names.action]: {
    default: 'reject',
    words: ACTIONS,
    documentation: 'What becomes of records that do not pass: they are refused, let in and counted (shadow), or kept elsewhere (dead-letter).'
  },
  [names.deadLetterTopic]: { default: '', words: null, documentation: 'Where records that do not pass are kept.' },
  [names.tombstones]: { default: 'allow', words: ['allow', 'refuse'], documentation: 'Whether records without a value are let in.' }
}

interface Alias {
  readonly name: string
  /** Undefined if the value is none of the alias. */
  readonly read: (value: string) => string | undefined
  readonly write: (value: string) => string
  readonly expected: string
}

const LEVELS_OF_ALIAS: ReadonlyMap<string, string> = new Map([['true', 'id'], ['false', 'off']])

const idAlias = (name: string): Alias => ({
  name,
  read: value => LEVELS_OF_ALIAS.get(value.toLowerCase()),
  write: value => String(value !== 'off'),
  expected: 'true or false'
})
const strategyAlias = (name: string): Alias => ({
  name,
  read: value => CLASS_NAMES.get(value),
  write: value => `io.confluent.kafka.serializers.subject.${value}Strategy`,
  expected: `one of ${[...CLASS_NAMES.keys()].join(', ')}`
})

const aliases = new Map<string, Alias>([
  ['confluent.key.schema.validation', idAlias(names.key)],
  ['confluent.value.schema.validation', idAlias(names.value)],
  ['confluent.key.subject.name.strategy', strategyAlias(names.keyStrategy)],
  ['confluent.value.subject.name.strategy', strategyAlias(names.valueStrategy)]
])

export const defaultSettings: ValidationSettings = settingsOf({})

/** Whether a topic configuration of this name is one of these. */
export const isSetting = (name: string): boolean => Object.hasOwn(table, name) || aliases.has(name)

/** The same thing under the name that it is kept by. */
export const canonicalName = (name: string): string => aliases.get(name)?.name ?? name

/** Throws KafkaError INVALID_CONFIG with a sentence that says what would be right. */
export function canonicalValue (name: string, value: string | null): string {
  if (value === null) throw invalid(`${name} needs a value.`)
  const alias = aliases.get(name)
  if (alias !== undefined) {
    const meant = alias.read(value)
    if (meant === undefined) throw invalid(`${name} is ${shown(value)}, but must be ${alias.expected}.`)
    return meant
  }
  const { words } = table[name]!
  const meant = words === STRATEGIES ? CLASS_NAMES.get(value) ?? value : value
  if (words === null) {
    if (!isTopicName(meant)) throw invalid(`${name} is ${shown(value)}, which is no name of a topic: 1 to 249 letters, digits, dots, underscores and dashes.`)
    if (isReserved(meant)) throw invalid(`${name} is ${meant}, but records are not put into topics that the servers keep for themselves.`)
  } else if (!words.includes(meant)) {
    throw invalid(`${name} is ${shown(value)}, but must be one of ${words.join(', ')}.`)
  }
  return meant
}

/** Whether they make sense together. Throws KafkaError INVALID_CONFIG. */
export function checkSettings (topic: string, configs: SettingsConfigs): void {
  const { action, deadLetterTopic } = settingsOf(configs)
  if (action === 'dead-letter' && deadLetterTopic === null) {
    throw invalid(`${names.action} is dead-letter, but ${names.deadLetterTopic} does not say where records are to be kept: set both at once.`)
  }
  if (deadLetterTopic === topic) throw invalid(`${names.deadLetterTopic} is ${topic} itself: it must be another topic.`)
}

export function settingsOf (configs: SettingsConfigs): ValidationSettings {
  // What a newer version has written and this one does not know counts as not set.
  const word = <W extends string>(name: string, words: readonly W[]): W => words.find(one => one === configs[name]) ?? table[name]!.default as W
  return {
    key: word(names.key, LEVELS),
    value: word(names.value, LEVELS),
    keyStrategy: word(names.keyStrategy, STRATEGIES),
    valueStrategy: word(names.valueStrategy, STRATEGIES),
    action: word(names.action, ACTIONS),
    deadLetterTopic: configs[names.deadLetterTopic] ?? null,
    tombstones: word(names.tombstones, ['allow', 'refuse']) === 'allow'
  }
}

/** Whether there is anything to look at in the records. */
export const isChecking = ({ key, value, tombstones }: ValidationSettings): boolean => key !== 'off' || value !== 'off' || !tombstones

/** One configuration as it is described. */
export interface DescribedSetting {
  readonly name: string
  readonly value: string
  readonly default: string
  readonly isSet: boolean
  readonly isBoolean: boolean
  readonly documentation: string
}

/** What is set, under all names that it has; with `asked`, those of these names, set or not. */
export function describeSettings (configs: SettingsConfigs, asked: readonly string[] | null): DescribedSetting[] {
  const all = asked ?? [...Object.keys(table), ...aliases.keys()].filter(name => configs[canonicalName(name)] !== undefined)
  return [...new Set(all)].filter(isSetting).map(name => {
    const canonical = canonicalName(name)
    const alias = aliases.get(name)
    const spelled = (value: string): string => alias?.write(value) ?? value
    const row = table[canonical]!
    return {
      name,
      value: spelled(configs[canonical] ?? row.default),
      default: spelled(row.default),
      isSet: configs[canonical] !== undefined,
      isBoolean: alias !== undefined && row.words === LEVELS,
      documentation: alias === undefined ? row.documentation : `Confluent's name for ${canonical}. ${row.documentation}`
    }
  })
}

const isTopicName = (name: string): boolean => /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..'

/** Engines refuse what clients write to their own topics; these are the gateway's. */
const isReserved = (name: string): boolean => name.startsWith('__') || ['_barnabas', '_barnabas_gateways', '_schemas'].includes(name)

const shown = (value: string): string => JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)

const invalid = (message: string): KafkaError => new KafkaError('INVALID_CONFIG', message)
