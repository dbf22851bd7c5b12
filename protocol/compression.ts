/**
 * The codecs a record batch may be compressed with, by the number in its attributes. Each is synchronous: for the sizes
 * of batches a hop to another thread costs more than the work.
 *
 * Decompression takes a limit, because a few kilobytes can claim to be gigabytes (CVE-2023-34455): nothing larger than
 * the limit is ever allocated.
 */
import { createRequire } from 'node:module'
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { KafkaError } from './errors.ts'

export interface Compression {
  readonly name: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly compress: (bytes: Buffer) => Buffer
  /** Throws KafkaError CORRUPT_MESSAGE if the bytes are not sound, MESSAGE_TOO_LARGE beyond `limitBytes`. */
  readonly decompress: (bytes: Buffer, limitBytes: number) => Buffer
}

/** Decompressed bytes of one batch, unless the caller sets another limit. */
export const MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024

const none: Compression = { name: 'none', compress: bytes => bytes, decompress: bytes => bytes }

const gzip: Compression = {
  name: 'gzip',
  compress: bytes => gzipSync(bytes),
  decompress: (bytes, maxOutputLength) => guard('gzip', maxOutputLength, () => gunzipSync(bytes, { maxOutputLength }))
}

const zstd: Compression = {
  name: 'zstd',
  compress: bytes => zstdCompressSync(bytes),
  decompress: (bytes, maxOutputLength) => guard('zstd', maxOutputLength, () =>
    // A frame names the window it needs; 2^27 bytes is zstd's own limit for streams from strangers.
    zstdDecompressSync(bytes, { maxOutputLength, params: { [constants.ZSTD_d_windowLogMax]: 27 } }))
}

// The two below are native packages, loaded when the first batch needs them.
const require = createRequire(import.meta.url)
const snappyPackage = lazy(() => require('snappy') as typeof import('snappy'))
const lz4Package = lazy(() => require('lz4-napi') as typeof import('lz4-napi'))

const snappy: Compression = {
  name: 'snappy',
  compress: bytes => snappyPackage().compressSync(bytes),
  decompress: (bytes, limit) => guard('snappy', limit, () => isXerial(bytes) ? xerial(bytes, limit) : rawSnappy(bytes, limit))
}

const lz4: Compression = {
  name: 'lz4',
  compress: bytes => lz4Package().compressFrameSync(bytes),
  decompress: (bytes, limit) => guard('lz4', limit, () => {
    if (lz4Bound(bytes) > limit) throw tooLarge('lz4', limit)
    return lz4Package().decompressFrameSync(bytes)
  })
}

const table: readonly Compression[] = [none, gzip, snappy, lz4, zstd]

/** The codec of a batch, by its attributes' lowest three bits. Throws KafkaError UNSUPPORTED_COMPRESSION_TYPE. */
export function compressionOf (code: number): Compression {
  const found = table[code]
  if (found === undefined) throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `Compression ${code} does not exist: it must be 0 to ${table.length - 1}.`)
  return found
}

/** The number of a codec, by its name in `compression.type`. */
export function compressionCode (name: Compression['name']): number {
  return table.findIndex(row => row.name === name)
}

// ---- snappy: raw blocks, or the framing of xerial's snappy-java that Java producers write

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** Magic, then two versions of four bytes. */
const XERIAL_HEADER_BYTES = 16

function isXerial (bytes: Buffer): boolean {
  return bytes.length >= XERIAL_HEADER_BYTES && bytes.compare(XERIAL_MAGIC, 0, 8, 0, 8) === 0
}

function xerial (bytes: Buffer, limit: number): Buffer {
  const blocks: Buffer[] = []
  let total = 0
  for (let position = XERIAL_HEADER_BYTES; position < bytes.length;) {
    const length = bytes.readUInt32BE(position)
    position += 4
    if (length > bytes.length - position) throw new RangeError(`a block of ${length} bytes, ${bytes.length - position} are left`)
    const block = rawSnappy(bytes.subarray(position, position + length), limit - total)
    blocks.push(block)
    total += block.length
    position += length
  }
  return Buffer.concat(blocks, total)
}

function rawSnappy (bytes: Buffer, limit: number): Buffer {
  if (snappyLength(bytes) > limit) throw tooLarge('snappy', limit)
  return snappyPackage().uncompressSync(bytes, { asBuffer: true }) as Buffer
}

/** The decompressed length, which a snappy block begins with as a varint. */
function snappyLength (bytes: Buffer): number {
  let length = 0
  for (let i = 0; i < 5 && i < bytes.length; i++) {
    length += (bytes[i]! & 0x7f) * 2 ** (7 * i)
    if (bytes[i]! < 0x80) return length
  }
  throw new RangeError('the length does not fit 32 bits')
}

// ---- lz4 frames

const LZ4_MAGIC = 0x184d2204
/** The most an lz4 block can grow by: one byte of a match length stands for 255. */
const LZ4_MAX_RATIO = 255

/**
 * An upper bound of what an lz4 frame decompresses to, read off its block lengths without decompressing: the library has
 * no limit of its own. Tight, because a writer fills its blocks.
 */
function lz4Bound (bytes: Buffer): number {
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('not an lz4 frame')
  const flags = bytes[4]!
  const blockMaxBytes = 1 << (8 + 2 * ((bytes[5]! >> 4) & 0b111))
  const hasBlockChecksum = (flags & 0b10000) !== 0
  const hasContentSize = (flags & 0b1000) !== 0
  let bound = 0
  let position = hasContentSize ? 15 : 7
  for (;;) {
    const word = bytes.readUInt32LE(position)
    if (word === 0) return bound
    const length = word & 0x7fffffff
    const stored = word > 0x7fffffff
    bound += stored ? length : Math.min(blockMaxBytes, length * LZ4_MAX_RATIO)
    position += 4 + length + (hasBlockChecksum ? 4 : 0)
  }
}

// ----

function tooLarge (name: string, limit: number): KafkaError {
  return new KafkaError('MESSAGE_TOO_LARGE', `A ${name} batch holds more than the ${limit} bytes that are decompressed at once.`)
}

function guard (name: string, limit: number, decompress: () => Buffer): Buffer {
  try {
    return decompress()
  } catch (error) {
    if (error instanceof KafkaError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(name, limit)
    throw new KafkaError('CORRUPT_MESSAGE', `The batch is not sound ${name}: ${(error as Error).message}`, { cause: error })
  }
}

function lazy<T> (load: () => T): () => T {
  let loaded: T | undefined
  return () => {
    loaded ??= load()
    return loaded
  }
}
