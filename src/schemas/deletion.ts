/**
 * Deleting: softly first, so that data that was written with a schema can still be read, then for good.
 */
import type { Entry } from '../state/topic.ts'
import { configEntry, deleteEntry, modeEntry, schemaTombstone, storedEntry } from './entries.ts'
import type { Stored } from './ids.ts'
import { RegistryError } from './registry-error.ts'
import type { RegistryLog } from './registry-log.ts'

export class Deletion {
  readonly #log: RegistryLog

  constructor (log: RegistryLog) {
    this.#log = log
  }

  /** 40401 40404 40405 42205 42206 */
  async subject (subject: string, permanent: boolean): Promise<number[]> {
    return await this.#exclusively(subject, async () => {
      const { all, live } = this.#log.state.versionsOf(subject)
      if (all.length === 0) throw new RegistryError(40401, `Subject '${subject}' not found.`)
      if (permanent && live.length > 0) throw new RegistryError(40405, `Subject '${subject}' was not deleted first before being permanently deleted`)
      if (!permanent && live.length === 0) throw new RegistryError(40404, `Subject '${subject}' was soft deleted. Set permanent=true to delete permanently`)
      const gone = permanent ? all : live
      for (const one of gone) this.#checkReferences(one)
      await this.#log.write(permanent
        ? gone.map(({ view: { version } }) => schemaTombstone(subject, version))
        : [deleteEntry(subject, gone.at(-1)!.view.version), ...this.#settings(subject)])
      return gone.map(({ view }) => view.version)
    })
  }

  /** `latest` is the newest that is not deleted. 40401 40402 40406 40407 42205 42206 */
  async version (subject: string, wanted: number | 'latest', permanent: boolean): Promise<number> {
    return await this.#exclusively(subject, async () => {
      const versions = this.#log.state.versionsOf(subject)
      if (versions.isEmpty) throw new RegistryError(40401, `Subject '${subject}' not found.`)
      const stored = wanted === 'latest' ? versions.latest : versions.get(wanted)
      if (stored === undefined) throw new RegistryError(40402, `Version ${wanted} not found.`)
      const { version, deleted } = stored.view
      if (permanent && !deleted) {
        throw new RegistryError(40407, `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`)
      }
      if (!permanent && deleted) {
        throw new RegistryError(40406, `Subject '${subject}' Version ${version} was soft deleted. Set permanent=true to delete permanently`)
      }
      this.#checkReferences(stored)
      await this.#log.write(permanent
        ? [schemaTombstone(subject, version)]
        : [storedEntry(stored, true), ...versions.live.length === 1 ? this.#settings(subject) : []])
      return version
    })
  }

  /** What was said about a subject goes with its last version. */
  #settings (subject: string): Entry[] {
    const { configs, modes } = this.#log.state
    return [...configs.has(subject) ? [configEntry(subject, null)] : [], ...modes.has(subject) ? [modeEntry(subject, null)] : []]
  }

  async #exclusively<T> (subject: string, remove: () => Promise<T>): Promise<T> {
    // References from schemas that another gateway has just registered count.
    await this.#log.refresh()
    return await this.#log.exclusively(async () => {
      const mode = this.#log.state.modeOf(subject)
      if (mode === 'READONLY' || mode === 'READONLY_OVERRIDE') throw new RegistryError(42205, `Subject ${subject} is in read-only mode`)
      return await remove()
    })
  }

  #checkReferences ({ view: { subject, version } }: Stored): void {
    for (const referrer of this.#log.state.referrersOf(subject, version)) {
      if (referrer.view.deleted) continue
      throw new RegistryError(42206, `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}. ` +
        `Subject '${referrer.view.subject}' version ${referrer.view.version} is one of them.`)
    }
  }
}
