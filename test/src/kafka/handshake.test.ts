import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Heartbeat } from '../../../protocol/messages/12-heartbeat.ts'
import { SaslHandshake } from '../../../protocol/messages/17-sasl-handshake.ts'
import { ApiVersions } from '../../../protocol/messages/18-api-versions.ts'
import { SaslAuthenticate } from '../../../protocol/messages/36-sasl-authenticate.ts'
import type { Response } from '../../../protocol/schema.ts'
import { supportsOf, type Supports } from '../../../src/kafka/handshake.ts'
import { beat, openDoor } from './wire.ts'

const client = { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '4.3.1' }
const some = new Map([[0, [3, 9]], [1, [4, 99]], [3, [0, 12]], [999, [0, 1]], [12, [5, 6]]] as const)

function rangesOf ({ apiKeys }: Response<typeof ApiVersions>): Record<number, [number, number]> {
  return Object.fromEntries(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]))
}

t.test('ApiVersions answers every version, before anything is dispatched', async t => {
  const door = await openDoor(t, { supports: some, answer: () => { throw new Error('dispatched') } })
  for (let version = 0; version <= 4; version++) {
    const wire = await door.open()
    wire.send(ApiVersions, version, 40 + version, version >= 3 ? client : {})
    const { correlationId, body } = await wire.answer(ApiVersions, version)
    t.equal(correlationId, 40 + version)
    t.equal(body.errorCode, errors.NONE)
    t.same(rangesOf(body), {
      // Produce from 0 (KAFKA-18659), Fetch cut to what the codec reads, Heartbeat and 999 not at all.
      0: [0, 9], 1: [4, Fetch.versions[1]], 3: [0, 12], 17: [0, 1], 18: [0, 4], 36: [0, 2]
    })
    t.same(body.supportedFeatures, [])
    t.same(body.finalizedFeatures, [])
    t.equal(body.finalizedFeaturesEpoch, -1)
  }
})

t.test('ApiVersions in an unknown version is answered in v0 with the versions it may be asked in', async t => {
  const door = await openDoor(t)
  const wire = await door.open()
  for (const version of [5, 99, 32767, -1]) {
    const frame = Buffer.alloc(64, 0xee) // the body of a version that nobody knows
    frame.writeInt32BE(frame.length - 4, 0)
    frame.writeInt16BE(ApiVersions.key, 4)
    frame.writeInt16BE(version, 6)
    frame.writeInt32BE(version, 8)
    frame.writeInt16BE(-1, 12)
    wire.write(frame)
    const answer = await wire.next()
    t.same(answer, Buffer.from([
      0, 0, version >> 8 & 0xff, version & 0xff, // the correlation id
      0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4
    ].map((byte, i) => version < 0 && i < 2 ? 0xff : byte)))
  }
  wire.send(ApiVersions, 4, 9, client)
  t.equal((await wire.answer(ApiVersions, 4)).body.errorCode, errors.NONE, 'the connection goes on')
})

t.test('a client that does not introduce itself properly is told so', async t => {
  const door = await openDoor(t)
  const wire = await door.open()
  for (const [clientSoftwareName, clientSoftwareVersion] of [['', '1'], ['a', ''], ['-a', '1'], ['a-', '1'], ['a b', '1'], ['a', '1\n'], ['é', '1']]) {
    wire.send(ApiVersions, 3, 1, { clientSoftwareName: clientSoftwareName!, clientSoftwareVersion: clientSoftwareVersion! })
    const { body } = await wire.answer(ApiVersions, 3)
    t.equal(body.errorCode, errors.INVALID_REQUEST, JSON.stringify([clientSoftwareName, clientSoftwareVersion]))
    t.same(body.apiKeys, [])
  }
  t.equal(door.stats.clients.size, 0)
  wire.send(ApiVersions, 3, 1, { clientSoftwareName: 'a', clientSoftwareVersion: '1.0-rc.1' })
  t.equal((await wire.answer(ApiVersions, 3)).body.errorCode, errors.NONE)
})

t.test('open connections are counted by client software', async t => {
  const door = await openDoor(t)
  const [one, two] = [await door.open(), await door.open()]
  for (const wire of [one, two]) {
    wire.send(ApiVersions, 3, 1, client)
    await wire.answer(ApiVersions, 3)
  }
  const counts = (): unknown[] => Array.from(door.stats.clients.values(), ({ software, version, open }) => [software, version, open])
  const { clientSoftwareVersion: version } = client
  t.same(counts(), [['apache-kafka-java', version, 2]])
  two.send(ApiVersions, 3, 2, { ...client, clientSoftwareName: 'other-client' })
  await two.answer(ApiVersions, 3)
  t.same(counts(), [['apache-kafka-java', version, 1], ['other-client', version, 1]])
  one.socket.destroy()
  two.socket.destroy()
  await door.ended('client', 2)
  t.equal(door.stats.clients.size, 0)
})

