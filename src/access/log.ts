/**
 * The topic of access, followed and written to: see src/state/log.ts. Of each key, only what stands last counts.
 */
import type { Dispatch } from '../../protocol/rpc.ts'
import { StateLog, type StateLogOptions } from '../state/log.ts'
import type { Entry } from '../state/topic.ts'
import { accessTopic } from './topic.ts'

export interface LogReader {
  /** One batch: to be taken as a whole. */
  changed (entries: readonly Entry[]): void
  /** All that counts, read from the beginning: what is not in it is gone. */
  replaced (entries: ReadonlyMap<string, string>): void
}

export type AccessLogOptions = Omit<StateLogOptions, 'create'>

export class AccessLog {
  readonly #log: StateLog

  constructor (dispatch: Dispatch, reader: LogReader, options: AccessLogOptions = {}) {
    this.#log = new StateLog(dispatch, accessTopic, {
      changed: entries => reader.changed(entries),
      rebuild () {
        const all = new Map<string, string>()
        return {
          changed (entries) {
            for (const { key, value } of entries) {
              if (value === null) all.delete(key)
              else all.set(key, value)
            }
          },
          done: () => reader.replaced(all)
        }
      }
    }, options)
  }

  /** Makes the topic if it is missing and reads it to its end. Rejects with KafkaError when that stays impossible. */
  async open (): Promise<void> {
    await this.#log.open()
  }

  async close (): Promise<void> {
    await this.#log.close()
  }

  /** Resolves when the entries are durable and have been read back. Rejects with KafkaError. */
  async append (entries: readonly Entry[]): Promise<void> {
    if (entries.length > 0) await this.#log.append(entries)
  }
}
