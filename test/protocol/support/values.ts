/**
 * Random values of a message, made from its definition.
 */
import fc from 'fast-check'
import type { Fields, Spec } from '../../../protocol/schema.ts'

/** Values that `version` has a place for: what it lacks is left out, and sometimes what has a default. */
export function valuesOf (fields: Fields, version: number, flexible: boolean): fc.Arbitrary<object> {
  const model: Record<string, fc.Arbitrary<unknown>> = {}
  const required: string[] = []
  for (const [name, { spec }] of Object.entries(fields)) {
    if (version < spec.since || version > spec.until || (spec.tag !== null && !flexible)) continue
    model[name] = valueOf(spec, version, flexible)
    if (spec.initial === undefined && spec.tag === null) required.push(name)
  }
  return fc.record(model, { requiredKeys: required, noNullPrototype: true })
}

function valueOf (spec: Spec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const value = present(spec, version, flexible)
  return version >= spec.nullableSince ? fc.option(value, { freq: 4 }) : value
}

const integers = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })
const buffers = fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes))

function present (spec: Spec, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  switch (spec.kind) {
    case 'bool': return fc.boolean()
    case 'int8': return integers(-128, 127)
    case 'int16': return integers(-32768, 32767)
    case 'uint16': return integers(0, 65535)
    case 'int32': return integers(-2147483648, 2147483647)
    case 'uint32': return integers(0, 4294967295)
    case 'int64': return fc.maxSafeInteger()
    case 'float64': return fc.double({ noNaN: true })
    case 'uuid': return fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('base64url'))
    case 'string': return fc.string({ unit: 'grapheme', maxLength: 12 })
    case 'bytes': return buffers
    case 'records': return buffers.map(bytes => [bytes])
    case 'array': return fc.array(valueOf(spec.element!, version, flexible), { maxLength: 3 })
    case 'struct': return valuesOf(spec.fields!, version, flexible)
  }
}