t.test('rules can ask the connection of a request for the software at its other end', async t => {
  const seen: unknown[] = []
  const door = await openDoor(t, { answer: (_api, _request, { connection }) => { seen.push((connection as { software?: unknown }).software); return {} } })
  const wire = await door.open()
  await wire.ping()
  wire.send(ApiVersions, 3, 2, client)
  await wire.answer(ApiVersions, 3)
  await wire.ping(3)
  t.same(seen, [null, 'apache-kafka-java 4.3.1'])
})

t.test('SASL on a listener without SASL is refused, and the connection goes on', async t => {
  const door = await openDoor(t)
  const wire = await door.open()
  for (const version of [0, 1]) {
    wire.send(SaslHandshake, version, 1, { mechanism: 'PLAIN' })
    t.match((await wire.answer(SaslHandshake, version)).body, { errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: [] })
  }
  for (const version of [0, 1, 2]) {
    wire.send(SaslAuthenticate, version, 1, { authBytes: Buffer.from('\0user\0secret') })
    const { body } = await wire.answer(SaslAuthenticate, version)
    t.match(body, { errorCode: errors.ILLEGAL_SASL_STATE, errorMessage: /does not use SASL/ })
  }
  await wire.ping()
})

t.test('what is not served closes the connection with one helpful line', async t => {
  const door = await openDoor(t, { supports: some })
  const cases: [key: number, version: number, sentence: RegExp][] = [
    [Produce.key, 2, /Produce v2 is not served here, only v3 to v9: use a newer client\./],
    [Fetch.key, 18, /Fetch v18 is not served here, only v4 to v17: the client should ask for ApiVersions first\./],
    [Metadata.key, -1, /Metadata v-1 is not served here/],
    [Heartbeat.key, 4, /Heartbeat \(12\) is not served here/],
    [SaslHandshake.key, 2, /SaslHandshake v2 is not served here/],
    [SaslAuthenticate.key, 3, /SaslAuthenticate v3 is not served here/],
    [999, 0, /key \(999\) is not served here/],
    [-1, 0, /key \(-1\) is not served here/]
  ]
  for (const [i, [key, version, sentence]] of cases.entries()) {
    const wire = await door.open()
    const frame = Buffer.from('0000000c0000000000000007000261620000', 'hex')
    frame.writeInt32BE(frame.length - 4, 0)
    frame.writeInt16BE(key, 4)
    frame.writeInt16BE(version, 6)
    wire.write(frame)
    await wire.closed()
    await door.ended('unsupported', i + 1)
    t.match(door.logs.at(-1), { level: 30, msg: sentence, clientId: 'ab', version, address: '127.0.0.1' })
    t.equal(door.logs.filter(line => sentence.test(line.msg)).length, 1)
  }
})

t.test('names without end are cut short in the log', async t => {
  const door = await openDoor(t, { supports: some })
  const wire = await door.open()
  wire.send(ApiVersions, 3, 1, { clientSoftwareName: 'n'.repeat(100_000), clientSoftwareVersion: '1' })
  await wire.answer(ApiVersions, 3)
  wire.send(Heartbeat, 4, 2, beat('m'), 'c'.repeat(32_000))
  await wire.closed()
  await door.ended('unsupported')
  const { software, clientId } = door.logs.at(-1)!
  t.equal(software, `${'n'.repeat(128)}… 1`)
  t.equal(clientId, `${'c'.repeat(128)}…`)
})

t.test('what is served may change while clients are connected', async t => {
  let behind: Supports = new Map([[3, [0, 9]]])
  const own: [number, [number, number]][] = [[12, [0, 4]]]
  const supports = supportsOf(() => behind, own)
  t.equal(supports(), supports(), 'the same, until it is another')
  const door = await openDoor(t, { supports, answer: () => ({ brokers: [], topics: [] }) })
  const wire = await door.open()
  const ask = async (): Promise<Record<number, [number, number]>> => {
    wire.send(ApiVersions, 3, 1, client)
    return rangesOf((await wire.answer(ApiVersions, 3)).body)
  }
  t.match(await ask(), { 3: [0, 9], 12: [0, 4] })
  behind = new Map([[3, [1, 12]], [1, [4, 12]]])
  t.match(await ask(), { 1: [4, 12], 3: [1, 12], 12: [0, 4] })
  wire.send(Metadata, 12, 2, { topics: [] })
  t.equal((await wire.answer(Metadata, 12)).correlationId, 2, 'the connection goes on, with what is new')
  behind = new Map([[3, [1, 12]]])
  t.notOk(1 in await ask())
  wire.send(Fetch, 12, 3, { maxWaitMs: 0, minBytes: 0, topics: [] })
  await wire.closed()
  await door.ended('unsupported')
})
