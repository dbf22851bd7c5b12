/**
 * Files that options name. What they hold is looked at when they are used; that they can be read is known at once.
 */
import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'

/** The absolute path of a file; null where none is named. One that cannot be read is a problem. */
export function readablePath (path: string | null, from: string | undefined, problems: string[]): string | null {
  if (path === null) return null
  const absolute = resolve(path)
  try {
    accessSync(absolute, constants.R_OK)
  } catch (error) {
    problems.push(`${from}: ${absolute} cannot be read: ${(error as Error).message}.`)
  }
  return absolute
}
