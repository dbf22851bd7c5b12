/**
 * Requests whose end two readers could see in different places, and others that are no HTTP: each is refused or cut off, and
 * never is what stands behind it taken for a request of its own.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { openDoor } from '../support/http-door.ts'

const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n'

/** What comes after the Host of a POST, and the body. */
const fields: Readonly<Record<string, string>> = {
  'length and chunks': `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'chunks and length': `Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'two lengths': `Content-Length: 0\r\nContent-Length: 5\r\n\r\n${HIDDEN}`,
  'two equal lengths': `Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello${HIDDEN}`,
  'a list of lengths': `Content-Length: 0, 5\r\n\r\n${HIDDEN}`,
  'a list of equal lengths': `Content-Length: 5, 5\r\n\r\nhello${HIDDEN}`,
  'a length with a plus': `Content-Length: +0\r\n\r\n${HIDDEN}`,
  'a length below nothing': `Content-Length: -5\r\n\r\n${HIDDEN}`,
  'a length in hex': `Content-Length: 0x5\r\n\r\nhello${HIDDEN}`,
  'a length with a fraction': `Content-Length: 5.0\r\n\r\nhello${HIDDEN}`,
  'a length with a space in it': `Content-Length: 0 5\r\n\r\nhello${HIDDEN}`,
  'a length of nothing': `Content-Length:\r\n\r\n${HIDDEN}`,
  'a length of more than 64 bits': `Content-Length: 18446744073709551621\r\n\r\nhello${HIDDEN}`,
  'a length in other digits': `Content-Length: \u0665\r\n\r\nhello${HIDDEN}`,
  'a length whose name ends in a space': `Content-Length : 5\r\n\r\nhello${HIDDEN}`,
  'a length whose name begins with one': `X: y\r\n Content-Length: 5\r\n\r\nhello${HIDDEN}`,
  'a coding that nobody knows': `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a coding after the chunks': `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'no coding': `Transfer-Encoding: identity\r\n\r\n${HIDDEN}`,
  'a coding that is empty': `Transfer-Encoding:\r\n\r\n${HIDDEN}`,
  'a coding in quotes': `Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a coding with a control character': `Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a coding on a folded line': `Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a coding whose name ends in a space': `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a coding whose name ends in a tab': `Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'a field on a folded line': `X: y\r\n z\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a field without a colon': `Content-Length 5\r\n\r\n${HIDDEN}`,
  'a field without a name': `: 5\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a field with a zero in it': `X: a\0b\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a field with a lone CR in it': `X: a\rContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a field that ends in a lone LF': `X: a\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a header that ends in a lone LF': `Content-Length: 0\r\n\n${HIDDEN}`,
  'another Host': `Host: y\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'another Host, in capitals': `HOST: x\r\nContent-Length: 0\r\n\r\n${HIDDEN}`,
  'a chunk of no number': `Transfer-Encoding: chunked\r\n\r\ng\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk below nothing': `Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk with a plus': `Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk with a prefix': `Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk behind a space': `Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk of more than 64 bits': `Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk size that ends in a lone LF': `Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'an extension that ends in a lone LF': `Transfer-Encoding: chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk longer than its size': `Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a chunk that ends in a lone LF': `Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n${HIDDEN}`,
  'an extension without end': `Transfer-Encoding: chunked\r\n\r\n5;${'a'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  'a trailer that is no field': `Transfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n${HIDDEN}`
}

/** Whole requests. */
const lines: Readonly<Record<string, string>> = {
  'HTTP/0.9': `GET /\r\n\r\n${HIDDEN}`,
  'HTTP/2.0 in words': `GET / HTTP/2.0\r\nHost: x\r\n\r\n${HIDDEN}`,
  'the preface of HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${HIDDEN}`,
  'a version that is none': `GET / HTTP/1.1x\r\nHost: x\r\n\r\n${HIDDEN}`,
  'another protocol': `GET / ICY/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'chunks in HTTP/1.0': `POST /topics/t HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${HIDDEN}`,
  'no Host': `GET / HTTP/1.1\r\n\r\n${HIDDEN}`,
  'a method that is none': `FETCH / HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a method in small letters': `get / HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a path with a space': `GET /a b HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a path with a zero': `GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a path with a line break': `GET /livez\nX: y HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`,
  'a space before the first field': `GET / HTTP/1.1\r\n Host: x\r\n\r\n${HIDDEN}`,
  'a tunnel': `CONNECT other:80 HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`
}

/** Everything that comes back until the connection is closed. */
async function answersTo (t: Test, port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => { text += chunk }).on('error', () => {})
  await once(socket, 'connect')
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.end(Buffer.from(bytes))
  await closed
  return text
}

t.test('what could be read in two ways is refused, and nothing is read behind it', async t => {
  const { listen, log, logged } = await openDoor(t)
  log.create('t')
  const port = Number(new URL(await listen()).port)
  t.match(await answersTo(t, port, `GET /livez HTTP/1.1\r\nHost: x\r\n\r\n${HIDDEN}`), /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 404 [^]*hidden/,
    'two requests that are two requests have two answers')
  const posts = Object.entries(fields).map(([name, rest]) => [name, `POST /topics/t HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n${rest}`] as const)
  for (const [name, bytes] of [...posts, ...Object.entries(lines)]) {
    const text = await answersTo(t, port, bytes)
    const statuses = Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status))
    t.notMatch(text, 'hidden', name)
    t.ok(statuses.length <= 1 && statuses.every(status => status >= 400 && status < 500), `${name}: ${statuses.join(', ') || 'cut off'}`)
  }
  t.equal(log.topics.get('t')!.partitions[0]!.end, 0, 'nothing was appended')
  t.same(logged, [], 'and nothing went wrong')
})

t.test('CVE-2023-44487: HTTP/2 is not spoken, not even after an upgrade', async t => {
  const { listen } = await openDoor(t)
  const port = Number(new URL(await listen()).port)
  const upgrade = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n'
  t.match(await answersTo(t, port, `GET /livez HTTP/1.1\r\nHost: x\r\n${upgrade}`), /^HTTP\/1\.1 200 /)
  t.notMatch(await answersTo(t, port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + '\0\0\0\x04\0\0\0\0\0'.repeat(10)), /^\0/)
})
