/**
 * The rules about records, put together: what topics ask for, kept in the gateway's own topic, and the schemas of the
 * registry. One of each for all doors.
 */
import type { Context, Policy } from '../protocol/rpc.ts'
import type { RequestAuthorizer } from './access/authorizer.ts'
import type { AccessStore } from './access/store.ts'
import type { Audit } from './audit.ts'
import type { Logger } from './logger.ts'
import type { Denial } from './policies/authorize.ts'
import { validate } from './policies/validate.ts'
import type { Fault } from './policies/validate-rules.ts'
import { ValidationStats } from './policies/validate-stats.ts'
import { validationSettings } from './policies/validation-settings.ts'
import { ValidationTable } from './policies/validation-table.ts'
import type { Catalog } from './schemas/catalog.ts'
import { rulesOf } from './schemas/rules/contract.ts'
import type { OnUnfit, SettingsOf } from './schemas/serde.ts'

export interface ValidationParts {
  readonly store: AccessStore
  readonly catalog: Catalog
  readonly authorizer: RequestAuthorizer
  /** Told of whoever wants bad records put where they may not write. */
  readonly denied: (denial: Denial) => void
  readonly audit: Pick<Audit, 'changed'>
  readonly logger: Logger
}

/** For each topic, so often a line says that records are let in that do not pass. */
const TELL_EVERY_MS = 10_000
const MAX_TOLD = 1000

export class Validation {
  readonly stats = new ValidationStats()
  readonly #table: ValidationTable
  readonly #parts: ValidationParts
  readonly #told = new Map<string, { atMs: number, suppressed: number }>()

  constructor (parts: ValidationParts) {
    this.#parts = parts
    this.#table = new ValidationTable(parts.store)
  }

  /** Behind the permissions, before the engine. */
  get policies (): readonly Policy[] {
    const { catalog, authorizer, denied, audit, logger } = this.#parts
    return [
      validationSettings({
        table: this.#table,
        mayWrite: ({ principal, door, address }, topic) => {
          const { allowed } = authorizer.decide(principal, address, 'WRITE', 'TOPIC', topic)
          if (!allowed) denied({ principal, door, address, api: 'IncrementalAlterConfigs', operation: 'WRITE', resourceType: 'TOPIC', resourceName: topic })
          return allowed
        },
        onChange: ({ principal, door, address }: Context, topic, configs) => {
          const action = Object.keys(configs).length === 0 ? 'validation-deleted' : 'validation-set'
          audit.changed({ principal, door, address, action, subject: { topic, configs } })
        },
        onTrouble: (topic, error) => {
          logger.error({ err: error, topic }, 'a topic is gone, but what was asked of its records is not: a new topic of this name will ask the same')
        }
      }),
      validate({ table: this.#table, catalog, stats: this.stats, rulesOf, onLetIn: this.#letIn })
    ]
  }

  /** What is kept has been read. */
  opened (): void {
    this.#table.opened()
  }

  close (): void {
    this.#table.close()
  }

  readonly settingsOf: SettingsOf = topic => this.#table.settings(topic)

  /** Counted as what comes as bytes is: no action can let in or keep what there are no bytes of. */
  readonly onUnfit: OnUnfit = (topic, part) => {
    if (this.#table.settings(topic)?.[part] === 'payload') this.stats.faulty(topic, 'rejected', 'payload')
  }

  readonly #letIn = (topic: string, partition: number, { reason, message }: Fault, count: number): void => {
    const nowMs = performance.now()
    const told = this.#told.get(topic)
    if (told !== undefined && nowMs - told.atMs < TELL_EVERY_MS) {
      told.suppressed += count
      return
    }
    this.#told.delete(topic)
    if (this.#told.size >= MAX_TOLD) this.#told.delete(this.#told.keys().next().value!)
    this.#told.set(topic, { atMs: nowMs, suppressed: 0 })
    const fields = { topic, partition, records: count, reason, example: message, suppressed: told?.suppressed ?? 0 }
    this.#parts.logger.warn(fields, 'records were let in that their topic would refuse if it were not in shadow')
  }
}
