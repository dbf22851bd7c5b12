/**
 * The versions of one subject.
 */
import type { Stored } from './ids.ts'
import { RegistryError } from './registry-error.ts'

export const MAX_VERSION = 0x7fff_ffff

export class SubjectVersions {
  readonly #byVersion = new Map<number, Stored>()
  /** In order of versions; made when it is asked for. */
  #sorted: readonly Stored[] | null = null
  #liveIds: ReadonlySet<number> | null = null
  #ids: ReadonlySet<number> | null = null
  #latest: Stored | null | undefined

  get isEmpty (): boolean { return this.#byVersion.size === 0 }

  get (version: number): Stored | undefined {
    return this.#byVersion.get(version)
  }

  set (stored: Stored): void {
    this.#byVersion.set(stored.view.version, stored)
    this.#forget()
  }

  delete (version: number): void {
    this.#byVersion.delete(version)
    this.#forget()
  }

  #forget (): void {
    this.#sorted = null
    this.#liveIds = null
    this.#ids = null
    this.#latest = undefined
  }

  /** In order, deleted ones too. */
  get all (): readonly Stored[] {
    this.#sorted ??= [...this.#byVersion.values()].sort((a, b) => a.view.version - b.view.version)
    return this.#sorted
  }

  get live (): Stored[] {
    return this.all.filter(({ view }) => !view.deleted)
  }

  /** The newest that is not deleted. */
  get latest (): Stored | undefined {
    if (this.#latest === undefined) this.#latest = this.all.findLast(({ view }) => !view.deleted) ?? null
    return this.#latest ?? undefined
  }

  get maxVersion (): number {
    return this.all.at(-1)?.view.version ?? 0
  }

  /** Whether a version has the id: one that is not deleted, or with `deleted` any. */
  hasId (id: number, deleted = false): boolean {
    if (deleted) return (this.#ids ??= new Set(this.all.map(({ view }) => view.id))).has(id)
    this.#liveIds ??= new Set(this.live.map(({ view }) => view.id))
    return this.#liveIds.has(id)
  }
}

/** Throws 42202. */
export function checkVersion (version: number | 'latest'): void {
  if (version === 'latest' || (Number.isInteger(version) && version >= 1 && version <= MAX_VERSION)) return
  throw new RegistryError(42202,
    `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`)
}
