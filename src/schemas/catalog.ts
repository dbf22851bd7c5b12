/**
 * What readers of the registry ask: everything from memory, nothing is waited for but `refresh`.
 */
import type { ParsedSchema } from './format.ts'
import type { SchemaVersion } from './model.ts'

export interface Catalog {
  /** Whether the registry has read all that was there when the process started. */
  readonly isOpen: boolean
  /** Rises with each change. */
  readonly revision: number
  /** By id, soft-deleted ones too. `context` is that of the subject that the data is said to belong to: `.` is the default one. */
  byId (id: number, context?: string): SchemaVersion | undefined
  byGuid (guid: string): SchemaVersion | undefined
  /** The newest version that is not deleted. */
  latest (subject: string): SchemaVersion | undefined
  version (subject: string, version: number): SchemaVersion | undefined
  /** Whether this schema (its id) is a version of `subject`; with `deleted`, a soft-deleted one too. */
  isUnder (subject: string, schema: SchemaVersion, deleted?: boolean): boolean
  /** Parsed, with its references; kept for a while. Throws SchemaError. */
  parsed (schema: SchemaVersion): ParsedSchema
  /** Reads on to what is the end of the log now: for an id that nobody knows. Calls that come together are one. Rejects with KafkaError. */
  refresh (): Promise<void>
}
