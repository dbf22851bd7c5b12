/**
 * Frames: a 4-byte length, a header, a body. Splits a byte stream into frames and puts headers on bodies.
 *
 * Header versions follow KIP-482: from an api's first flexible version on, requests have header v2 and responses v1, which
 * end in tagged fields; before it v1 and v0, which do not. ApiVersions is always answered with header v0, because the
 * client does not know yet what we speak. (Request header v0, without a client id, left Kafka with ControlledShutdown.)
 */
import { codec, requestCodec, responseCodec } from './compile.ts'
import { int16, int32, string, type Api, type Input, type Request, type RequestInput, type Response, type ResponseInput } from './schema.ts'
import { ProtocolError, Reader } from './reader.ts'
import { Writer } from './writer.ts'

const LENGTH_BYTES = 4
const API_KEY_BYTES = 2
const VERSION_BYTES = 2

/** Chunks below this size are joined when so many have come in a row: a peer that sends byte by byte costs no more than others. */
const CRUMB_BYTES = 1024
const MAX_CRUMBS = 64

/** Kafka's `socket.request.max.bytes`. */
export const MAX_FRAME_BYTES = 104_857_600

/** A length that no frame may have. `announced` is what the peer's first four bytes say, to tell TLS or HTTP apart. */
export class FrameLengthError extends ProtocolError {
  readonly announced: number

  constructor (announced: number, limit: number) {
    super(`a frame of ${announced} bytes was announced, the limit is ${limit}`)
    this.announced = announced
  }
}

/**
 * Cuts a stream into frames. Never allocates from the announced length: chunks are kept as they arrive, and joined once
 * a frame that spans several is complete. That is the only copy record bytes see on their way in.
 */
export class FrameSplitter {
  /** The longest frame that is let through, without its length field. May be raised once it is known who sends. */
  limit: number
  #chunks: Buffer[] = []
  #buffered = 0
  /** Length of the frame being received, its own four bytes included; 0 while that is unknown. */
  #wanted = 0
  /** How many of the last chunks are crumbs. */
  #crumbs = 0

  constructor (limit = MAX_FRAME_BYTES) {
    this.limit = limit
  }

  /** Bytes held of a frame that is not complete. */
  get buffered (): number {
    return this.#buffered
  }

