/**
 * The embedded formats that a schema stands behind: bytes that name the schema they were written with, shown as the JSON that it
 * makes of them.
 */
import { isUtf8 } from 'node:buffer'
import { readEnvelope } from '../../src/schemas/envelope.ts'
import { PayloadError } from '../../src/schemas/format.ts'
import type { SchemaType } from '../../src/schemas/model.ts'
import type { Part } from '../../src/schemas/naming.ts'
import { schemaIn, type Serde } from '../../src/schemas/serde.ts'
import { Poison, type RecordForm, type RecordForms, type Show } from './forms.ts'

const TYPES = { avro: 'AVRO', jsonschema: 'JSON', protobuf: 'PROTOBUF' } as const satisfies Readonly<Record<string, SchemaType>>

export function schemaForms (serde: Serde): RecordForms {
  return new Map(Object.entries(TYPES).map(([format, type]): [string, RecordForm] => [format, {
    mediaType: `application/vnd.kafka.${format}.v2+json`,
    aliases: [],
    key: show(serde, type, 'key'),
    value: show(serde, type, 'value'),
    refresh: () => serde.catalog.refresh()
  }]))
}

const show = (serde: Serde, type: SchemaType, part: Part): Show => (bytes, headers, topic) => {
  try {
    const envelope = readEnvelope(bytes, headers, part)
    if (envelope === null) {
      // Keys are plain text more often than not.
      if (part === 'key' && isUtf8(bytes)) return JSON.stringify(bytes.toString())
      throw new Poison('does not say which schema it was written with')
    }
    const schema = schemaIn(serde.catalog, envelope)
    if (schema === undefined) throw new Poison(`is of schema ${envelope.kind === 'id' ? envelope.id : envelope.guid}, which is not known here`, true)
    if (!serde.mayShow(topic, bytes, headers, part)) throw new Poison(`is of schema ${schema.id}, which is none of topic ${topic}`)
    if (schema.schemaType !== type) throw new Poison(`is of schema ${schema.id}, which is ${schema.schemaType} and not ${type}`)
    return serde.decode(bytes, headers, part, true)!
  } catch (error) {
    if (error instanceof PayloadError) throw new Poison(`cannot be read: ${error.message}`)
    throw error
  }
}
