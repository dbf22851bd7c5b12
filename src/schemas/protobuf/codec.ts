/**
 * Payloads of a Protobuf schema. The library has the mapping to and from JSON and bytes, by tables it makes of descriptors: no
 * source is compiled from what a schema says.
 */
import type { DescEnum, DescFile, DescMessage, FileRegistry, JsonValue, Registry } from '@bufbuild/protobuf'
import { create, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf'

import type { Codec, Field, Flaw, Payload } from '../format.ts'
import { PayloadError, SchemaError } from '../format.ts'
import { knowingAll, mayHoldAny, wrapUnknown } from './any.ts'
import { wellKnown } from './builtin.ts'
import { blame, JsonReader } from './from-json.ts'
import { MAX_SHOWN_EXTENSIONS } from './limits.ts'
import { readValue } from './to-value.ts'
import { checkMessage, checkSize } from './wire-check.ts'
import type { Plan } from './wire-plan.ts'
import { Plans } from './wire-plan.ts'

/** The library looks through the values of a closed enum for each that it reads. One of more values is read as an open one. */
const MAX_CLOSED_VALUES = 256

interface Ready {
  readonly desc: DescMessage
  readonly plan: Plan
  readonly holdsAny: boolean
  readonly indexes: readonly number[]
}

export class ProtobufCodec implements Codec {
  readonly #file: DescFile
  readonly #registry: Registry
  readonly #plans = new Plans()
  readonly #reader: JsonReader
  readonly #ready = new Map<DescMessage, Ready>()
  /** Fields that the schema does not know are kept only where they may be extensions. */
  readonly #reading: { readonly readUnknownFields: boolean }
  #isBroken = false

  /** `file` is the schema itself, and in `registry`, which has all that it imports. Throws SchemaError. */
  constructor (file: DescFile, registry: FileRegistry) {
    for (const type of registry) {
      if (type.kind === 'enum' && !type.open && type.values.length > MAX_CLOSED_VALUES) (type as { -readonly [K in keyof DescEnum]: DescEnum[K] }).open = true
    }
    this.#file = file
    this.#registry = registryOf(registry)
    this.#reading = { readUnknownFields: [...registry].some((type) => type.kind === 'extension') }
    this.#reader = new JsonReader(this.#registry)
    const [first] = file.messages
    if (first !== undefined) this.#prepare(first)
  }

  check ({ bytes, indexes }: Payload): Flaw | null {
    const message = this.#at(indexes)
    return 'found' in message ? message : checkMessage(message.plan, bytes)
  }

  toJson (payload: Payload): string {
    const { desc, holdsAny } = this.#sized(payload)
    try {
      const message = fromBinary(desc, payload.bytes, this.#reading)
      if (!holdsAny) return JSON.stringify(toJson(desc, message, { alwaysEmitImplicit: true, registry: this.#registry }))
      wrapUnknown(desc, message, this.#registry, (held, bytes) => {
        const flaw = checkSize(this.#plans.of(held), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
        if (flaw !== null) throw new PayloadError(flaw)
      })
      return JSON.stringify(toJson(desc, message, { alwaysEmitImplicit: true, registry: knowingAll(this.#registry) }))
    } catch (error) {
      throw new PayloadError({ path: '', expected: `a ${desc.typeName} that JSON can show`, found: reasonOf(error) })
    }
  }

  fromJson (value: unknown, name?: string): Payload {
    const { desc, plan, indexes } = this.#named(name)
    const bytes = this.#encode(desc, this.#reader.read(desc, value))
    // A google.protobuf.Value, or an extension, may be nested deeper than readers follow.
    const flaw = checkMessage(plan, bytes)
    if (flaw !== null) throw new PayloadError(flaw)
    return { bytes, indexes }
  }

  #encode (desc: DescMessage, plain: JsonValue): Buffer {
    try {
      const bytes = toBinary(desc, fromJson(desc, plain, { registry: this.#registry }))
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    } catch (error) {
      throw blame(desc, plain, this.#registry) ?? new PayloadError({ path: '', expected: `message ${desc.typeName}`, found: reasonOf(error) })
    }
  }

  toValue (payload: Payload, visit?: (field: Field) => void): unknown {
    const { desc } = this.#sized(payload)
    try {
      return readValue(desc, fromBinary(desc, payload.bytes, this.#reading), this.#registry, visit)
    } catch (error) {
      throw new PayloadError({ path: '', expected: `a ${desc.typeName} that rules can be applied to`, found: reasonOf(error) })
    }
  }

  /** Throws PayloadError. */
  #sized ({ bytes, indexes }: Payload): Ready {
    const message = this.#at(indexes)
    const flaw = 'found' in message ? message : checkSize(message.plan, bytes)
    if (flaw !== null) throw new PayloadError(flaw)
    return message as Ready
  }

  #at (indexes: readonly number[]): Ready | Flaw {
    let desc: DescMessage | undefined
    for (let level = 0; level < Math.max(indexes.length, 1); level++) {
      desc = (level === 0 ? this.#file.messages : desc?.nestedMessages)?.[indexes[level] ?? 0]
      if (desc === undefined) break
    }
    if (desc !== undefined) return this.#prepared(desc)
    return {
      path: '',
      expected: `one of the ${this.#file.messages.length} messages of the schema, or one within them`,
      found: `the index ${indexes.slice(0, 10).join(', ')}`
    }
  }

  #named (name: string | undefined): Ready {
    const [first] = this.#file.messages
    if (first === undefined) throw new PayloadError({ path: '', expected: 'a schema that has a message', found: 'none' })
    if (name === undefined) return this.#prepared(first)
    const { package: scope } = this.#file.proto
    const desc = this.#own(name.replace(/^\./, '')) ?? this.#own(`${scope}.${name}`)
    if (desc === undefined) {
      const found = `message ${JSON.stringify(name.slice(0, 80))}`
      throw new PayloadError({ path: '', expected: `a message of the schema, such as ${first.typeName}`, found })
    }
    return this.#prepared(desc)
  }

  #own (name: string): DescMessage | undefined {
    const desc = this.#registry.getMessage(name)
    return desc?.file === this.#file ? desc : undefined
  }

  #prepared (desc: DescMessage): Ready {
    const known = this.#ready.get(desc)
    if (known !== undefined) return known
    try {
      return this.#prepare(desc)
    } catch (error) {
      throw new PayloadError({ path: '', expected: `a ${desc.typeName}, which cannot be read`, found: reasonOf(error) })
    }
  }

  /** Has the library make its tables, while it can still be seen whether they can be made. */
  #prepare (desc: DescMessage): Ready {
    if (!this.#isBroken) {
      try {
        // What the library has made half is used by it as if it were whole, so that a failure is final.
        const empty = orSchemaError(() => create(desc))
        fromBinary(desc, new Uint8Array())
        fromJson(desc, {}, { registry: this.#registry })
        for (const make of [() => toBinary(desc, empty), () => toJson(desc, empty)]) orWithoutRequired(make)
      } catch (error) {
        // Messages that refer to each other in a chain of thousands, which the library follows by recursion.
        if (error instanceof SchemaError) throw error
        if (error instanceof RangeError) this.#isBroken = true
      }
    }
    if (this.#isBroken) throw new SchemaError(`${desc.typeName}: messages refer to each other in too long a chain`)
    const ready = { desc, plan: this.#plans.of(desc), holdsAny: mayHoldAny(desc), indexes: indexesOf(desc, this.#file) }
    this.#ready.set(desc, ready)
    return ready
  }
}

/** A default that its field cannot have. */
function orSchemaError<T> (make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof RangeError ? error : new SchemaError(`the schema cannot be used: ${reasonOf(error)}`)
  }
}

function orWithoutRequired (make: () => unknown): void {
  try {
    make()
  } catch (error) {
    if (error instanceof RangeError) throw error
  }
}

function indexesOf (desc: DescMessage, file: DescFile): readonly number[] {
  const indexes: number[] = []
  for (let at: DescMessage | undefined = desc; at !== undefined; at = at.parent) {
    indexes.unshift((at.parent?.nestedMessages ?? file.messages).indexOf(at))
  }
  return indexes
}

/** With Protobuf's own types, and without extensions where there are so many that a payload could make showing them costly. */
function registryOf (registry: FileRegistry): Registry {
  const counts = new Map<string, number>()
  for (const type of registry) {
    if (type.kind === 'extension') counts.set(type.extendee.typeName, (counts.get(type.extendee.typeName) ?? 0) + 1)
  }
  return {
    ...registry,
    getMessage: (name) => registry.getMessage(name) ?? wellKnown.getMessage(name),
    getExtensionFor: (extendee, number) =>
      (counts.get(extendee.typeName) ?? 0) > MAX_SHOWN_EXTENSIONS ? undefined : registry.getExtensionFor(extendee, number)
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof RangeError ? 'one that is nested too deep' : error instanceof Error ? error.message.slice(0, 300) : String(error)
