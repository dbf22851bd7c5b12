/**
 * Every message in every version against the bytes that Kafka's own code writes: they decode to the same values, and the
 * same values encode to the same bytes.
 */
import t, { type Test } from 'tap'
import { apis } from '../../protocol/apis.ts'
import { readRequest, readRequestHeader, readResponse, writeRequest, writeResponse } from '../../protocol/frame.ts'
import { readPayload, writePayload } from '../../protocol/payload.ts'
import { Reader } from '../../protocol/reader.ts'
import type { Api, Fields, Input } from '../../protocol/schema.ts'
import { payloads } from '../../scripts/protocol/compare.ts'
import { fileNameOf } from '../../scripts/protocol/names.ts'
import { readFixture, valueOf, type MessageRow } from './support/fixtures.ts'

const hexOf = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('hex')
const withLength = (hex: string): string => (hex.length / 2).toString(16).padStart(8, '0') + hex

function versionsOf ([min, max]: readonly [number, number]): number[] {
  return Array.from({ length: max - min + 1 }, (_, i) => min + i)
}

function requireEach (t: Test, rows: readonly MessageRow[], versions: readonly [number, number], sides: readonly string[]): void {
  const have = new Set(rows.map(row => `${row.version} ${row.side} ${row.sample}`))
  const want = versionsOf(versions).flatMap(version => sides.flatMap(side => [`${version} ${side} full`, `${version} ${side} sparse`]))
  t.strictSame(want.filter(key => !have.has(key)), [], 'every version is recorded: if not, run scripts/record-fixtures.ts')
}

for (const api of apis) {
  t.test(`${api.name} reads and writes what Kafka writes`, async t => {
    const rows = readFixture<MessageRow>(fileNameOf(api))
    requireEach(t, rows, api.versions, ['request', 'response'])
    for (const row of rows) {
      if (row.side === 'request') checkRequest(t, api, row)
      else checkResponse(t, api, row)
    }
  })
}

function checkRequest (t: Test, api: Api, { version, sample, correlationId, hex, value }: MessageRow): void {
  const title = `v${version} request, ${sample}`
  const expected = valueOf(api.request, value)
  const reader = new Reader(Buffer.from(hex, 'hex'))
  const clientId = sample === 'full' ? 'the-client' : null
  t.strictSame(readRequestHeader(reader), { apiKey: api.key, version, correlationId, clientId }, `${title}: header`)
  t.strictSame(readRequest(api, version, reader), expected, `${title}: decoded`)
  t.equal(hexOf(writeRequest(api, version, correlationId, clientId, expected)), withLength(hex), `${title}: encoded`)
}

function checkResponse (t: Test, api: Api, { version, sample, correlationId, hex, value }: MessageRow): void {
  const title = `v${version} response, ${sample}`
  const expected = valueOf(api.response, value)
  t.strictSame(readResponse(api, version, Buffer.from(hex, 'hex')), { correlationId, body: expected }, `${title}: decoded`)
  t.equal(hexOf(writeResponse(api, version, correlationId, expected)), withLength(hex), `${title}: encoded`)
}

for (const payload of payloads) {
  t.test(`${payload.name} reads and writes what Kafka writes`, async t => {
    const rows = readFixture<MessageRow>(payload.name)
    requireEach(t, rows, payload.versions, ['payload'])
    for (const { version, sample, hex, value } of rows) {
      const expected = valueOf(payload.fields, value)
      t.strictSame(readPayload(payload, Buffer.from(hex, 'hex')), expected, `v${version}, ${sample}: decoded`)
      t.equal(writePayload(payload, version, expected as Input<Fields>).toString('hex'), hex, `v${version}, ${sample}: encoded`)
    }
  })
}
