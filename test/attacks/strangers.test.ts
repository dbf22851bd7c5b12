/**
 * What strangers call themselves and others: no name becomes a line of the log, a series of the metrics, or memory that is
 * kept for good.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../protocol/messages/10-find-coordinator.ts'
import { JoinGroup } from '../../protocol/messages/11-join-group.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { createLogger } from '../../src/logger.ts'
import { requestFrame, Wire } from '../src/kafka/wire.ts'
import { ADMIN, basic, openSecureApp, type SecureApp } from '../support/secure-app.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

// ---- log injection

/** Line breaks of all kinds, what moves a cursor, what turns text around: each begins a line that would lie. */
const FORGED = 'forged-by-a-stranger'
const breaks = ['\n', '\r\n', '\r', '\u2028', '\u2029', '\v', '\f', '\x85', '\x1b[2K\x1b[1G', '\x9b2K', '\0', '\x08\x08\x08', '\u202e']
const evil = breaks.map(text => `x${text}{"level":"fatal","msg":"${FORGED}"}`)

async function kafkaWire (t: Test, { kafkaPort }: SecureApp, localAddress: string): Promise<Wire> {
  const wire = await Wire.open('127.0.0.1', kafkaPort, localAddress)
  t.teardown(() => wire.socket.destroy())
  wire.socket.on('error', () => {})
  return wire
}

/** Uses the name wherever one can be given. Each caller has an address of its own, because failures are held back by address. */
async function abuse (t: Test, house: SecureApp, name: string, n: number): Promise<void> {
  const from = (i: number): Promise<Wire> => kafkaWire(t, house, `127.2.${n}.${i}`)
  const { http } = house
  const said = await from(1)
  said.send(ApiVersions, 3, 1, { clientSoftwareName: name, clientSoftwareVersion: name }, name)
  await said.next()
  said.send(SaslHandshake, 1, 2, { mechanism: name }, name)
  await said.next()
  const unproved = await from(2)
  unproved.send(Metadata, 12, 1, { topics: [{ name }] }, name)
  await unproved.next()
  const wrong = await from(3)
  wrong.send(SaslHandshake, 1, 1, { mechanism: 'SCRAM-SHA-256' }, name)
  await wrong.next()
  wrong.send(SaslAuthenticate, 2, 2, { authBytes: Buffer.from(`n,,n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${'r'.repeat(24)}`) }, name)
  await wrong.next()
  wrong.send(SaslAuthenticate, 2, 3, { authBytes: Buffer.from(name) }, name)
  const plain = await from(4)
  plain.send(SaslHandshake, 1, 1, { mechanism: 'PLAIN' }, name)
  await plain.next()
  plain.send(SaslAuthenticate, 2, 2, { authBytes: Buffer.from(`\0${name}\0wrong`) }, name)
  await plain.next()
  const known = await from(5)
  known.send(SaslHandshake, 1, 1, { mechanism: 'PLAIN' }, name)
  await known.next()
  known.send(SaslAuthenticate, 2, 2, { authBytes: Buffer.from(`\0${ADMIN.name}\0${ADMIN.password}`) }, name)
  await known.next()
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name, value: name }] }]
  known.send(CreateTopics, 7, 3, { topics, timeoutMs: 100 }, name)
  await known.next()
  known.send(FindCoordinator, 4, 4, { keyType: 0, coordinatorKeys: [name] }, name)
  await known.next()
  const member = { groupId: name, memberId: name, groupInstanceId: name, protocolType: name, protocols: [] }
  known.send(JoinGroup, 5, 5, { ...member, sessionTimeoutMs: -1, rebalanceTimeoutMs: 1 }, name)
  await known.next()
  const broken = requestFrame(Metadata, 12, 6, { topics: [] }, name)
  known.write(broken.fill(0xff, broken.length - 4))
  await known.next()

  const encoded = encodeURIComponent(name)
  const headers = { authorization: basic(ADMIN.name) }
  const json = { ...headers, 'content-type': 'application/json' }
  await Promise.all([
    fetch(`${http}/topics/${encoded}/records`, { headers }), fetch(`${http}/${encoded}?${encoded}=${encoded}`, { headers }),
    fetch(`${http}/topics/${encoded}`, { method: 'POST', headers, body: name }), fetch(`${http}/v3/clusters/${encoded}/topics`, { headers }),
    fetch(`${http}/topics`, { headers: { authorization: basic(name, 'wrong') } }),
    fetch(`${http}/users/${encoded}`, { method: 'PUT', headers: json, body: '{"password":"of-this-one"}' }),
    fetch(`${http}/users/nobody`, { method: 'PUT', headers: json, body: JSON.stringify({ [name]: name }) }),
    fetch(`${http}/quotas`, { method: 'PUT', headers: json, body: JSON.stringify({ entity: { user: name }, quotas: { request_percentage: 9 } }) })
  ].map(async response => await (await response).text()))
  const raw = connect(Number(new URL(http).port), '127.0.0.1').on('error', () => {})
  const ended = new Promise(resolve => raw.once('close', resolve))
  raw.resume().end(Buffer.from(`GET / HTTP/1.1\r\nHost: ${name}\r\nX: ${name}\r\n\r\n`))
  await ended
  const socket = new WebSocket(`${http.replace('http', 'ws')}/ws`, 'barnabas.v1+json', { headers })
  await once(socket, 'open')
  for (const message of [
    { type: 'connect', clientId: name }, { type: 'subscribe', id: 's', topics: [name] },
    { type: 'produce', id: 'p', topic: name, records: [{ value: name }] }, { type: name }
  ]) socket.send(JSON.stringify(message))
  await once(socket, 'close')
}

