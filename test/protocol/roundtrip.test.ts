/** Whatever is written in a version reads back as it was, in every version of every message. */
import t from 'tap'
import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { apis } from '../../protocol/apis.ts'
import { codec } from '../../protocol/compile.ts'
import { complete } from '../../protocol/defaults.ts'
import { Reader } from '../../protocol/reader.ts'
import type { Fields, Input } from '../../protocol/schema.ts'
import { Writer } from '../../protocol/writer.ts'
import { payloads } from '../../scripts/protocol/compare.ts'
import { valuesOf } from './support/values.ts'

const RUNS = 15

function checkVersion (title: string, fields: Fields, version: number, flexible: boolean): void {
  const { read, write } = codec(fields, version, flexible)
  fc.assert(fc.property(valuesOf(fields, version, flexible), value => {
    const writer = new Writer()
    write(writer, value as Input<Fields>)
    const frame = Buffer.concat(writer.finish())
    const reader = new Reader(frame)
    const back = read(reader)
    const expected = complete(fields, value as Input<Fields>)
    if (reader.remaining !== 0 || !isDeepStrictEqual(back, expected)) throw new Error(`${title}: ${frame.toString('hex')}`)
  }), { numRuns: RUNS })
}

for (const { name, versions, flexible, request, response } of apis) {
  t.test(`${name} v${versions.join(' to v')}`, async t => {
    for (let version = versions[0]; version <= versions[1]; version++) {
      t.doesNotThrow(() => checkVersion(`${name} v${version} request`, request, version, version >= flexible))
      t.doesNotThrow(() => checkVersion(`${name} v${version} response`, response, version, version >= flexible))
    }
  })
}

for (const { name, versions, flexible, fields } of payloads) {
  t.test(`${name} v${versions.join(' to v')}`, async t => {
    for (let version = versions[0]; version <= versions[1]; version++) {
      t.doesNotThrow(() => checkVersion(`${name} v${version}`, fields, version, version >= flexible))
    }
  })
}

t.test('no bytes whatever make a codec fail with anything but a protocol error', async () => {
  const all = apis.flatMap(api => [{ api, fields: api.request }, { api, fields: api.response }])
  fc.assert(fc.property(fc.constantFrom(...all), fc.nat(), fc.uint8Array({ maxLength: 200 }), ({ api, fields }, n, bytes) => {
    const version = api.versions[0] + n % (api.versions[1] - api.versions[0] + 1)
    try {
      codec(fields, version, version >= api.flexible).read(new Reader(Buffer.from(bytes)))
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_PROTOCOL') throw error
    }
  }), { numRuns: 5000 })
})
