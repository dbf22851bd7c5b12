/**
 * WebSocket frames (RFC 6455, 5.2) as a server writes them, without a mask.
 *
 * A message of records travels in two fragments: what differs from one subscriber to the next (id, cursor), and the
 * records, which do not. The second is encoded once and the same bytes go to everyone.
 */
const FIN = 0x80
const CONTINUATION = 0
const TEXT = 1

/** The first of two fragments. */
export const opening = (text: string): Buffer => frame(TEXT, text)

/** The last one. */
export const ending = (text: string): Buffer => frame(FIN | CONTINUATION, text)

function frame (first: number, text: string): Buffer {
  const size = Buffer.byteLength(text)
  const start = size < 126 ? 2 : size < 0x10000 ? 4 : 10
  const bytes = Buffer.allocUnsafe(start + size)
  bytes[0] = first
  if (start === 2) {
    bytes[1] = size
  } else if (start === 4) {
    bytes[1] = 126
    bytes.writeUInt16BE(size, 2)
  } else {
    bytes[1] = 127
    bytes.writeUInt32BE(0, 2)
    bytes.writeUInt32BE(size, 6)
  }
  bytes.write(text, start)
  return bytes
}

/** How many bytes of a frame are not its header. */
export function payloadBytes (frame: Buffer): number {
  const size = frame[1]!
  return frame.length - (size < 126 ? 2 : size === 126 ? 4 : 10)
}
