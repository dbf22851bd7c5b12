/**
 * What is not Kafka. A stream whose first four bytes cannot be a frame length comes from something else, most often a
 * client that was given the wrong port or the wrong security protocol; those four bytes are enough to say what it is.
 */

export interface Stranger {
  /** For the log: what came, and what to do about it. */
  readonly sentence: string
  /** What to answer before closing, where the peer can be told something in its own language. */
  readonly reply: Buffer | null
}

/** The first four bytes of HTTP's methods (RFC 9110, RFC 5789), and of the preface of HTTP/2 (RFC 9113). */
const httpStarts = new Set(['GET ', 'HEAD', 'POST', 'PUT ', 'PATC', 'DELE', 'OPTI', 'CONN', 'TRAC', 'PRI '])

/**
 * `firstBytes` are the stream's first four bytes as an unsigned number, `where` is the address that was reached, `httpHint`
 * the URL of the HTTP door.
 */
export function describeStranger (firstBytes: number, where: string, httpHint: string | null): Stranger {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(firstBytes)
  const text = bytes.toString('latin1')
  const silent = (sentence: string): Stranger => ({ sentence, reply: null })

  if (httpStarts.has(text)) {
    const elsewhere = httpHint === null ? 'this port speaks only the Kafka protocol' : `HTTP is at ${httpHint}`
    const sentence = `An HTTP request reached the Kafka port ${where}; ${elsewhere}.`
    return { sentence, reply: badRequest(sentence) }
  }
  // A TLS record: content type 22 (handshake), then the version, whose first byte has always been 3 (RFC 8446, 5.1).
  if (bytes[0] === 0x16 && bytes[1] === 3) {
    return silent(`A TLS handshake reached the Kafka port ${where}, which does not speak TLS: ` +
      'set security.protocol=PLAINTEXT (or SASL_PLAINTEXT) in the client.')
  }
  if (text === 'PROX' || firstBytes === 0x0d0a0d0a) {
    return silent(`A PROXY protocol header reached the Kafka port ${where}, which does not read it: switch it off in the load balancer.`)
  }
  if (firstBytes === 0) return silent(`Zeros reached the Kafka port ${where}: whatever sent them is not a Kafka client.`)
  return silent(`Something that is not Kafka reached the Kafka port ${where}: its first four bytes are ` +
    `${bytes.toString('hex')} ("${text.replaceAll(/[^ -~]/g, '.')}").`)
}

function badRequest (sentence: string): Buffer {
  const body = sentence + '\n'
  return Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}
