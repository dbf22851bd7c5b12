/**
 * `@kafkajs/confluent-schema-registry` driven over standard output: `node registry-kafkajs.mjs FOLDER client REGISTRY FORMAT SUBJECT`
 * or `... rounds REGISTRY BOOTSTRAP FORMAT TOPIC COUNT`. FOLDER holds its `node_modules`.
 */
import { createRequire } from 'node:module'
import { EVOLUTION, READING } from './registry-schemas.ts'
import { asJson, exactLong, inClient, overRest, readings, receive, send, show, textOf } from './registry-shared.mjs'

const [folder, command, ...rest] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const { COMPATIBILITY, SchemaRegistry, SchemaType } = require('@kafkajs/confluent-schema-registry')

/** A client keeps what it has seen: one that is to ask the server is a new one. */
function clientOf (host) {
  const avsc = require('avsc')
  return new SchemaRegistry({ host }, { [SchemaType.AVRO]: { registry: { long: exactLong(avsc) } } })
}

/** The class, the HTTP status and the words of the error that this ends with. */
async function refusal (promise) {
  try {
    await promise
  } catch (error) {
    const words = /incompatible|not found|does not match/i.exec(error.message)
    return [error.name, error.status ?? null, words?.[0].toLowerCase() ?? error.message]
  }
  return null
}

/** All that the client can ask, against a subject that is not there yet. */
async function client (host, type, subject) {
  const { first, second, breaking, part, whole } = EVOLUTION[type]
  const register = (schema, options = {}) => clientOf(host).register({ type, schema, references: options.references }, { subject, ...options })
  show({
    unknown: [await refusal(clientOf(host).getLatestSchemaId(subject)), await refusal(clientOf(host).getRegistryId(subject, 1)),
      await refusal(clientOf(host).getRegistryIdBySchema(subject, { type, schema: first })), await refusal(clientOf(host).getSchema(999999))]
  })
  const { id } = await register(first)
  show({
    same: (await register(first)).id === id,
    lookup: await clientOf(host).getRegistryIdBySchema(subject, { type, schema: first }) === id,
    'not under it': await refusal(clientOf(host).getRegistryIdBySchema(subject, { type, schema: second })),
    got: (await clientOf(host).getSchema(id)) !== null,
    config: (await (await fetch(`${host}/config/${subject}`)).json()).compatibilityLevel,
    'another level': await refusal(register(second, { compatibility: COMPATIBILITY.FULL }))
  })
  show({ refused: await refusal(register(breaking)) })
  const newer = (await register(second)).id
  show({ evolved: [newer > id, await clientOf(host).getLatestSchemaId(subject) === newer, await clientOf(host).getRegistryId(subject, 1) === id] })
  const partSubject = `${subject}-part`
  await register(part.schema, { subject: partSubject })
  const whose = `${subject}-whole`
  const { id: referring } = await register(whole, { subject: whose, references: [{ name: part.name, subject: partSubject, version: 1 }] })
  const unit = type === 'PROTOBUF' ? { name: 'KG' } : 'KG'
  const value = { id: type === 'AVRO' ? 1n : 1, unit }
  const bytes = await clientOf(host).encode(referring, value)
  const back = await clientOf(host).decode(bytes)
  show({ references: [await clientOf(host).getLatestSchemaId(whose) === referring, Number(back.id), back.unit.name ?? back.unit] })
}

/** Values through the encoder, REST, the log, and the decoder. */
async function rounds (host, bootstrap, type, topic, count) {
  const subject = `${topic}-value`
  const registry = clientOf(host)
  const { id: schemaId } = await registry.register({ type, schema: READING[type] }, { subject })
  const values = readings(type, Number(count))
  const Long = require('long')
  const made = value => type === 'PROTOBUF' ? { ...value, id: Long.fromString(String(value.id)) } : value
  const messages = await Promise.all(values.slice(0, -2).map(async value => ({ value: await registry.encode(schemaId, made(value)) })))
  await send(bootstrap, topic, messages)
  const http = await overRest(host, type, topic, schemaId, values.slice(-2))

  const reader = clientOf(host)
  const got = []
  for (const message of await receive(bootstrap, topic, values.length)) {
    const { id, name, value, tags } = await reader.decode(message.value)
    got.push(textOf({ id: typeof id === 'object' ? String(id) : id, name, value, tags }))
  }
  show({
    id: schemaId,
    first: messages[0].value.subarray(0, 6).toString('hex'),
    http,
    equal: got.join('\n') === values.map(value => textOf(inClient(type, value))).join('\n'),
    ...await asJson(host, topic, values)
  })
}

await { client, rounds }[command](...rest)
