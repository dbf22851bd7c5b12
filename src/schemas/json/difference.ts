/**
 * What stands in the way of reading with one schema what was written with another, in the words of Confluent's registry.
 */
import type { Incompatibility } from '../format.ts'
import { listed } from './words.ts'

export type Found = readonly Incompatibility[]

/** `path` is a place in the reader; `names` is what it is about. */
export const difference = (type: string, path: string, description: string, ...names: readonly string[]): Incompatibility =>
  ({ type, path, description, additionalInfo: names.join(', ') })

/** A name or value of the schema's in a description, where `%s` is not to be filled in. */
export const quote = (value: unknown): string => listed([value]).replaceAll('%', '%25')

/** Why, in brief, where another difference is the cause. */
export const because = (found: Found): string => `${found[0]!.type} at ${found[0]!.path.replaceAll('%', '%25')}`
