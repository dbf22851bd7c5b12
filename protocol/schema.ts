/**
 * The words a message is written in.
 *
 * A message is a plain object of fields, in wire order. A field says what it is (`int32`, `string`, `array(...)`) and in
 * which versions it is there (`since`, `until`), when it may be null, what it is when absent, and what it names. One
 * definition serves every version and both directions; its TypeScript type is inferred from it.
 *
 * The words cover everything in Kafka's own message definitions; `scripts/check-protocol.ts` compares the two.
 */

export type Kind =
  | 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64'
  | 'uuid' | 'string' | 'bytes' | 'records' | 'array' | 'struct'

/** What a field names, so that one rule can find every topic, group or transaction in any request. */
export type Entity = 'topicName' | 'groupId' | 'transactionalId'

/**
 * The bytes of a `records` field, in order, never joined: what was produced is one chunk, what is fetched may be many
 * (cached batches, a slice of a file). Every chunk holds whole record batches.
 */
export type Chunks = readonly Buffer[]

/** What the compiler reads. */
export interface Spec {
  readonly kind: Kind
  /** The element of an array. */
  readonly element: Spec | null
  /** The fields of a struct. */
  readonly fields: Fields | null
  readonly since: number
  readonly until: number
  /** The first version in which null is allowed. */
  readonly nullableSince: number
  /** The value when the field is absent; `undefined` means the kind's own zero. */
  readonly initial: unknown
  readonly tag: number | null
  /** May be dropped silently when a version has no place for it (Kafka's `ignorable`). */
  readonly ignorable: boolean
  readonly entity: Entity | null
}

/**
 * One field. Immutable: every word returns a new field, so `topicName.since(3)` leaves `topicName` as it was.
 * `Out` is what reading gives, `In` what writing takes; `Optional` fields may be left out when writing.
 */
export class Field<Out, In = Out, Optional extends boolean = false> {
  declare readonly out: Out
  declare readonly in: In
  declare readonly optional: Optional
  readonly spec: Spec

  constructor (spec: Spec) {
    this.spec = spec
  }

  /** There from this version on. */
  since (version: number): Field<Out, In, true> {
    return new Field({ ...this.spec, since: version })
  }

  /** There up to and including this version. */
  until (version: number): Field<Out, In, true> {
    return new Field({ ...this.spec, until: version })
  }

  /** May be null, from this version on. */
  nullable (since = 0): Field<Out | null, In | null, Optional> {
    return new Field({ ...this.spec, nullableSince: since })
  }

  /** The value when absent, where that is not the kind's zero. */
  default (value: Out): Field<Out, In, true> {
    return new Field({ ...this.spec, initial: value })
  }

  /** A tagged field (KIP-482): sent only when it differs from its default, in versions that are flexible. */
  tag (tag: number): Field<Out, In, true> {
    return new Field({ ...this.spec, tag })
  }

  /** Dropped without an error when a version lacks it. */
  ignorable (): Field<Out, In, Optional> {
    return new Field({ ...this.spec, ignorable: true })
  }

  /** Holds the name of an entity. */
  names (entity: Entity): Field<Out, In, Optional> {
    return new Field({ ...this.spec, entity })
  }
}

export type AnyField = Field<any, any, boolean>
export type Fields = { readonly [name: string]: AnyField }

/** What reading a struct gives: every field of every version, absent ones at their default. */
export type Output<F extends Fields> = { -readonly [K in keyof F]: F[K]['out'] }

type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K]['optional'] extends true ? K : never }[keyof F]

/** What writing a struct takes: fields that have a default may be left out. */
export type Input<F extends Fields> =
  { [K in Exclude<keyof F, OptionalKeys<F>>]: F[K]['in'] } & { [K in OptionalKeys<F>]?: F[K]['in'] }

const plain = {
  element: null,
  fields: null,
  since: 0,
  until: Infinity,
  nullableSince: Infinity,
  initial: undefined,
  tag: null,
  ignorable: false,
  entity: null
}

const primitive = <T>(kind: Kind): Field<T> => new Field({ ...plain, kind })

export const bool = primitive<boolean>('bool')
export const int8 = primitive<number>('int8')
export const int16 = primitive<number>('int16')
export const uint16 = primitive<number>('uint16')
export const int32 = primitive<number>('int32')
export const uint32 = primitive<number>('uint32')
/** A safe integer; a value beyond 2^53 on the wire is a protocol error. */
export const int64 = primitive<number>('int64')
export const float64 = primitive<number>('float64')
/** Kafka's text form of a UUID: 22 characters of base64url. */
export const uuid = primitive<string>('uuid')
export const string = primitive<string>('string')
/** A view into the frame: copy it before keeping it. */
export const bytes = primitive<Buffer>('bytes')
/** Record batches, opaque to the codec. */
export const records = primitive<Chunks>('records')

export const topicName = string.names('topicName')
export const groupId = string.names('groupId')
export const transactionalId = string.names('transactionalId')

export function struct<F extends Fields> (fields: F): Field<Output<F>, Input<F>> {
  return new Field({ ...plain, kind: 'struct', fields })
}

export function array<F extends Fields> (fields: F): Field<Output<F>[], readonly Input<F>[]>
export function array<Out, In> (element: Field<Out, In, boolean>): Field<Out[], readonly In[]>
export function array (element: Fields | AnyField): AnyField {
  const spec = element instanceof Field ? element.spec : struct(element).spec
  return new Field({ ...plain, kind: 'array', element: spec })
}

/** One request and its response: every version, both directions. */
export interface Api<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: number
  readonly name: string
  /** The versions this definition can read and write, both ends included. */
  readonly versions: readonly [min: number, max: number]
  /** The first flexible version (KIP-482): compact lengths and tag buffers. `Infinity` if none is. */
  readonly flexible: number
  readonly request: Q
  readonly response: S
}

export function api<Q extends Fields, S extends Fields> (
  key: number,
  name: string,
  range: { versions: readonly [number, number], flexible: number },
  request: Q,
  response: S
): Api<Q, S> {
  return { key, name, ...range, request, response }
}

export type Request<A extends Api> = Output<A['request']>
export type Response<A extends Api> = Output<A['response']>
export type RequestInput<A extends Api> = Input<A['request']>
export type ResponseInput<A extends Api> = Input<A['response']>

/** A struct that travels inside a `bytes` field or a record of an internal topic, behind an int16 that says its version. */
export interface Payload<F extends Fields = Fields> {
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly flexible: number
  readonly fields: F
}

export function payload<F extends Fields> (
  name: string, range: { versions: readonly [number, number], flexible: number }, fields: F
): Payload<F> {
  return { name, ...range, fields }
}
