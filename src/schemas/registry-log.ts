/**
 * The registry's side of the log `_schemas`: what is written is read back, and then it is seen whether it counts. Records that
 * were passed over are written over with what holds, by whoever wrote them, or after some seconds by whoever sees them.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Dispatch } from '../../protocol/rpc.ts'
import { StateLog, type Rebuild } from '../state/log.ts'
import { MAX_BATCH_BYTES, type Entry, type TopicSpec } from '../state/topic.ts'
import { repairEntry, schemaTombstone, storedEntry } from './entries.ts'
import { RegistryState, type Contradiction, type Correction } from './state.ts'

export const SCHEMAS_TOPIC = '_schemas'

/** Confluent's name for it, one partition, compacted. */
export const schemasTopic: TopicSpec = {
  name: SCHEMAS_TOPIC,
  configs: [
    { name: 'cleanup.policy', value: 'compact' },
    // A record that was passed over must be written over before compaction sees it.
    { name: 'min.compaction.lag.ms', value: '3600000' },
    // Several schemas of the largest size, or what is left of a subject with a hundred thousand versions.
    { name: 'max.message.bytes', value: String(MAX_BATCH_BYTES) }
  ],
  clientId: 'barnabas-schemas'
}

export interface RegistryLogOptions {
  readonly onTrouble?: (error: Error) => void
  /** How long a record that contradicts stands before others than its writer repair it. */
  readonly repairAfterMs?: number
}

const REPAIR_AFTER_MS = 3000
/** At once: each may be a schema of the largest size. */
const MAX_REPAIRS = 8
/** In times of a write: how long others count after they were seen, and how long a gap may be. */
const CONTENDED_WRITES = 20
const GAP_WRITES = 4
const MAX_GAP_WRITES = 32
const MAX_GAP_MS = 500

export class RegistryLog {
  readonly #log: StateLog
  readonly #onTrouble: (error: Error) => void
  readonly #repairAfterMs: number
  #state = new RegistryState()
  #isOpen = false
  #isClosed = false
  #turn: Promise<unknown> = Promise.resolve()
  #repairing: NodeJS.Timeout | null = null
  /** Entries that were read since the log was opened, and those of them that were ours. */
  #read = 0
  #ours = 0
  #foreign = 0
  #contendedUntil = -Infinity
  /** How long it takes to write and read back, of late. */
  #writeMs = 1

  constructor (dispatch: Dispatch, { onTrouble = () => {}, repairAfterMs = REPAIR_AFTER_MS }: RegistryLogOptions = {}) {
    this.#onTrouble = onTrouble
    this.#repairAfterMs = repairAfterMs
    this.#log = new StateLog(dispatch, schemasTopic, {
      changed: entries => {
        this.#read += entries.length
        this.#state.take(entries)
        this.#watch()
      },
      rebuild: () => this.#rebuild()
    }, { onTrouble, create: 'when written' })
  }

  #rebuild (known?: ReadonlyMap<string, Correction>): Rebuild {
    const next = new RegistryState(this.#state.revision + 1, known)
    return {
      changed: entries => next.take(entries),
      again: () => known === undefined && next.wasMisled ? this.#rebuild(next.corrections) : null,
      done: () => {
        this.#state = next
        this.#watch()
      }
    }
  }

  get state (): RegistryState { return this.#state }
  get isOpen (): boolean { return this.#isOpen }

  /** Rejects with KafkaError. */
  async open (): Promise<void> {
    await this.#log.open()
    this.#isOpen = true
  }

  async close (): Promise<void> {
    this.#isClosed = true
    if (this.#repairing !== null) clearTimeout(this.#repairing)
    await this.#log.close()
  }

  /** Rejects with KafkaError. */
  async refresh (): Promise<void> {
    await this.#log.refresh()
  }

  /** One writer of this process at a time: they would only get in each other's way. */
  async exclusively<T> (write: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(write)
    this.#turn = turn.catch(() => {}) // the caller hears of it
    return await turn
  }

  /**
   * To be awaited before numbers are taken. A gateway that writes one thing after the other would otherwise always be ahead of
   * one that has to try again: where others write too, each leaves a random gap, as long as a few writes take.
   */
  async courtesy (attempt: number): Promise<void> {
    const foreign = this.#read - this.#ours
    const now = performance.now()
    if (foreign !== this.#foreign) this.#contendedUntil = now + CONTENDED_WRITES * this.#writeMs
    this.#foreign = foreign
    if (attempt === 0 && now > this.#contendedUntil) return
    await sleep(Math.random() * Math.min(this.#writeMs * Math.min(GAP_WRITES + attempt, MAX_GAP_WRITES), MAX_GAP_MS))
  }

  /** Durable and read back when it resolves, with whether each of them counts. Rejects with KafkaError. */
  async write (entries: readonly Entry[]): Promise<boolean[]> {
    if (entries.length === 0) return []
    const startedMs = performance.now()
    const twins = entries.filter(({ key, value }) => value === null && this.#state.isTwofold(key))
    const offset = await this.#log.append([...entries.map(entry => ({ ...entry, key: this.#state.keyInLog(entry.key) })), ...twins])
    this.#ours += entries.length + twins.length
    this.#writeMs = Math.max(1, 0.8 * this.#writeMs + 0.2 * (performance.now() - startedMs))
    return entries.map((_, i) => !this.#state.isLost(offset + i))
  }

  /** What holds, under the key of a record that was passed over. */
  repairOf ({ subject, version, offset }: Contradiction): Entry {
    const current = this.#state.versionsOf(subject).get(version)
    return repairEntry(current === undefined ? schemaTombstone(subject, version) : storedEntry(current), offset)
  }

  #watch (): void {
    if (this.#state.contradictions.size === 0 || this.#repairing !== null || this.#isClosed) return
    // Not all at the same moment.
    this.#repairing = setTimeout(() => this.#repair(), this.#repairAfterMs * (0.5 + Math.random())).unref()
  }

  async #repair (): Promise<void> {
    const before = performance.now() - this.#repairAfterMs
    const due = [...this.#state.contradictions.values()].filter(({ seenMs }) => seenMs <= before)
    try {
      await this.write(due.slice(0, MAX_REPAIRS).map(one => this.repairOf(one)))
    } catch (error) {
      if (!this.#isClosed) this.#onTrouble(error as Error)
    }
    this.#repairing = null
    this.#watch()
  }
}
