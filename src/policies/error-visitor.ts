/**
 * Finds the error codes in an answer, wherever its api has them: at the top, in every partition, in every group. The way
 * to them is worked out once from the definition of the message.
 */
import { errors } from '../../protocol/errors.ts'
import type { Fields, Spec } from '../../protocol/schema.ts'

/** Calls `add` with every code that is not NONE, and returns how many there were. */
export type VisitErrors = (value: unknown, add: (code: number) => void) => number

const none: VisitErrors = () => 0

/** What Kafka calls them where something failed. A `topicConfigErrorCode` only says what is not told. */
const CODES: ReadonlySet<string> = new Set(['errorCode', 'partitionErrorCode', 'acknowledgeErrorCode'])

export function errorVisitor (fields: Fields): VisitErrors {
  const visits: VisitErrors[] = []
  for (const [name, { spec }] of Object.entries(fields)) {
    const visit = CODES.has(name) && spec.kind === 'int16' ? visitCode : within(spec)
    if (visit === none) continue
    visits.push((value, add) => visit((value as { readonly [name: string]: unknown })[name], add))
  }
  if (visits.length < 2) return visits[0] ?? none
  return (value, add) => {
    let count = 0
    for (let i = 0; i < visits.length; i++) count += visits[i]!(value, add)
    return count
  }
}

const visitCode: VisitErrors = (code, add) => {
  if (code === errors.NONE) return 0
  add(code as number)
  return 1
}

function within (spec: Spec): VisitErrors {
  const inner = spec.kind === 'array' ? spec.element! : spec
  if (inner.fields === null) return none
  const visit = errorVisitor(inner.fields)
  if (visit === none) return none
  if (spec.kind !== 'array') return (value, add) => value === null ? 0 : visit(value, add)
  return (elements, add) => {
    if (elements === null) return 0
    let count = 0
    for (const element of elements as readonly unknown[]) count += visit(element, add)
    return count
  }
}
