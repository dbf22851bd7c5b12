/** The names of files that belong to an api. */
import type { Api } from '../../protocol/schema.ts'

/** `01-fetch`, `10-find-coordinator`: the name of its file in `protocol/messages` and of everything that mirrors it. */
export function fileNameOf ({ key, name }: Pick<Api, 'key' | 'name'>): string {
  return `${String(key).padStart(2, '0')}-${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}`
}
