/** Random schemas and values: what is encoded passes the check, decodes to itself, and is the bytes that avsc makes of it. */
import avsc from 'avsc'
import fc from 'fast-check'
import t from 'tap'
import { AvroCodec } from '../../../../src/schemas/avro/codec.ts'
import { parseAvro, type Parsed } from '../../../../src/schemas/avro/parse.ts'
import { printAvro } from '../../../../src/schemas/avro/print.ts'
import { parseExact } from '../../../../src/schemas/exact-json.ts'
import { PayloadError, SchemaError } from '../../../../src/schemas/format.ts'
import { flawIn, payload } from './avro.ts'
import { NoValue, Random, type SchemaJson } from './random.ts'

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 })

interface Sample {
  readonly schema: SchemaJson
  readonly parsed: Parsed
  readonly codec: AvroCodec
  readonly json: string
}

/** Null if the schema has no value that ends. */
function sample (seed: number): Sample | null {
  const random = new Random(seed)
  const schema = random.schema()
  const parsed = parseAvro({ text: JSON.stringify(schema), references: [] }, false)
  try {
    return { schema, parsed, codec: new AvroCodec(parsed.root), json: random.value(parsed.root) }
  } catch (error) {
    if (error instanceof NoValue) return null
    throw error
  }
}

t.test('encoding, checking and decoding agree', async t => {
  fc.assert(fc.property(seed, seed => {
    const it = sample(seed)
    if (it === null) return
    const { codec } = it
    const encoded = codec.fromJson(parseExact(it.json), undefined, true)
    t.equal(codec.check(encoded), null)
    const tagged = codec.toJson(encoded, true)
    if (!codec.fromJson(parseExact(tagged), undefined, true).bytes.equals(encoded.bytes)) t.fail('not the same bytes', { tagged })
    JSON.parse(codec.toJson(encoded))
    codec.toValue(encoded)
    // One byte less or more is no value.
    if (encoded.bytes.length > 0) t.ok(codec.check(payload(encoded.bytes.subarray(0, -1))))
    t.ok(codec.check(payload(Buffer.concat([encoded.bytes, Buffer.alloc(1)]))))
  }), { numRuns: 300 })
})

t.test('the text of a schema is a schema of the same text', async t => {
  fc.assert(fc.property(seed, seed => {
    const random = new Random(seed)
    const text = JSON.stringify(random.relative(random.schema()))
    let parsed
    try {
      parsed = parseAvro({ text, references: [] }, false)
    } catch (error) {
      if (error instanceof SchemaError) return
      throw error
    }
    for (const normalize of [false, true]) {
      const printed = printAvro(parsed.root, { normalize })
      const again = printAvro(parseAvro({ text: printed, references: [] }, false).root, { normalize })
      if (again !== printed) t.equal(again, printed)
    }
  }), { numRuns: 500 })
})

const LONG = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: (value: unknown) => BigInt(value as number),
  toJSON: (value: bigint) => (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(String(value)),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => a === b ? 0 : a < b ? -1 : 1
} as never)

t.test('avsc reads the same from the same bytes', async t => {
  let compared = 0
  fc.assert(fc.property(seed, seed => {
    const it = sample(seed)
    if (it === null) return
    let type
    try {
      type = avsc.Type.forSchema(it.schema as never, {
        wrapUnions: true,
        typeHook: (schema: string | { type?: unknown }) => schema === 'long' || (schema as { type?: unknown }).type === 'long' ? LONG : undefined
      } as never)
    } catch {
      // It does not know names before they are defined, nor takes defaults that are only nearly right.
      return
    }
    compared++
    const { codec } = it
    const { bytes } = codec.fromJson(parseExact(it.json), undefined, true)
    const value = type.fromBuffer(bytes) as unknown
    const again = type.toBuffer(value)
    // It writes maps of ours in the order of JavaScript's objects, which is that of their keys here.
    if (!again.equals(bytes)) t.equal(again.toString('hex'), bytes.toString('hex'), JSON.stringify(it.schema))
  }), { numRuns: 300 })
  t.ok(compared > 150, `${compared} compared`)
})

t.test('any bytes are a value or a flaw, and nothing else happens', async t => {
  fc.assert(fc.property(seed, fc.uint8Array({ maxLength: 60 }), (seed, bytes) => {
    const it = sample(seed)
    if (it === null) return
    const flaw = it.codec.check(payload(Buffer.from(bytes)))
    const thrown = flawIn(() => it.codec.toJson(payload(Buffer.from(bytes)), true))
    t.equal(flaw === null, thrown === null)
    if (flaw !== null) return
    // What was read can be written: shorter, if numbers were longer than they had to be.
    const again = it.codec.fromJson(parseExact(it.codec.toJson(payload(Buffer.from(bytes)), true)), undefined, true)
    t.equal(it.codec.check(again), null)
  }), { numRuns: 500 })
})

t.test('any JSON is encoded or refused', async t => {
  fc.assert(fc.property(seed, fc.jsonValue(), (seed, value) => {
    const it = sample(seed)
    if (it === null) return
    try {
      t.equal(it.codec.check(it.codec.fromJson(value)), null)
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error
    }
  }), { numRuns: 500 })
})
