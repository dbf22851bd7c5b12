/**
 * A message at one version as flat lines, one per field: what is compared between our definitions and Kafka's. Fields that
 * the version lacks have a line too, because what a writer may drop and what a reader gives instead is part of the message.
 */
import { initialOf } from '../../protocol/defaults.ts'
import type { Fields, Spec } from '../../protocol/schema.ts'

export interface Line {
  /** `topics[].partitions[].index` */
  readonly path: string
  /** `wire` fields have an order, tagged and absent ones do not. */
  readonly place: 'wire' | 'tagged' | 'absent'
  /** All that is true of the field: `int32, default -1`. */
  readonly text: string
}

/** What a line says, however the definition said it. */
export interface Facts {
  /** `int32`, `[]string`, `[]struct` */
  readonly type: string
  /** Whether its length is written as a compact one. */
  readonly compact: boolean
  readonly nullable: boolean
  /** As JSON, null where it is the kind's zero. */
  readonly initial: string | null
  readonly tag: number | null
  readonly ignorable: boolean
  readonly entity: string | null
}

export type Range = readonly [min: number, max: number]

export function lineOf (path: string, facts: Facts): Line {
  const words = [facts.type]
  if (facts.compact && isMeasured(facts.type)) words.push('compact')
  if (facts.nullable) words.push('nullable')
  if (facts.initial !== null) words.push(`default ${facts.initial}`)
  if (facts.tag !== null) words.push(`tag ${facts.tag}`)
  if (facts.entity !== null) words.push(`names ${facts.entity}`)
  return { path, place: facts.tag === null ? 'wire' : 'tagged', text: words.join(', ') }
}

export function absentLine (path: string, facts: Facts): Line {
  const words = [facts.ignorable ? 'absent and ignorable' : 'absent']
  if (facts.initial !== null) words.push(`default ${facts.initial}`)
  return { path, place: 'absent', text: words.join(', ') }
}

const isMeasured = (type: string): boolean => type.startsWith('[]') || type === 'string' || type === 'bytes' || type === 'records'

/** Our definition at `version`; fields that no version in `range` has are left out. */
export function ourLines (fields: Fields, version: number, flexible: boolean, range: Range, prefix = ''): Line[] {
  return Object.entries(fields).flatMap(([name, { spec }]) => {
    if (spec.until < range[0] || spec.since > range[1]) return []
    const path = prefix + name
    const isIn = version >= spec.since && version <= spec.until && (spec.tag === null || flexible)
    if (!isIn) return [absentLine(path, factsOf(spec, version, flexible))]
    const inner = spec.fields ?? spec.element?.fields ?? null
    const innerPrefix = spec.kind === 'array' ? `${path}[].` : `${path}.`
    return [
      lineOf(path, factsOf(spec, version, flexible)),
      ...inner === null ? [] : ourLines(inner, version, flexible, range, innerPrefix)
    ]
  })
}

function factsOf (spec: Spec, version: number, flexible: boolean): Facts {
  return {
    type: spec.kind === 'array' ? `[]${spec.element!.kind}` : spec.kind,
    compact: flexible,
    nullable: version >= spec.nullableSince,
    initial: initialText(spec),
    tag: spec.tag,
    ignorable: spec.ignorable,
    entity: spec.entity ?? spec.element?.entity ?? null
  }
}

function initialText (spec: Spec): string | null {
  if (spec.initial === undefined || Array.isArray(spec.initial)) return null
  const zero = initialOf({ ...spec, initial: undefined })()
  return spec.initial === zero ? null : JSON.stringify(spec.initial)
}
