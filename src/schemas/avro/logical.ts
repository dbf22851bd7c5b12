/**
 * Logical types (Avro specification, "Logical Types"): a meaning on top of a type, kept as properties. One whose conditions do
 * not hold is to be ignored.
 */
import { MAX_DIGITS } from './decimal.ts'
import type { FixedType, Logical, PrimitiveType, Props } from './schema.ts'

const ON_INT = new Set(['date', 'time-millis'])
const ON_LONG = new Set(['time-micros', 'timestamp-millis', 'timestamp-micros', 'timestamp-nanos',
  'local-timestamp-millis', 'local-timestamp-micros', 'local-timestamp-nanos'])

/** `size` is that of a fixed. */
export function logicalOf (kind: string, props: Props, size = 0): Logical | null {
  const name = props.get('logicalType')
  if (typeof name !== 'string') return null
  if (name === 'decimal') return decimalOf(kind, props, size)
  if (name === 'uuid') return kind === 'string' || (kind === 'fixed' && size === 16) ? { name } : null
  const isOther = (kind === 'int' && ON_INT.has(name)) || (kind === 'long' && ON_LONG.has(name)) ||
    (kind === 'bytes' && name === 'big-decimal') || (kind === 'fixed' && name === 'duration' && size === 12)
  return isOther ? { name: 'other', word: name } : null
}

function decimalOf (kind: string, props: Props, size: number): Logical | null {
  const precision = props.get('precision')
  const scale = props.has('scale') ? props.get('scale') : 0
  if (typeof precision !== 'number' || typeof scale !== 'number' || !Number.isInteger(precision) || !Number.isInteger(scale)) return null
  const most = kind === 'bytes' ? 2 ** 31 - 1 : kind === 'fixed' ? Math.floor(Math.log10(2) * (8 * size - 1)) : 0
  return precision > 0 && precision <= most && scale >= 0 && scale <= precision ? { name: 'decimal', precision, scale } : null
}

export type DecimalType = (PrimitiveType | FixedType) & { readonly logical: { readonly name: 'decimal', readonly precision: number, readonly scale: number } }

/** Whether values are read and written as decimals. One of more digits than a value may have is what it is made of: bytes. */
export function isDecimal (type: { readonly kind: string }): type is DecimalType {
  if (type.kind !== 'bytes' && type.kind !== 'fixed') return false
  const { logical } = type as PrimitiveType | FixedType
  return logical?.name === 'decimal' && logical.precision <= MAX_DIGITS
}
