/**
 * Structs that travel inside a byte field or a record: an int16 version, then the fields.
 */
import { codec } from './compile.ts'
import { ProtocolError, Reader } from './reader.ts'
import type { Fields, Input, Output, Payload } from './schema.ts'
import { Writer } from './writer.ts'

/**
 * Reads a payload. One that is newer than we know is read as the newest that we do: Kafka only ever appends to these.
 * Throws ProtocolError.
 */
export function readPayload<F extends Fields> (payload: Payload<F>, bytes: Buffer): Output<F> {
  const reader = new Reader(bytes)
  const version = reader.int16()
  const [min, max] = payload.versions
  if (version < min) throw new ProtocolError(`${payload.name} v${version} is older than v${min}`)
  const known = Math.min(version, max)
  return codec(payload.fields, known, known >= payload.flexible).read(reader)
}

export function writePayload<F extends Fields> (payload: Payload<F>, version: number, value: Input<F>): Buffer {
  const writer = new Writer()
  writer.int16(version)
  codec(payload.fields, version, version >= payload.flexible).write(writer, value)
  return Buffer.concat(writer.finish())
}