for (const logFormat of ['json', 'pretty'] as const) {
  t.test(`nobody writes a line of the log by what he calls himself: ${logFormat}`, async t => {
    let log = ''
    const logger = await createLogger({ logLevel: 'trace', logFormat, color: false }, { write: line => { log += line } })
    const house = await openSecureApp(t, { logger })
    await Promise.all(evil.map((name, n) => abuse(t, house, name, logFormat === 'json' ? n : 100 + n)))
    const lines = log.split('\n').slice(0, -1)
    t.ok(lines.length > 20, `${lines.length} lines`)
    t.ok(log.includes(FORGED), 'some of it is told')
    for (const line of lines) {
      if (logFormat === 'json') {
        const { level, msg } = JSON.parse(line) as { level: string, msg: string }
        if (level === 'fatal' || level === 'error' || msg.includes(FORGED)) t.fail(line)
      } else if (!/^(\[\d\d:\d\d:\d\d\.\d{3}\] [A-Z]+: | {4,}\S)/.test(line)) { // errors have lines of their own, further in
        t.fail(`no beginning of a line: ${line}`)
      }
    }
    const unseen = /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/u // eslint-disable-line no-control-regex
    t.same(lines.filter(line => unseen.test(line)), [], 'nothing moves the cursor of a terminal')
  })
}

// ---- names without end

t.test('names without end are neither series nor memory', async t => {
  const house = await openSecureApp(t, { options: ['--max-connections-per-address', '5000', '--connection-rate', '100000'] })
  const scrape = async (): Promise<string[]> => {
    const text = await (await fetch(`${house.http}/metrics`, { headers: { authorization: basic(ADMIN.name) } })).text()
    return text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  }
  await scrape()
  const before = await scrape()
  const wire = await kafkaWire(t, house, '127.3.0.1')
  wire.send(SaslHandshake, 1, 1, { mechanism: 'PLAIN' })
  await wire.next()
  wire.send(SaslAuthenticate, 2, 2, { authBytes: Buffer.from(`\0${ADMIN.name}\0${ADMIN.password}`) })
  await wire.next()
  // Quotas by client id make something to keep for each.
  await house.setQuota({ 'client-id': null }, { request_percentage: 1000, producer_byte_rate: 1e9 })
  gc()
  const heap = process.memoryUsage().heapUsed
  const ROUNDS = 60
  const EACH = 500
  for (let round = 0; round < ROUNDS; round++) {
    const frames: Buffer[] = []
    for (let i = 0; i < EACH; i++) {
      const name = `stranger-${round}-${i}`
      frames.push(i % 2 === 0
        ? requestFrame(ApiVersions, 3, i, { clientSoftwareName: name, clientSoftwareVersion: name }, name)
        : requestFrame(Metadata, 1, i, { topics: [] }, name))
    }
    wire.write(frames)
    for (let i = 0; i < EACH; i++) await wire.next()
  }
  for (let i = 0; i < 300; i++) {
    const response = await fetch(`${house.http}/path-${i}/of/nothing?name=${i}`, {
      method: 'POST', headers: { authorization: basic(ADMIN.name), 'user-agent': `agent-${i}`, 'x-client-id': `client-${i}` }
    })
    await response.body?.cancel()
  }
  const after = await scrape()
  t.ok(after.length - before.length < 150, `${after.length - before.length} more series of ${ROUNDS * EACH + 300} names`)
  t.ok(after.length < 10_000, `${after.length} series`)
  const named = after.filter(line => /stranger-\d|path-\d|agent-\d|client-\d/.test(line))
  const last = `stranger-${ROUNDS - 1}-${EACH - 2}`
  t.same(named, [`barnabas_kafka_client_connections{software="${last}",version="${last}"} 1`], 'but for the software of who is connected')
  gc()
  const grown = (process.memoryUsage().heapUsed - heap) / 1024 / 1024
  t.ok(grown < 64, `${grown.toFixed()} MiB of heap`)
})
