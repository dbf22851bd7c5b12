import type { Codec, ParsedSchema } from '../../../../src/schemas/format.ts'
import { PayloadError } from '../../../../src/schemas/format.ts'
import { parseExact } from '../../../../src/schemas/exact-json.ts'
import { protobuf } from '../../../../src/schemas/protobuf/format.ts'

export const parse = (text: string, files: Readonly<Record<string, string>> = {}, strict = false): ParsedSchema =>
  protobuf.parse({ text, references: Object.entries(files).map(([name, text]) => ({ name, text })) }, strict)

export const three = (text: string): ParsedSchema => parse(`syntax = "proto3"; ${text}`)
export const two = (text: string): ParsedSchema => parse(`syntax = "proto2"; ${text}`)

/** Of the first message. */
export const payload = (hex: string, indexes: readonly number[] = [0]): { bytes: Buffer, indexes: readonly number[] } =>
  ({ bytes: Buffer.from(hex.replaceAll(' ', ''), 'hex'), indexes })

export const encode = (codec: Codec, json: string, message?: string): string => codec.fromJson(parseExact(json), message).bytes.toString('hex')

/** What is wrong: `path: expected, found`, or null. */
export function flawOf (run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    if (error instanceof PayloadError) return error.message
    throw error
  }
}
