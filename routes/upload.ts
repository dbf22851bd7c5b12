/**
 * Bodies that are read while they arrive.
 */
import type { Readable } from 'node:stream'

/**
 * The chunks of a body, until it ends or `stop` is aborted: then there is no more, and the caller looks at the signal. The
 * peer is held back while a chunk is being dealt with. Rejects when the peer leaves in the middle.
 */
export async function * chunksOf (body: Readable, stop: AbortSignal): AsyncGenerator<Buffer, void, void> {
  let wake = (): void => {}
  const onEvent = (): void => wake()
  const events = ['readable', 'end', 'error', 'close']
  for (const event of events) body.on(event, onEvent)
  stop.addEventListener('abort', onEvent)
  try {
    while (!stop.aborted) {
      const chunk = body.read() as Buffer | null
      if (chunk !== null) yield chunk
      else if (body.readableEnded) return
      else if (body.destroyed) throw body.errored ?? Object.assign(new Error('The peer left in the middle of the body.'), { code: 'ECONNRESET' })
      else await new Promise<void>(resolve => { wake = resolve })
    }
  } finally {
    for (const event of events) body.off(event, onEvent)
    stop.removeEventListener('abort', onEvent)
    // What is still to come is thrown away, so that the peer gets to read the answer.
    body.on('error', () => {})
    body.resume()
  }
}