  /** Length of the next frame, its own four bytes included, or 0 while that is unknown. */
  get wanted (): number {
    if (this.#wanted > 0 || this.#buffered < LENGTH_BYTES) return this.#wanted
    const announced = this.#head(LENGTH_BYTES).readInt32BE(0)
    return this.#isLength(announced) ? LENGTH_BYTES + announced : 0
  }

  /** The api key of the next frame as soon as it has arrived, or null. Takes nothing, and the frame need not be complete. */
  get nextApiKey (): number | null {
    const bytes = LENGTH_BYTES + API_KEY_BYTES
    return this.wanted < bytes || this.#buffered < bytes ? null : this.#head(bytes).readInt16BE(LENGTH_BYTES)
  }

  push (chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#buffered += chunk.length
    this.#crumbs = chunk.length < CRUMB_BYTES ? this.#crumbs + 1 : 0
    if (this.#crumbs === MAX_CRUMBS) this.#joinCrumbs()
  }

  /** The next complete frame without its length, which lies before it, or null. Throws FrameLengthError when the stream makes no sense. */
  next (): Buffer | null {
    if (this.#wanted === 0) {
      if (this.#buffered < LENGTH_BYTES) return null
      const announced = this.#head(LENGTH_BYTES).readInt32BE(0)
      if (!this.#isLength(announced)) throw new FrameLengthError(announced >>> 0, this.limit)
      this.#wanted = LENGTH_BYTES + announced
    }
    if (this.#buffered < this.#wanted) return null
    const joined = this.#head(this.#wanted)
    const frame = joined.subarray(LENGTH_BYTES, this.#wanted)
    if (joined.length > this.#wanted) this.#chunks[0] = joined.subarray(this.#wanted)
    else this.#chunks.shift()
    this.#buffered -= this.#wanted
    this.#wanted = 0
    this.#crumbs = 0
    return frame
  }

  #isLength (announced: number): boolean {
    return announced > 0 && announced <= this.limit
  }

  #joinCrumbs (): void {
    const crumbs = this.#chunks.splice(-MAX_CRUMBS)
    const joined = joinExactly(crumbs, crumbs.reduce((sum, crumb) => sum + crumb.length, 0), this.#chunks)
    this.#chunks.push(joined)
    this.#crumbs = joined.length < CRUMB_BYTES ? 1 : 0
  }

  /** Makes the first chunk at least `length` long and returns it. */
  #head (length: number): Buffer {
    let first = this.#chunks[0]!
    if (first.length >= length) return first
    let count = 0
    for (let have = 0; have < length; count++) have += this.#chunks[count]!.length
    first = joinExactly(this.#chunks.splice(0, count), length, this.#chunks)
    this.#chunks.unshift(first)
    return first
  }
}

/** Joins chunks up to `length`; what the last one holds beyond that goes back to the front of `rest`, uncopied. */
function joinExactly (chunks: Buffer[], length: number, rest: Buffer[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const chunk of chunks) {
    const take = Math.min(chunk.length, length - at)
    chunk.copy(joined, at, 0, take)
    at += take
    if (take < chunk.length) rest.unshift(chunk.subarray(take))
  }
  return joined
}

// ---- headers

export const requestHeader = {
  requestApiKey: int16,
  requestApiVersion: int16,
  correlationId: int32,
  // Never compact, not even in flexible versions (KIP-482).
  clientId: string.nullable()
}
const noFields = {}

export interface RequestHeader {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** Reads the part of a header that every version has. `readRequest` reads the tagged fields of header v2. */
export function readRequestHeader (reader: Reader): RequestHeader {
  const { requestApiKey, requestApiVersion, correlationId, clientId } = codec(requestHeader, 1, false).read(reader)
  return { apiKey: requestApiKey, version: requestApiVersion, correlationId, clientId }
}

/** Reads a request body, after its header. Throws ProtocolError if bytes are left over. */
export function readRequest<A extends Api> (api: A, version: number, reader: Reader): Request<A> {
  if (version >= api.flexible) codec(noFields, 0, true).read(reader)
  const request = requestCodec(api, version).read(reader)
  if (reader.remaining > 0) throw new ProtocolError(`${reader.remaining} bytes after the end of ${api.name} v${version}`)
  return request
}

/** A whole request frame as chunks, the way a client sends it. */
export function writeRequest<A extends Api> (
  api: A, version: number, correlationId: number, clientId: string | null, body: RequestInput<A>
): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  codec(requestHeader, 1, false).write(writer, { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId })
  if (version >= api.flexible) codec(noFields, 0, true).write(writer, noFields as Input<typeof noFields>)
  requestCodec(api, version).write(writer, body)
  return withLength(writer)
}

/**
 * A request frame as `FrameSplitter` gave it, with its length, under another correlation id. Written in place: the frame is not
 * to be read again.
 */
export function readdressed (frame: Buffer, correlationId: number): Buffer {
  const whole = Buffer.from(frame.buffer, frame.byteOffset - LENGTH_BYTES, LENGTH_BYTES + frame.length)
  whole.writeInt32BE(frame.length, 0)
  whole.writeInt32BE(correlationId, LENGTH_BYTES + API_KEY_BYTES + VERSION_BYTES)
  return whole
}

/** A whole response frame as chunks; record bytes in it are those of `body`, uncopied. */
export function writeResponse<A extends Api> (api: A, version: number, correlationId: number, body: ResponseInput<A>): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasResponseTags(api, version)) codec(noFields, 0, true).write(writer, noFields as Input<typeof noFields>)
  responseCodec(api, version).write(writer, body)
  return withLength(writer)
}

/** Reads a response frame, after its length. */
export function readResponse<A extends Api> (api: A, version: number, frame: Buffer): { correlationId: number, body: Response<A> } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (hasResponseTags(api, version)) codec(noFields, 0, true).read(reader)
  return { correlationId, body: responseCodec(api, version).read(reader) }
}

const API_VERSIONS_KEY = 18

function hasResponseTags (api: Api, version: number): boolean {
  return version >= api.flexible && api.key !== API_VERSIONS_KEY
}

function withLength (writer: Writer): Buffer[] {
  const length = writer.length - LENGTH_BYTES
  const chunks = writer.finish()
  chunks[0]!.writeInt32BE(length, 0)
  return chunks
}
