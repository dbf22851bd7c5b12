/**
 * What there is only so much of, taken by one at the expense of all: connections, over all doors together, and memory.
 */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Wire, requestFrame } from '../src/kafka/wire.ts'
import { createHttpServer } from '../../routes/http.ts'
import { createAuthority } from '../support/certificates.ts'
import { contractPath, openDoor } from '../support/http-door.ts'
import { ADMIN, authenticated, basic, openSecureApp, type SecureApp } from '../support/secure-app.ts'

const headers = { authorization: basic(ADMIN.name) }

/** A connection to the HTTP door that says nothing yet. */
async function dial (t: Test, { http }: SecureApp, localAddress: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(http).port), host: '127.0.0.1', localAddress }).on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** What a new connection from there is told. */
async function statusFrom ({ http }: SecureApp, localAddress: string, path = '/livez'): Promise<number> {
  const sent = request(`${http}${path}`, { localAddress, agent: false, headers }).end()
  const [response] = await once(sent, 'response') as [import('node:http').IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode!
}

async function limitHits ({ http }: SecureApp, limit: string): Promise<number> {
  // From elsewhere: whoever has no connection left cannot look either.
  const sent = request(`${http}/metrics`, { localAddress: '127.9.9.9', agent: false, headers }).end()
  const [response] = await once(sent, 'response') as [import('node:http').IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return Number(new RegExp(`^barnabas_limit_hits_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

t.test('connections of an address are counted over all doors, and leave others alone', async t => {
  const house = await openSecureApp(t, { options: ['--max-connections-per-address', '6'] })
  const kafka = await Promise.all(Array.from({ length: 3 }, () => Wire.open('127.0.0.1', house.kafkaPort, '127.4.0.1')))
  t.teardown(() => { for (const { socket } of kafka) socket.destroy() })
  await Promise.all([dial(t, house, '127.4.0.1'), dial(t, house, '127.4.0.1')])
  t.equal(await statusFrom(house, '127.4.0.1'), 200, 'one more')
  const last = await dial(t, house, '127.4.0.1')
  t.equal(await statusFrom(house, '127.4.0.1'), 503, 'is one too many over HTTP')
  const refused = await Wire.open('127.0.0.1', house.kafkaPort, '127.4.0.1')
  t.teardown(() => refused.socket.destroy())
  await refused.closed()
  t.equal(await statusFrom(house, '127.4.0.2'), 200, 'not for another address')
  t.ok(await limitHits(house, 'connections_per_address') >= 2)
  last.destroy()
  kafka[0]!.socket.destroy()
  const deadline = Date.now() + 5000
  while (await statusFrom(house, '127.4.0.1') !== 200) if (Date.now() > deadline) return t.fail('never again')
})

t.test('connections in all', async t => {
  const house = await openSecureApp(t, { options: ['--max-connections', '5'] })
  const sockets = await Promise.all(Array.from({ length: 5 }, (_, i) => dial(t, house, `127.5.0.${i + 1}`)))
  t.equal(await statusFrom(house, '127.5.1.1'), 503)
  const refused = await Wire.open('127.0.0.1', house.kafkaPort, '127.5.1.2')
  t.teardown(() => refused.socket.destroy())
  await refused.closed()
  for (const socket of sockets.splice(0, 3)) socket.destroy()
  const deadline = Date.now() + 5000
  while (await statusFrom(house, '127.5.1.1') !== 200) if (Date.now() > deadline) return t.fail('never again')
  t.ok(await limitHits(house, 'connections') >= 2)
})

t.test('S3: who connects too fast is turned away, and who does not is served', async t => {
  const house = await openSecureApp(t, { options: ['--connection-rate', '10'] })
  const statuses = await Promise.all(Array.from({ length: 60 }, () => statusFrom(house, '127.6.0.1').catch(() => 503)))
  const refused = statuses.filter(status => status === 503).length
  t.ok(refused >= 30, `${refused} of 60 refused`)
  t.ok(statuses.includes(200), 'but not from the beginning')
  t.equal(await statusFrom(house, '127.6.0.2'), 200, 'another address')
  t.ok(await limitHits(house, 'connection_rate') >= 30)
})

t.test('memory for requests is shared by all doors, and by address before anybody has said who he is', async t => {
  const house = await openSecureApp(t, { options: ['--memory-in-flight', '8MiB', '--memory-in-flight-per-principal', '4MiB'] })
  const { http } = house
  await fetch(`${http}/topics/t`, { method: 'POST', headers, body: 'x' })
  // Half bodies of 4 MiB each, that will never be complete: one fits.
  const half = async (localAddress: string): Promise<Socket> => {
    const socket = await dial(t, house, localAddress)
    socket.write(`POST /topics/t HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\nContent-Length: ${4 * 1024 * 1024}\r\n\r\nx`)
    return socket
  }
  const sockets = [await half('127.7.0.1'), await half('127.7.0.2'), await half('127.7.0.3')]
  const waiting = async (): Promise<number> => {
    const text = await (await fetch(`${http}/metrics`, { headers })).text()
    return Number(/^barnabas_memory_in_flight_waiting (\d+)$/m.exec(text)![1])
  }
  while (await waiting() !== 2) if (sockets[0]!.destroyed) return t.fail('they do not wait')
  await house.addUser('bob')
  const native = await Wire.open('127.0.0.1', house.kafkaPort, '127.7.0.4')
  t.teardown(() => native.socket.destroy())
  const partitionData = [{ index: 0, records: [Buffer.alloc(2 * 1024 * 1024)] }]
  native.write(requestFrame(Produce, 9, 1, { acks: 1, timeoutMs: 1, topicData: [{ name: 't', partitionData }] }))
  await native.next()
  t.ok(native.ended, 'and before the login no request is that large')
  const bob = await authenticated(house.kafkaPort, 'bob', 'bob-secret')
  t.teardown(() => bob.destroy())
  const { topics } = await bob.send(Metadata, 1, { topics: null })
  t.same(topics, [], 'what is small is not held up')
  for (const socket of sockets) socket.destroy()
  while (await waiting() !== 0);
  t.equal((await fetch(`${http}/topics/t`, { method: 'POST', headers, body: Buffer.alloc(500_000, 'x') })).status, 201, 'what was left is free again')
})

t.test('a TLS hello at the HTTP door has as long as a header', async t => {
  const { door } = await openDoor(t)
  const { cert, key } = await (await createAuthority()).server()
  const tls = { clientAuth: 'none', context: () => ({ cert, key }), onReload () {} } as const
  const app = await createHttpServer(door, { logger: pino({ level: 'silent' }), contractPath, tls })
  t.teardown(() => app.close())
  const limit = Object.getOwnPropertySymbols(app.server).find(({ description }) => description === 'handshake-timeout')!
  t.equal((app.server as unknown as Record<symbol, number>)[limit], 10_000, 'Node itself would wait two minutes')
})
