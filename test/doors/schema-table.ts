/**
 * The table of doors, formats and faults: the same values as bytes and as JSON, and what is to become of each. The bytes are
 * written by hand, so that nothing of ours has made them.
 */
import type { SchemaType } from '../../src/schemas/model.ts'

export type CaseName = 'valid' | 'wrong type' | 'missing field' | 'unknown id' | 'wrong subject' | 'no id' | 'tombstone' | 'truncated'
export type Reason = 'no-id' | 'unknown-id' | 'wrong-subject' | 'payload' | 'tombstone'

/** What a topic's records may name. */
export interface Ids {
  /** Of the topic's own schema, under `subject`. */
  readonly own: number
  /** Of one that is registered under another subject only. */
  readonly other: number
  readonly subject: string
}

/** Nobody has registered so many. */
export const UNKNOWN_ID = 999_999

export interface Cell {
  /** Which schema the record names: at doors of bytes before the payload, at REST in the request. */
  readonly names: 'own' | 'other' | 'unknown' | 'none'
  /** What stands behind the framing, or with `none` instead of it. Null: no value. */
  readonly payload: Buffer | null
  /** The same as JSON, byte for byte as it is sent, and as it is read again. */
  readonly json: string | null
  /** Null: accepted. */
  readonly fault: Fault | null
}

export interface Fault {
  readonly reason: Reason
  /** The sentence at every door. Those of `payload` say path, expected and found. */
  readonly bytes: (ids: Ids) => string
  /** Where JSON is asked for its types, and not bytes: a payload has none of its own. */
  readonly json: (ids: Ids) => string
  /** Where REST finds no schema to write the record with: Confluent's words. */
  readonly rest?: string
}

