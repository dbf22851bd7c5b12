/**
 * What a field is when it is absent: Kafka's zero of its kind, or the default that the message names.
 */
import type { Fields, Input, Output, Spec } from './schema.ts'

type Struct = Record<string, unknown>

/** Gives every absent field its default, in place and at every depth: what a handler leaves out, a policy can read. */
export function complete<F extends Fields> (fields: F, value: Input<F>): Output<F> {
  const struct = value as Struct
  for (const { name, initial, inside, insideElements } of membersOf(fields)) {
    const present = struct[name]
    if (present === undefined) struct[name] = initial()
    else if (present === null) continue
    else if (inside !== null) complete(inside, present)
    else if (insideElements !== null) for (const element of present as Input<Fields>[]) complete(insideElements, element)
  }
  return struct as Output<F>
}

interface Member {
  readonly name: string
  readonly spec: Spec
  readonly initial: () => unknown
  readonly inside: Fields | null
  readonly insideElements: Fields | null
}

const known = new WeakMap<Fields, readonly Member[]>()

/** Looked up once for each struct: every request and answer comes through here. */
function membersOf (fields: Fields): readonly Member[] {
  let members = known.get(fields)
  if (members === undefined) {
    members = Object.entries(fields).map(([name, { spec }]) => ({
      name, spec, initial: initialOf(spec), inside: spec.fields, insideElements: spec.element?.fields ?? null
    }))
    known.set(fields, members)
  }
  return members
}

const zeros: { readonly [K in Spec['kind']]: unknown } = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0,
  float64: 0,
  uuid: 'AAAAAAAAAAAAAAAAAAAAAA',
  string: '',
  bytes: Buffer.alloc(0),
  records: null,
  array: null,
  struct: null
}

/** A function, because every absent array or struct needs a fresh one. */
export function initialOf (spec: Spec): () => unknown {
  const { initial, kind, fields } = spec
  if (initial !== undefined && !Array.isArray(initial)) return () => initial
  if (kind === 'array') return () => []
  if (kind === 'struct') return () => complete(fields!, {})
  const zero = zeros[kind]
  return () => zero
}

/** Whether a value says no more than leaving the field out would. */
export function isInitial (spec: Spec, value: unknown): boolean {
  const { kind, fields, initial } = spec
  if (value === null || initial === null) return value === null && (initial === null || kind === 'records')
  if (kind === 'array') return (value as unknown[]).length === 0
  if (kind === 'bytes') return (value as Buffer).length === 0
  if (kind === 'struct') {
    for (const { name, spec } of membersOf(fields!)) {
      const inner = (value as Struct)[name]
      if (inner !== undefined && !isInitial(spec, inner)) return false
    }
    return true
  }
  return value === (initial ?? zeros[kind])
}
