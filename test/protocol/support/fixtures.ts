/**
 * What Kafka's own code wrote, recorded by `scripts/record-fixtures.ts`.
 */
import { readFileSync } from 'node:fs'
import { initialOf } from '../../../protocol/defaults.ts'
import type { Fields, Spec } from '../../../protocol/schema.ts'

export interface MessageRow {
  readonly name: string
  readonly version: number
  readonly side: 'request' | 'response' | 'payload'
  readonly sample: 'full' | 'sparse'
  readonly correlationId: number
  readonly hex: string
  readonly value: Json
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export function readFixture<T> (name: string): T[] {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as T[]
}

/** Kafka's JSON as our values: bytes are base64 there, and what a version lacks is left out. */
export function valueOf (fields: Fields, json: Json): Record<string, unknown> {
  const given = json as { readonly [name: string]: Json }
  const unknown = Object.keys(given).filter(name => !(name in fields))
  if (unknown.length > 0) throw new TypeError(`a fixture has ${unknown.join(', ')}, our definition has ${Object.keys(fields).join(', ')}`)
  return Object.fromEntries(Object.entries(fields).map(([name, { spec }]) =>
    [name, given[name] === undefined ? initialOf(spec)() : fieldOf(spec, given[name])]))
}

function fieldOf (spec: Spec, json: Json): unknown {
  if (json === null) return null
  switch (spec.kind) {
    case 'bytes': return Buffer.from(json as string, 'base64')
    case 'records': return [Buffer.from(json as string, 'base64')]
    case 'array': return (json as readonly Json[]).map(one => fieldOf(spec.element!, one))
    case 'struct': return valueOf(spec.fields!, json)
    default: return json
  }
}
