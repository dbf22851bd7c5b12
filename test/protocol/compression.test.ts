import t from 'tap'
import fc from 'fast-check'
import { constants, crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { RecordBatch, BATCH_HEADER_BYTES } from '../../protocol/batch.ts'
import { compressionCode, compressionOf, MAX_DECOMPRESSED_BYTES, type Compression } from '../../protocol/compression.ts'
import { recordedBatches } from './support/batches.ts'

const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const codec = (name: Compression['name']): Compression => compressionOf(compressionCode(name))
const decompress = (name: Compression['name'], bytes: Buffer, limit = MAX_DECOMPRESSED_BYTES): Buffer => codec(name).decompress(bytes, limit)

const tooLarge = { name: 'KafkaError', code: 'MESSAGE_TOO_LARGE' }
const corrupt = { name: 'KafkaError', code: 'CORRUPT_MESSAGE' }
const MIB = 1024 * 1024

t.test('the numbers are those of the attributes', async t => {
  t.strictSame(names.map(compressionCode), [0, 1, 2, 3, 4])
  t.strictSame(names.map((_, code) => compressionOf(code).name), names)
})

t.test('a number beyond them is refused', async t => {
  for (const code of [5, 6, 7]) t.throws(() => compressionOf(code), { name: 'KafkaError', code: 'UNSUPPORTED_COMPRESSION_TYPE' })
})

for (const name of names) {
  t.test(`${name} gives back what it was given`, async t => {
    for (const size of [0, 1, 100, 70_000, 5 * MIB]) {
      const bytes = Buffer.alloc(size, 'some text that can be made shorter ')
      const compressed = codec(name).compress(bytes)
      t.ok(decompress(name, compressed).equals(bytes), `${size} bytes`)
      if (name !== 'none' && size > 1000) t.ok(compressed.length < size / 5, `${size} bytes are ${compressed.length} bytes`)
    }
  })

  t.test(`${name} gives back bytes that cannot be compressed`, async () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), array => {
      const bytes = Buffer.from(array)
      return decompress(name, codec(name).compress(bytes)).equals(bytes)
    }))
  })
}

for (const name of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
  t.test(`${name} reads what Java writes`, async t => {
    // What is in these batches is compared in records.test.ts; here only that a long value spans several blocks.
    const { bytes, records } = recordedBatches().get(`${name}, a long value`)!
    const plain = decompress(name, new RecordBatch(bytes).bytes.subarray(BATCH_HEADER_BYTES))
    t.ok(plain.includes(records[0]!.value!))
  })

  t.test(`${name} stops at its limit`, async t => {
    const bomb = codec(name).compress(Buffer.alloc(20 * MIB))
    t.ok(bomb.length < 2 * MIB, `${bomb.length} bytes`)
    t.throws(() => decompress(name, bomb, MIB), tooLarge)
    t.equal(decompress(name, bomb, 20 * MIB).length, 20 * MIB)
  })

  t.test(`${name} that is damaged is corrupt, whatever the damage`, async t => {
    const sound = codec(name).compress(Buffer.from('some text, some text, some text'))
    t.throws(() => decompress(name, Buffer.from('certainly not compressed')), corrupt)
    for (let end = 0; end < sound.length; end++) {
      try {
        // A cut may leave a sound whole: where a frame ends in a checksum or a mark that a reader need not read.
        decompress(name, sound.subarray(0, end), MIB)
      } catch (error) {
        t.match(error, corrupt, `cut at ${end}`)
      }
    }
    t.doesNotThrow(() => fc.assert(fc.property(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(sound)
      damaged[at]! ^= flip
      try {
        return decompress(name, damaged, MIB).length <= MIB
      } catch (error) {
        return ['CORRUPT_MESSAGE', 'MESSAGE_TOO_LARGE'].includes((error as { code: string }).code)
      }
    }), { numRuns: 500 }))
  })
}

t.test('the message says which codec, and what is allowed', async t => {
  t.throws(() => decompress('gzip', gzipSync(Buffer.alloc(100)), 10), /A gzip batch holds more than the 10 bytes/)
  t.throws(() => decompress('zstd', Buffer.from('xxxx')), /not sound zstd/)
})

t.test('gzip members one after the other count together', async t => {
  const member = gzipSync(Buffer.alloc(600))
  t.equal(decompress('gzip', Buffer.concat([member, member]), 1200).length, 1200)
  t.throws(() => decompress('gzip', Buffer.concat([member, member]), 1000), tooLarge)
})

t.test('zstd frames one after the other count together', async t => {
  const frame = zstdCompressSync(Buffer.alloc(600))
  t.equal(decompress('zstd', Buffer.concat([frame, frame]), 1200).length, 1200)
  t.throws(() => decompress('zstd', Buffer.concat([frame, frame]), 1000), tooLarge)
})

