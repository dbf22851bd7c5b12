/**
 * Orders: Avro records of 200 bytes, with the things that are in real ones.
 */
export const orderSchema = JSON.stringify({
  type: 'record',
  name: 'Order',
  namespace: 'bench',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'customer', type: 'string' },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID', 'SENT'] } },
    { name: 'total', type: 'double' },
    { name: 'coupon', type: ['null', 'string'], default: null },
    {
      name: 'lines',
      type: { type: 'array', items: { type: 'record', name: 'Line', fields: [{ name: 'sku', type: 'string' }, { name: 'count', type: 'int' }] } }
    }
  ]
})

export const ORDER_BYTES = 200

/** Framed with the id of the schema. */
export function orderBytes (schemaId: number, id: number): Buffer {
  const frame = Buffer.alloc(5)
  frame.writeInt32BE(schemaId, 1)
  const parts = [frame, long(BigInt(id) * 1_000_003n), text(`customer-${id}`), long(BigInt(id % 3)), double(id * 1.25)]
  parts.push(id % 2 === 0 ? long(0n) : Buffer.concat([long(1n), text(`coupon-${id}`)]))
  parts.push(long(3n))
  let left = ORDER_BYTES - Buffer.concat(parts).length - 1 - 6
  for (let i = 0; i < 3; i++) {
    const length = i === 2 ? left : Math.floor(left / (3 - i))
    left -= length
    parts.push(text(sku(id * 3 + i, length - 1)), long(BigInt(i + 1)))
  }
  parts.push(long(0n))
  return Buffer.concat(parts)
}

/** Letters and digits that do not repeat: what is compressed in real records are the names, which Avro does not write. */
function sku (seed: number, length: number): string {
  let state = seed + 1
  return Array.from({ length }, () => {
    state = (state * 48271) % 0x7fffffff
    return (state % 36).toString(36)
  }).join('')
}

function long (value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

function double (value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

const text = (value: string): Buffer => Buffer.concat([long(BigInt(value.length)), Buffer.from(value)])
