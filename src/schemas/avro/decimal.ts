/** The logical type `decimal`: an integer in two's complement, the highest byte first, of which the last `scale` digits stand behind the point. */

export const MAX_DECIMAL_BYTES = 4096
/** As many as fit into those. */
export const MAX_DIGITS = 9863

export function decimalText (bytes: Buffer, scale: number): string {
  const unscaled = bytes.length <= 6 ? BigInt(bytes.readIntBE(0, bytes.length)) : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
  if (scale === 0) return String(unscaled)
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/

/** A sign, a zero and a point may stand beside the digits. */
const MAX_TEXT = MAX_DIGITS + 3

export const isDecimalText = (text: string): boolean => text.length <= MAX_TEXT && /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?$/.test(text)

/** The digits of a number without its point, or null if that takes more than `precision` digits or rounding. */
export function unscaledOf (text: string, precision: number, scale: number): bigint | null {
  const [, sign, whole = '', fraction = '', exponent = '0'] = isDecimalText(text) ? NUMBER.exec(text) ?? [] : []
  if (sign === undefined) return null
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return 0n
  // How many zeros to append: cut off if there are too many digits.
  const shift = scale + Number(exponent) - fraction.length
  if (digits.length + shift > Math.min(precision, MAX_DIGITS)) return null
  if (shift < 0 && /[^0]/.test(digits.slice(shift))) return null
  const unscaled = BigInt(shift >= 0 ? digits + '0'.repeat(shift) : digits.slice(0, shift) || '0')
  return sign === '-' ? -unscaled : unscaled
}

/** As short as can be, as Java's BigInteger.toByteArray; or of `size` bytes, and null if it does not fit. */
export function decimalBytes (unscaled: bigint, size: number | null): Buffer | null {
  const shortest = unscaled === 0n || unscaled === -1n ? 1 : ((unscaled < 0n ? ~unscaled : unscaled).toString(2).length >> 3) + 1
  if (size !== null && shortest > size) return null
  const length = size ?? shortest
  return Buffer.from(BigInt.asUintN(length * 8, unscaled).toString(16).padStart(length * 2, '0'), 'hex')
}
