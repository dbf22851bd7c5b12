/**
 * Base64, strictly. Node's own decoder skips what it does not know, and so turns a mistake into other bytes.
 */

/**
 * Either alphabet, with or without padding. Throws TypeError with the rest of a sentence that begins with where it stood.
 */
export function decodeBase64 (data: unknown): Buffer {
  if (typeof data !== 'string') throw new TypeError('must be a string of base64')
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0
  const digits = data.length - padding
  const bytes = Buffer.from(data, 'base64')
  // Every digit that the decoder skipped makes the result shorter than its length promises.
  const whole = digits % 4 !== 1 && bytes.length === Math.floor(digits * 3 / 4)
  if (!whole || (padding > 0 && data.length % 4 !== 0)) throw new TypeError('is not base64')
  return bytes
}
