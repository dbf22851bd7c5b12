/**
 * Damage to frames: a seeded generator of random numbers, and what it does to bytes.
 */
import fc from 'fast-check'
import { writeRequest } from '../../protocol/frame.ts'
import type { Api } from '../../protocol/schema.ts'
import { valuesOf } from '../protocol/support/values.ts'

/** To run a failure again: FUZZ_SEED=<the seed that was printed>. */
export const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 0x7fffffff) | 0

/** xorshift32: as good as it needs to be, and the same everywhere. */
export class Random {
  #state: number

  constructor (seed: number) {
    this.#state = seed === 0 ? 1 : seed
  }

  /** From 0 up to, but not including, `bound`. */
  below (bound: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % bound
  }

  bytes (length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let i = 0; i < length; i++) bytes[i] = this.below(256)
    return bytes
  }
}

/** Lengths and counts that nobody means well: as int32, int16 and varint, overlong varints among them. */
export const hostileLengths: readonly Buffer[] = [
  '7fffffff', '80000000', 'fffffffe', 'ffffffff', '00ffffff', '7fff', '8000', 'fffe',
  'ffffffff07', 'ffffffff0f', 'ffffffff7f', '808080808000', 'ffffffffffffffffff01'
].map(hex => Buffer.from(hex, 'hex'))

/** Whole request frames of one api and version, made from its definition; the same for the same seed. */
export function validFrames (api: Api, version: number, count: number): Buffer[] {
  return fc.sample(valuesOf(api.request, version, version >= api.flexible), { seed: seed + api.key * 100 + version, numRuns: count })
    .map(body => Buffer.concat(writeRequest(api, version, 1, 'fuzz', body)))
}

/** The same bytes, damaged once or a few times. Never in place. */
export function mutate (random: Random, bytes: Buffer): Buffer {
  let mutated: Buffer = Buffer.from(bytes)
  for (let i = 1 + random.below(3); i > 0; i--) mutated = mutateOnce(random, mutated)
  return mutated
}

function mutateOnce (random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return random.bytes(1 + random.below(8))
  const at = random.below(bytes.length)
  switch (random.below(7)) {
    case 0: // a bit
      bytes[at]! ^= 1 << random.below(8)
      return bytes
    case 1:
      bytes[at] = random.below(256)
      return bytes
    case 2:
      return overwrite(bytes, at, hostileLengths[random.below(hostileLengths.length)]!)
    case 3: // cut off
      return bytes.subarray(0, at)
    case 4: // a piece missing
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8))])
    case 5: // a piece too many
      return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at)])
    default: // a piece twice
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))])
  }
}

/** `bytes` with `insert` written over them, longer if it does not fit. */
export function overwrite (bytes: Buffer, at: number, insert: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + insert.length)])
}

/** With a length that fits what follows. */
export function framed (body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}
