/**
 * JSON on its way into topics that have a schema: what is stored is what the schema makes of it. Topics without one take
 * it as it is.
 */
import { isUtf8 } from 'node:buffer'
import { KafkaError } from '../protocol/errors.ts'
import type { Context } from '../protocol/rpc.ts'
import { forbidden } from '../src/client/failures.ts'
import { parseExact } from '../src/schemas/exact-json.ts'
import { PayloadError, SchemaError } from '../src/schemas/format.ts'
import type { SchemaVersion } from '../src/schemas/model.ts'
import type { Part } from '../src/schemas/naming.ts'
import type { Serde } from '../src/schemas/serde.ts'
import type { HttpDoor } from './door.ts'

/** How a value is written that is not to be written with the newest schema of the topic. */
export interface SchemaChoice {
  readonly schema: SchemaVersion
  /** A Protobuf message other than the first one of the schema. */
  readonly message?: string
  /** Avro's own JSON encoding: what is text there are bytes. */
  readonly tagged?: boolean
}

/**
 * What makes bytes of JSON for a topic; null where there is nothing to be made. Who may not write is not told either what
 * the topic's schema asks for: his bytes go on as they are, and are refused for that reason.
 */
export function serdeFor ({ serde, access }: Pick<HttpDoor, 'serde' | 'access'>, { principal, address }: Context, topic: string): Serde | null {
  return serde !== null && access.decide(principal, address, 'WRITE', 'TOPIC', topic).allowed ? serde : null
}

/** As `serdeFor`, for whoever can do nothing without: refused as a Produce would be. Throws KafkaError TOPIC_AUTHORIZATION_FAILED. */
export function serdeOrRefused (door: Pick<HttpDoor, 'serde' | 'access'>, context: Context, topic: string): Serde | null {
  const serde = serdeFor(door, context, topic)
  if (serde === null && door.serde !== null) throw forbidden('TOPIC_AUTHORIZATION_FAILED', { operation: 'WRITE', resourceType: 'TOPIC', resourceName: topic })
  return serde
}

/** `value` comes from `parseExact`. Null if the topic has no schema for this part. Throws KafkaError INVALID_RECORD. */
export function encodeJson (serde: Serde | null, topic: string, part: Part, value: unknown, choice?: SchemaChoice): Buffer | null {
  return serde === null ? null : counted(serde, topic, part, () => tryEncode(serde, topic, part, value, choice))
}

function counted<T> (serde: Serde, topic: string, part: Part, encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    if (error instanceof KafkaError) serde.onUnfit(topic, part)
    throw error
  }
}

function tryEncode (serde: Serde, topic: string, part: Part, value: unknown, choice?: SchemaChoice): Buffer | null {
  try {
    return serde.encode(topic, part, value, choice)
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error
    throw new KafkaError('INVALID_RECORD', `The ${part} does not fit ${labelOf(serde, topic, part, choice?.schema)}: ${error.message}.`)
  }
}

/** As validation speaks of it (src/policies/validate-rules.ts): by the subject that the topic asks for, if it is a version of that. */
function labelOf (serde: Serde, topic: string, part: Part, chosen?: SchemaVersion): string {
  const schema = chosen ?? serde.schema(topic, part)!
  const strategy = serde.strategy(topic, part)
  const subject = serde.subject(strategy, topic, part, strategy === 'TopicName' ? null : nameIn(serde, schema))
  return `schema ${schema.id} of ${subject !== null && serde.catalog.isUnder(subject, schema) ? subject : schema.subject}`
}

function nameIn ({ catalog }: Serde, schema: SchemaVersion): string | null {
  try {
    return catalog.parsed(schema).name
  } catch (error) {
    // That is why nothing can be written with it, and has been said.
    if (error instanceof SchemaError) return null
    throw error
  }
}

/**
 * Text is JSON, or else a string: `?key=alice` for a schema of strings. The bytes themselves if the topic has no schema for
 * this part. Throws KafkaError INVALID_RECORD.
 */
export function encodeText (serde: Serde | null, topic: string, part: Part, bytes: Buffer): Buffer {
  if (serde === null || serde.schema(topic, part) === undefined) return bytes
  return counted(serde, topic, part, () => {
    if (!isUtf8(bytes)) {
      throw new KafkaError('INVALID_RECORD', `The ${part} is no text (UTF-8), and ${labelOf(serde, topic, part)} takes JSON: ` +
        'send encoded bytes as application/octet-stream.')
    }
    return textEncoded(serde, topic, part, bytes.toString())
  }) ?? bytes
}

function textEncoded (serde: Serde, topic: string, part: Part, text: string): Buffer | null {
  let value: unknown
  try {
    value = parseExact(text)
  } catch {
    return tryEncode(serde, topic, part, text)
  }
  try {
    return tryEncode(serde, topic, part, value)
  } catch (error) {
    // A key of digits where the schema asks for a string.
    if (!(error instanceof KafkaError) || typeof value === 'string' || part === 'value') throw error
    try {
      return tryEncode(serde, topic, part, text)
    } catch {
      throw error
    }
  }
}