t.test('a zstd frame that asks for a window of 2 GiB is refused', async t => {
  const frame = zstdCompressSync(Buffer.alloc(1000), { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } })
  // The byte after magic and descriptor is the window: 5 bits of exponent above 10.
  const greedy = Buffer.concat([frame.subarray(0, 4), Buffer.from([frame[4]! & ~0b100000, 21 << 3]), frame.subarray(6)])
  t.throws(() => decompress('zstd', greedy, MIB), { ...corrupt, message: /too much memory/ })
})

t.test('a length that a snappy block only claims allocates nothing', async t => {
  t.throws(() => decompress('snappy', Buffer.from('ffffffff0f00', 'hex'), MIB), tooLarge, '4 GiB')
  t.throws(() => decompress('snappy', Buffer.from('ffffffff7f00', 'hex'), MIB), tooLarge, 'more than 32 bits')
  t.throws(() => decompress('snappy', Buffer.from('ffffffffff01', 'hex'), MIB), corrupt, 'no end')
  t.throws(() => decompress('snappy', Buffer.from('808040' + '00', 'hex'), MIB), corrupt, 'exactly the limit, and nothing there')
  t.throws(() => decompress('snappy', Buffer.alloc(0), MIB), corrupt, 'nothing')
})

const XERIAL = Buffer.from('82534e41505059000000000100000001', 'hex')

function xerial (...blocks: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [XERIAL]
  for (const block of blocks) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

t.test('the chunks of a snappy stream count together', async t => {
  const block = codec('snappy').compress(Buffer.alloc(600))
  t.equal(decompress('snappy', xerial(block, block), 1200).length, 1200)
  t.throws(() => decompress('snappy', xerial(block, block), 1000), tooLarge)
  t.throws(() => decompress('snappy', xerial(block, Buffer.from('ffffffff0f00', 'hex')), MIB), tooLarge, 'a later one that claims 4 GiB')
  t.equal(decompress('snappy', XERIAL, 10).length, 0, 'none at all')
})

t.test('a chunk of a snappy stream that is longer than the stream is corrupt', async t => {
  for (const length of ['7fffffff', 'ffffffff', '00000002']) {
    t.throws(() => decompress('snappy', Buffer.concat([XERIAL, Buffer.from(length + '00', 'hex')]), MIB), corrupt, length)
  }
  t.throws(() => decompress('snappy', Buffer.concat([XERIAL, Buffer.from('0000', 'hex')])), corrupt, 'a length that is cut off')
})

/** An lz4 frame: blocks of at most 4 MiB, each stored as it is or compressed; with a size in its header, and checksums behind the blocks. */
function lz4Frame (blocks: readonly Buffer[], { blockSize = 7, stored = false, sized = false, checked = false } = {}): Buffer {
  const words = blocks.flatMap(block => {
    const word = Buffer.alloc(4)
    word.writeUInt32LE((block.length | (stored ? 0x80000000 : 0)) >>> 0)
    return [word, block, Buffer.alloc(checked ? 4 : 0)]
  })
  const flags = 0x60 | (checked ? 0x10 : 0) | (sized ? 0x08 : 0)
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, blockSize << 4]), Buffer.alloc(sized ? 9 : 1), ...words, Buffer.alloc(4)])
}

t.test('an lz4 frame is measured by its blocks before it is decompressed', async t => {
  const block = Buffer.alloc(20_000, 0xff)
  t.throws(() => decompress('lz4', lz4Frame([block]), 4 * MIB - 1), tooLarge, 'one that may become 4 MiB')
  t.throws(() => decompress('lz4', lz4Frame(new Array(100).fill(block)), 64 * MIB), tooLarge, 'many')
  t.throws(() => decompress('lz4', lz4Frame(new Array(100).fill(block), { stored: true }), MIB), tooLarge, 'stored ones by their size')
  t.throws(() => decompress('lz4', lz4Frame([block, block], { sized: true, checked: true }), 8 * MIB - 1), tooLarge, 'behind sizes and checksums')
  t.throws(() => decompress('lz4', lz4Frame([block], { blockSize: 4 }), 65536), corrupt, 'within its limit it is read, and found to be nonsense')
})

t.test('an lz4 block that is longer than its frame is corrupt', async t => {
  const frame = lz4Frame([Buffer.alloc(10)])
  frame.writeUInt32LE(0x7fffffff, 7)
  t.throws(() => decompress('lz4', frame, 2 ** 40), corrupt)
})

t.test('an lz4 frame that claims a content of 2^62 bytes allocates nothing', async t => {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(2n ** 62n)
  const frame = Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x68, 0x40]), size, Buffer.from([0]), Buffer.alloc(4)])
  t.throws(() => decompress('lz4', frame, MIB), corrupt)
})

t.test('gzip checks its checksum', async t => {
  const bytes = gzipSync(Buffer.from('hello'))
  bytes.writeUInt32LE((crc32('hello') ^ 1) >>> 0, bytes.length - 8)
  t.throws(() => decompress('gzip', bytes), corrupt)
})
