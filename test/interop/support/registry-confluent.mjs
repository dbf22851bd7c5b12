/**
 * `@confluentinc/schemaregistry`, its client and its serdes, driven over standard output:
 * `node registry-confluent.mjs FOLDER client REGISTRY FORMAT SUBJECT`, `... rounds REGISTRY BOOTSTRAP FORMAT FRAMING TOPIC COUNT`
 * or `... derived REGISTRY FORMAT TOPIC`.
 * FOLDER holds its `node_modules`.
 */
import { createRequire } from 'node:module'
import { EVOLUTION, READING } from './registry-schemas.ts'
import { asJson, exactLong, inClient, overRest, readings, receive, send, show, textOf } from './registry-shared.mjs'

const [folder, command, ...rest] = process.argv.slice(2)
const require = createRequire(`${folder}/package.json`)
const {
  AvroDeserializer, AvroSerializer, HeaderSchemaIdSerializer, JsonDeserializer, JsonSerializer, ProtobufDeserializer, ProtobufSerializer,
  RestError, SchemaRegistryClient, SerdeType
} = require('@confluentinc/schemaregistry')

/** A client keeps what it has seen: one that is to ask the server is a new one. */
const clientOf = url => new SchemaRegistryClient({ baseURLs: [url] })

/** The status and code of the error that this ends with. */
async function refusal (promise) {
  try {
    await promise
  } catch (error) {
    if (!(error instanceof RestError)) throw error
    return [error.status, error.errorCode]
  }
  return null
}

/** All that the client can ask, against a subject that is not there yet. */
async function client (url, format, subject) {
  const { part, whole, ...schemas } = EVOLUTION[format]
  const [first, second, breaking, invalid] = ['first', 'second', 'breaking', 'invalid'].map(name => ({ schema: schemas[name], schemaType: format }))
  const registry = clientOf(url)
  const fresh = () => clientOf(url)

  show({
    unknown: await Promise.all([registry.getLatestSchemaMetadata(subject), registry.getAllVersions(subject), registry.getId(subject, first),
      registry.getBySubjectAndId(subject, 999999)].map(refusal))
  })
  const id = await registry.register(subject, first)
  const full = await fresh().registerFullResponse(subject, first)
  const text = await fresh().getBySubjectAndId(subject, id)
  show({ full: [full.id === id, full.version, full.subject === subject, typeof full.guid], text: [text.schema === first.schema, text.schemaType ?? 'AVRO'] })
  const known = await fresh().getIdFullResponse(subject, first)
  show({ lookup: [known.id === id, known.version], 'not under it': await refusal(registry.getId(subject, second)) })

  show({
    checks: [await registry.testSubjectCompatibility(subject, second), await registry.testSubjectCompatibility(subject, breaking),
      await registry.testCompatibility(subject, 1, breaking)]
  })
  show({ refused: await refusal(registry.register(subject, breaking)), invalid: await refusal(registry.register(subject, invalid)) })
  const newer = await registry.register(subject, second)
  const latest = await fresh().getLatestSchemaMetadata(subject)
  show({
    evolved: [newer > id, latest.id === newer, latest.version, await fresh().getAllVersions(subject), (await fresh().getSchemaMetadata(subject, 1)).id === id,
      await fresh().getVersion(subject, second)],
    'by guid': (await fresh().getByGuid(latest.guid)).schema === latest.schema,
    listed: (await fresh().getAllSubjects()).includes(subject)
  })

  show({
    config: [await registry.getDefaultCompatibility(), await refusal(registry.getCompatibility(subject)), await registry.updateCompatibility(subject, 'NONE'),
      await registry.getCompatibility(subject)],
    'bad level': await refusal(registry.updateCompatibility(subject, 'SOMETIMES')),
    more: (({ compatibilityLevel, compatibilityGroup }) => [compatibilityLevel, compatibilityGroup])(
      await registry.updateConfig(subject, { compatibility: 'FULL', compatibilityGroup: 'major' }).then(() => registry.getConfig(subject)))
  })
  await registry.register(subject, { ...second, metadata: { properties: { owner: 'k', major: '2' } } })
  const owned = await fresh().getLatestWithMetadata(subject, { owner: 'k' })
  show({ metadata: [owned.version, owned.metadata.properties] })

  const partSubject = `${subject} part/1`
  await registry.register(partSubject, { schema: part.schema, schemaType: format })
  const references = [{ name: part.name, subject: partSubject, version: 1 }]
  const referring = await registry.register(`${subject}-whole`, { schema: whole, schemaType: format, references })
  const got = await fresh().getBySubjectAndId(`${subject}-whole`, referring)
  show({ references: JSON.stringify(got.references) === JSON.stringify(references), kept: await refusal(registry.deleteSubjectVersion(partSubject, 1)) })

  show({
    deleted: [await registry.deleteSubjectVersion(subject, 1), await registry.deleteSubject(subject), await refusal(registry.deleteSubject(subject)),
      await refusal(fresh().getLatestSchemaMetadata(subject)), (await fresh().getBySubjectAndId(subject, id)).schema === first.schema,
      await registry.deleteSubject(subject, true)]
  })
}

