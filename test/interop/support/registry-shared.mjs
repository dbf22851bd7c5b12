/**
 * What the programs around Node's registry clients have in common: values, and the two doors through which they go beside the
 * client's own, which are REST with plain JSON and REST Proxy v2.
 */
import kafkajs from 'kafkajs'

/** One line of standard output for the test to read; `bigint`s as text. */
export function show (value) {
  console.log(JSON.stringify(value, (_, one) => typeof one === 'bigint' ? String(one) : one))
}

const BEYOND_NUMBERS = 9007199254740993n

/** What a client makes of an integer in JSON: JavaScript's own parser and printer know numbers alone. */
export const inClient = (format, value) => format === 'JSON' ? { ...value, id: Number(value.id) } : value

/** `count` values for a client, then two for REST. */
export function readings (format, count) {
  return Array.from({ length: count + 2 }, (_, i) => {
    const value = { id: BEYOND_NUMBERS + BigInt(i), name: `näme ${i}`, value: i / 8 + 0.125, tags: Array(i % 3 + 1).fill('t') }
    return i < count ? inClient(format, value) : value
  })
}

/** The text of a value in JSON, with all digits of its integers. */
export const textOf = ({ id, ...others }) => `{"id":${id},${JSON.stringify(others).slice(1)}`

/** A value through REST as plain JSON, and another one through REST Proxy v2 with a schema's id. */
export async function overRest (http, format, topic, schemaId, [plain, v2]) {
  const one = await post(`${http}/topics/${topic}/records`, 'application/json', textOf(plain))
  const name = { AVRO: 'avro', JSON: 'jsonschema', PROTOBUF: 'protobuf' }[format]
  const two = await post(`${http}/topics/${topic}`, `application/vnd.kafka.${name}.v2+json`,
    `{"value_schema_id":${schemaId},"records":[{"value":${textOf(v2)}}]}`)
  return [one.status, two.status, two.body.value_schema_id]
}

async function post (url, type, body) {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
  return { status: response.status, body: await response.json() }
}

/** What the topic holds as JSON over REST: the names of `values` that are not in it with all digits of their id, and of those in error. */
export async function asJson (http, topic, values) {
  const text = await (await fetch(`${http}/topics/${topic}/records?from=earliest`)).text()
  const { records } = JSON.parse(text)
  // Protobuf's JSON has quotes around 64 bits.
  const missing = values.filter(({ id, name }) => ![id, `"${id}"`].some(digits => text.includes(`"id":${digits},"name":"${name}"`)))
  return { missing: missing.map(value => value.name), records: records.length, errors: records.filter(record => record.error !== undefined).length }
}

/** Sends messages to a topic. */
export async function send (bootstrap, topic, messages) {
  const producer = kafka(bootstrap).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  try {
    await producer.send({ topic, messages })
  } finally {
    await producer.disconnect()
  }
}

/** The first `count` messages of a topic of one partition. */
export async function receive (bootstrap, topic, count) {
  const consumer = kafka(bootstrap).consumer({ groupId: `readers-of-${topic}` })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    const messages = []
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`only ${messages.length} of ${count} messages came`)), 30_000)
      const eachMessage = async ({ message }) => {
        messages.push(message)
        if (messages.length < count) return
        clearTimeout(late)
        resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
    return messages
  } finally {
    await consumer.disconnect()
  }
}

const kafka = bootstrap => new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING })

/** Avro's long as a `bigint`: `avsc` gives what it cannot hold in a number up otherwise. */
export const exactLong = avsc => avsc.types.LongType.__with({
  fromBuffer: bytes => bytes.readBigInt64LE(),
  toBuffer: value => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: value => typeof value === 'bigint',
  compare: (a, b) => a === b ? 0 : a < b ? -1 : 1
})
