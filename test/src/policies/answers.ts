/** Answers in a form in which two of them can be compared: Kafka keeps what it lists in hash maps, so most lists have no order. */
import { KafkaError } from '../../../protocol/errors.ts'
import { CreateAcls } from '../../../protocol/messages/30-create-acls.ts'
import { DeleteAcls } from '../../../protocol/messages/31-delete-acls.ts'
import type { Api } from '../../../protocol/schema.ts'

export type Comparable = string | number | boolean | null | readonly Comparable[] | { readonly [name: string]: Comparable }

/** Lists whose elements answer those of the request, in its order. */
const ordered: ReadonlyMap<Api, string> = new Map<Api, string>([[CreateAcls, 'results'], [DeleteAcls, 'filterResults']])

export function comparable (api: Api, value: unknown, name = ''): Comparable {
  if (value instanceof KafkaError) return value.code
  if (Array.isArray(value)) {
    const elements = value.map(element => comparable(api, element))
    return ordered.get(api) === name ? elements : elements.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  }
  // JSON has no word for these.
  if (typeof value === 'number' && !Number.isFinite(value)) return `${value}`
  if (typeof value !== 'object' || value === null) return value as Comparable
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, comparable(api, inner, name)]))
}
