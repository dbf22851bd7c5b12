import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { describeStranger } from '../../../src/kafka/stranger.ts'
import { openDoor, type Door } from './wire.ts'

async function send (door: Door, bytes: string | Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: door.port })
  await once(socket, 'connect')
  socket.write(bytes)
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString() })
  socket.on('error', () => {}) // a RST is an end as well
  await once(socket, 'close')
  return text
}

t.test('an HTTP client is told where HTTP is', async t => {
  const door = await openDoor(t, { httpHint: 'http://127.0.0.1:8082' })
  const response = await fetch(`http://127.0.0.1:${door.port}/topics/greetings`, { method: 'POST', body: 'hello'.repeat(100_000) })
  t.equal(response.status, 400)
  t.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
  const sentence = `An HTTP request reached the Kafka port 127.0.0.1:${door.port}; HTTP is at http://127.0.0.1:8082.`
  t.equal(await response.text(), sentence + '\n')
  t.match(door.logs.at(-1), { level: 40, msg: sentence, address: '127.0.0.1' })
  await door.ended('not_kafka')
})

t.test('every HTTP method is recognised, and the preface of HTTP/2', async t => {
  const door = await openDoor(t)
  for (const start of ['GET /', 'HEAD /', 'POST /', 'PUT /', 'PATCH /', 'DELETE /', 'OPTIONS *', 'CONNECT a:1', 'TRACE /', 'PRI * HTTP/2.0']) {
    t.match(await send(door, `${start} HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400 Bad Request\r\n[^]*speaks only the Kafka protocol/, start)
  }
})

t.test('a TLS client is named as such, and closed', async t => {
  const door = await openDoor(t)
  const socket = connectTls({ host: '127.0.0.1', port: door.port, rejectUnauthorized: false })
  await t.rejects(once(socket, 'secureConnect'))
  await door.ended('not_kafka')
  t.match(door.logs.at(-1), { level: 40, msg: /A TLS handshake reached the Kafka port.*security\.protocol=PLAINTEXT/ })
})

t.test('whatever else comes is described by its first bytes', async t => {
  const door = await openDoor(t)
  const cases: [string | Buffer, RegExp][] = [
    ['PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n', /PROXY protocol/],
    [Buffer.from('0d0a0d0a000d0a515549540a', 'hex'), /PROXY protocol/],
    [Buffer.alloc(100), /Zeros reached/],
    ['SSH-2.0-OpenSSH_9.9\r\n', /first four bytes are 5353482d \("SSH-"\)/],
    [Buffer.from('ffff0a21', 'hex'), /first four bytes are ffff0a21 \("\.\.\.!"\)/]
  ]
  for (const [bytes, sentence] of cases) {
    t.equal(await send(door, bytes), '')
    t.match(door.logs.at(-1)!.msg, sentence)
  }
  await door.ended('not_kafka', cases.length)
})

t.test('what does not print is not printed', async t => {
  t.equal(describeStranger(0x1b5b410a, 'here', null).sentence,
    'Something that is not Kafka reached the Kafka port here: its first four bytes are 1b5b410a (".[A.").')
})

t.test('a flood of strangers costs a few lines', async t => {
  const door = await openDoor(t)
  for (let i = 0; i < 50; i++) await send(door, 'SSH-2.0')
  await door.ended('not_kafka', 50)
  t.equal(door.logs.filter(line => /SSH/.test(line.msg)).length, 10)
})
