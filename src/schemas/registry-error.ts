/**
 * Errors of the registry: the codes of Confluent's Schema Registry, which clients know. The first three digits of the code are
 * the status.
 */
import type { Incompatibility } from './format.ts'

/** What stands between a new schema and one version, for programs. */
export interface VersionConflict {
  readonly version: number
  /** `new` if the new schema cannot read what was written with the old one, `old` the other way round. */
  readonly reader: 'new' | 'old'
  readonly incompatibilities: readonly Incompatibility[]
}

export class RegistryError extends Error {
  override readonly name = 'RegistryError'
  /** Five digits, such as 40401. */
  readonly code: number
  readonly status: number
  /** Of 40901 only. */
  readonly conflicts: readonly VersionConflict[]

  constructor (code: number, message: string, { conflicts = [], cause }: { readonly conflicts?: readonly VersionConflict[], readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = code < 1000 ? code : Math.trunc(code / 100)
    this.conflicts = conflicts
  }
}