/** A descriptor, as a generated file would hold it; what makes messages of it; and what reads them. */
function reading () {
  const { create, createFileRegistry, createMutableRegistry } = require('@bufbuild/protobuf')
  const { FieldDescriptorProto_Label: Label, FieldDescriptorProto_Type: Type, FileDescriptorProtoSchema } = require('@bufbuild/protobuf/wkt')
  const field = [['id', Type.INT64], ['name', Type.STRING], ['value', Type.DOUBLE], ['tags', Type.STRING]].map(([name, type], i) =>
    ({ name, number: i + 1, type, jsonName: name, label: name === 'tags' ? Label.REPEATED : Label.OPTIONAL }))
  const file = create(FileDescriptorProtoSchema, { name: 'lab/reading.proto', package: 'lab', syntax: 'proto3', messageType: [{ name: 'Reading', field }] })
  const registry = createFileRegistry(file, () => undefined)
  const message = registry.getMessage('lab.Reading')
  return { registry: createMutableRegistry(message), made: value => create(message, value) }
}

const same = value => value

function serdes (format, registry, conf) {
  if (format === 'JSON') {
    const validate = { validate: true }
    return [new JsonSerializer(registry, SerdeType.VALUE, { ...conf, ...validate }), new JsonDeserializer(registry, SerdeType.VALUE, validate), same]
  }
  if (format === 'PROTOBUF') {
    const { registry: types, made } = reading()
    return [new ProtobufSerializer(registry, SerdeType.VALUE, { ...conf, registry: types }), new ProtobufDeserializer(registry, SerdeType.VALUE, {}), made]
  }
  // One each: avsc keeps the types of a schema in it.
  const exact = () => ({ registry: { long: exactLong(require('avsc')) } })
  return [new AvroSerializer(registry, SerdeType.VALUE, { ...conf, ...exact() }), new AvroDeserializer(registry, SerdeType.VALUE, exact()), same]
}

/** Values through the serializer, REST, the log, and the deserializer. Avro and JSON take their schema from the registry, Protobuf brings it. */
async function rounds (url, bootstrap, format, framing, topic, count) {
  const subject = `${topic}-value`
  if (format !== 'PROTOBUF') await clientOf(url).register(subject, { schema: READING[format], schemaType: format })
  const [serializer, deserializer, made] = serdes(format, clientOf(url), {
    ...format === 'PROTOBUF' ? { autoRegisterSchemas: true } : { useLatestVersion: true, autoRegisterSchemas: false },
    ...framing === 'header' ? { schemaIdSerializer: HeaderSchemaIdSerializer } : {}
  })
  const values = readings(format, Number(count))
  const messages = []
  for (const value of values.slice(0, -2)) {
    const headers = {}
    messages.push({ value: await serializer.serialize(topic, made(value), headers), headers })
  }
  await send(bootstrap, topic, messages)
  const latest = await clientOf(url).getLatestSchemaMetadata(subject)
  const http = await overRest(url, format, topic, latest.id, values.slice(-2))

  const got = []
  for (const { value, headers } of await receive(bootstrap, topic, values.length)) {
    const { id, name, value: number, tags } = await deserializer.deserialize(topic, value, headers)
    got.push(textOf({ id, name, value: number, tags }))
  }
  show({
    id: latest.id,
    version: latest.version,
    type: latest.schemaType ?? 'AVRO',
    first: messages[0].value.subarray(0, 6).toString('hex'),
    http,
    equal: got.join('\n') === values.map(value => textOf(inClient(format, value))).join('\n'),
    ...await asJson(url, topic, values)
  })
}

/** A schema that the serializer makes of the first value and registers by itself. */
async function derived (url, format, topic) {
  const [Serializer, Deserializer] = format === 'AVRO' ? [AvroSerializer, AvroDeserializer] : [JsonSerializer, JsonDeserializer]
  const registry = clientOf(url)
  const value = { id: 1, name: 'näme', tags: ['t'] }
  const bytes = await new Serializer(registry, SerdeType.VALUE, { autoRegisterSchemas: true }).serialize(topic, value)
  const got = await new Deserializer(clientOf(url), SerdeType.VALUE, {}).deserialize(topic, bytes)
  show({ equal: JSON.stringify(got) === JSON.stringify(value), versions: await registry.getAllVersions(`${topic}-value`) })
}

await { client, rounds, derived }[command](...rest)
