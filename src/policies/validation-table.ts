/**
 * What topics ask of their records: read from what the gateway keeps, changed one request after the other.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { AccessStore } from '../access/store.ts'
import { settingsOf, type SettingsConfigs, type ValidationSettings } from '../schemas/settings.ts'

export interface TopicConfigs {
  readonly topic: string
  readonly configs: SettingsConfigs
}

const nothing: SettingsConfigs = {}

export class ValidationTable {
  readonly #store: Pick<AccessStore, 'validation' | 'apply'>
  readonly #settings = new WeakMap<SettingsConfigs, ValidationSettings>()
  readonly #opening = Promise.withResolvers<void>()
  #isOpen = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor (store: Pick<AccessStore, 'validation' | 'apply'>) {
    this.#store = store
    this.#opening.promise.catch(() => {}) // whoever waits hears of it
  }

  /** What is kept has been read: until then nobody knows what a topic asks for, and everybody waits. */
  opened (): void {
    this.#isOpen = true
    this.#opening.resolve()
  }

  /** Whoever waits still is told that it will not be. */
  close (): void {
    this.#opening.reject(new KafkaError('LEADER_NOT_AVAILABLE', 'What topics ask of their records is not known here any more: the process stops.'))
  }

  get isOpen (): boolean { return this.#isOpen }

  get opening (): Promise<void> { return this.#opening.promise }

  /** No topic asks for anything. */
  get isEmpty (): boolean { return this.#store.validation.size === 0 }

  /** What is set for a topic, the same object until it changes. */
  configs (topic: string): SettingsConfigs {
    return this.#store.validation.get(topic) ?? nothing
  }

  /** Undefined if the topic sets none. */
  settings (topic: string): ValidationSettings | undefined {
    const configs = this.#store.validation.get(topic)
    if (configs === undefined) return undefined
    let settings = this.#settings.get(configs)
    if (settings === undefined) this.#settings.set(configs, settings = settingsOf(configs))
    return settings
  }

  /**
   * `plan` sees what the change before it has left; null removes. Resolves when it is durable and in force, with what was set
   * before. Rejects with KafkaError, or with what `plan` throws.
   */
  async change (topic: string, plan: (before: SettingsConfigs) => SettingsConfigs | null): Promise<SettingsConfigs> {
    const turn = this.#turn.then(async () => {
      const before = this.configs(topic)
      const after = plan(before)
      const configs = after === null || Object.keys(after).length === 0 ? null : after
      if (configs !== null || before !== nothing) await this.#store.apply([{ kind: 'validation', topic, configs }])
      return before
    })
    this.#turn = turn.catch(() => {}) // the caller hears of it
    return await turn
  }
}