export interface FormatTable {
  readonly type: SchemaType
  readonly schema: string
  /** Of the same fields, under another name. */
  readonly otherSchema: string
  /** Behind the id in V0: Protobuf's index of the first message. */
  readonly prefix: Buffer
  readonly cells: Readonly<Record<CaseName, Cell>>
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

// ---- faults

const payloadFault = (bytes: string, json = bytes): Fault => {
  const says = (flaw: string) => ({ own, subject }: Ids): string => `The value does not fit schema ${own} of ${subject}: ${flaw}.`
  return { reason: 'payload', bytes: says(bytes), json: says(json) }
}

const everywhere = (reason: Reason, says: (ids: Ids) => string): Fault => ({ reason, bytes: says, json: says })

const unknownId: Fault = {
  ...everywhere('unknown-id', () => `The value names schema ${UNKNOWN_ID}, which is not registered here.`),
  rest: `The schema of the value: Schema ${UNKNOWN_ID} not found`
}
const wrongSubject = everywhere('wrong-subject', ({ other, subject }) =>
  `The value names schema ${other}, which is not registered under the subject ${subject}.`)
const noId = (text: string): Fault => everywhere('no-id', () => 'The value names no schema: expected 00 and the id of one (4 bytes) before the payload, ' +
  `or a header __value_schema_id; found ${JSON.stringify(text.slice(0, 16))}….`)

// ---- values

/** 2^53 + 1: no double holds it. */
const N = '9007199254740993'

interface Values {
  readonly n: string
  readonly payloads: Readonly<Record<'valid' | 'wrong type' | 'missing field' | 'truncated', Buffer>>
  readonly flaws: Readonly<Record<'wrong type' | 'missing field' | 'truncated', readonly [bytes: string, json?: string]>>
}

function cellsOf ({ n, payloads, flaws }: Values): Readonly<Record<CaseName, Cell>> {
  const valid = `{"ok":true,"n":${n},"name":"a"}`
  const own = (name: 'wrong type' | 'missing field' | 'truncated', json: string): Cell =>
    ({ names: 'own', payload: payloads[name], json, fault: payloadFault(...flaws[name]) })
  return {
    valid: { names: 'own', payload: payloads.valid, json: valid, fault: null },
    'wrong type': own('wrong type', `{"ok":"x","n":${n},"name":"a"}`),
    'missing field': own('missing field', `{"ok":true,"n":${n}}`),
    'unknown id': { names: 'unknown', payload: payloads.valid, json: valid, fault: unknownId },
    'wrong subject': { names: 'other', payload: payloads.valid, json: valid, fault: wrongSubject },
    'no id': { names: 'none', payload: Buffer.from(valid), json: valid, fault: noId(valid) },
    tombstone: { names: 'none', payload: null, json: null, fault: null },
    truncated: own('truncated', valid.slice(0, -1))
  }
}

const cutText = (n: string): string => `string ${JSON.stringify(`{"ok":true,"n":${n},"name":"a"`)}`

const avroSchema = (name: string): string => JSON.stringify({
  type: 'record',
  name,
  namespace: 'shop',
  fields: [{ name: 'ok', type: 'boolean' }, { name: 'n', type: 'long' }, { name: 'name', type: 'string' }]
})

const jsonSchema = (title: string): string => JSON.stringify({
  title,
  type: 'object',
  properties: { ok: { type: 'boolean' }, n: { type: 'integer' }, name: { type: 'string' } },
  required: ['ok', 'n', 'name']
})

/** Version 2 of the language: version 3 has no field that must be there. */
const protoSchema = (name: string): string => `syntax = "proto2";
package shop;

message ${name} {
  required bool ok = 1;
  required int64 n = 2;
  required string name = 3;
}
`

/** A boolean is a byte, a long zigzag, and where a field ends only the schema says: what is missing is missing at the end. */
const avro = cellsOf({
  n: N,
  payloads: {
    valid: hex('01 8280808080808020 0261'),
    'wrong type': hex('0278 8280808080808020 0261'),
    'missing field': hex('01 8280808080808020'),
    truncated: hex('01 8280808080808020 02')
  },
  flaws: {
    'wrong type': ['ok: expected boolean (00 or 01), found byte 02', 'ok: expected boolean, found string "x"'],
    'missing field': ['name: expected string, found the end after 9 bytes', 'name: expected string (the field has no default), found nothing'],
    truncated: ['name: expected string, found a length of 1, of which 0 bytes are there', `the value: expected record shop.Order, found ${cutText(N)}`]
  }
})

const json = cellsOf({
  n: N,
  payloads: {
    valid: Buffer.from(`{"ok":true,"n":${N},"name":"a"}`),
    'wrong type': Buffer.from(`{"ok":"x","n":${N},"name":"a"}`),
    'missing field': Buffer.from(`{"ok":true,"n":${N}}`),
    truncated: Buffer.from(`{"ok":true,"n":${N},"name":"a"`)
  },
  flaws: {
    'wrong type': ['ok: expected boolean, found string "x"'],
    'missing field': ['the value: expected a property "name", found an object with "ok", "n"'],
    truncated: [
      'the value: expected JSON, found what is none: Expected \',\' or \'}\' after property value in JSON at position 42 (line 1 column 43)',
      `the value: expected object, found ${cutText(N)}`
    ]
  }
})

/** Its JSON has 64-bit integers in quotes. */
const PROTO_N = `"${N}"`

const protobuf = cellsOf({
  n: PROTO_N,
  payloads: {
    valid: hex('0801 108180808080808010 1a0161'),
    'wrong type': hex('0a0178 108180808080808010 1a0161'),
    'missing field': hex('0801 108180808080808010'),
    truncated: hex('0801 108180808080808010 1a01')
  },
  flaws: {
    'wrong type': ['ok: expected bool, found a value with a length', 'ok: expected bool, found string "x"'],
    'missing field': ['name: expected string, which is required, found nothing'],
    truncated: ['name: expected string, found the end after 13 bytes', `the value: expected an object, for message shop.Order, found ${cutText(PROTO_N)}`]
  }
})

const noPrefix = Buffer.alloc(0)

export const formats: Readonly<Record<SchemaType, FormatTable>> = {
  AVRO: { type: 'AVRO', schema: avroSchema('Order'), otherSchema: avroSchema('Other'), prefix: noPrefix, cells: avro },
  JSON: { type: 'JSON', schema: jsonSchema('shop.Order'), otherSchema: jsonSchema('shop.Other'), prefix: noPrefix, cells: json },
  PROTOBUF: { type: 'PROTOBUF', schema: protoSchema('Order'), otherSchema: protoSchema('Other'), prefix: hex('00'), cells: protobuf }
}

export const caseNames = Object.keys(avro) as readonly CaseName[]

/** The value as Confluent's serializers would write it. */
export function bytesOf ({ prefix }: FormatTable, { names, payload }: Cell, { own, other }: Ids): Buffer | null {
  if (payload === null || names === 'none') return payload
  const id = Buffer.alloc(5)
  id.writeInt32BE(names === 'own' ? own : names === 'other' ? other : UNKNOWN_ID, 1)
  return Buffer.concat([id, prefix, payload])
}

// ---- keys, for one format

export const keySchema = JSON.stringify({ type: 'record', name: 'Key', namespace: 'shop', fields: [{ name: 'ok', type: 'boolean' }] })

export const keys = {
  valid: { payload: hex('01'), json: '{"ok":true}', fault: null },
  'wrong type': {
    payload: hex('02'),
    json: '{"ok":"x"}',
    fault: {
      bytes: ({ own, subject }: Ids): string => `The key does not fit schema ${own} of ${subject}: ok: expected boolean (00 or 01), found byte 02.`,
      json: ({ own, subject }: Ids): string => `The key does not fit schema ${own} of ${subject}: ok: expected boolean, found string "x".`
    }
  }
} as const

// ---- doors

const WITHIN = 'the JSON of the record is part of that of the request: cut short, it is no request'
const FRAMED = 'the gateway itself writes which schema it is: the newest of the topic'

/** Cells that there are not, and why. Every other one there is. */
export const absent: Readonly<Record<string, Partial<Record<CaseName, string>>>> = {
  'plain JSON': { 'unknown id': FRAMED, 'wrong subject': FRAMED, 'no id': FRAMED },
  NDJSON: { 'unknown id': FRAMED, 'wrong subject': FRAMED, 'no id': FRAMED, tombstone: 'a line is a value: there is none for no value' },
  'v2 schema': { truncated: WITHIN },
  'v3 schema': { truncated: WITHIN },
  'WebSocket JSON': { 'unknown id': FRAMED, 'wrong subject': FRAMED, 'no id': FRAMED, truncated: WITHIN }
}
