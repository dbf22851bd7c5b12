import { networkInterfaces } from 'node:os'
import t, { type Test } from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Produce } from '../../../protocol/messages/00-produce.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { FindCoordinator } from '../../../protocol/messages/10-find-coordinator.ts'
import { DescribeCluster } from '../../../protocol/messages/60-describe-cluster.ts'
import type { Api } from '../../../protocol/schema.ts'
import { formatAddress, plainAddress } from '../../../src/kafka/advertise.ts'
import { openDoor, Wire, type Door } from './wire.ts'

const own = { nodeId: 1, host: '', port: 0 }
const another = { nodeId: 2, host: 'gateway-2.example', port: 9094 }

/** What an engine answers: its own node without an address, another one with. */
function answer (api: Api, _request: unknown, { version }: { version: number }): unknown {
  switch (api) {
    case Metadata: return { brokers: [own, another], controllerId: 1, topics: [] }
    case DescribeCluster: return { clusterId: 'c', brokers: [{ ...own, brokerId: 1 }, { ...another, brokerId: 2 }] }
    case Produce: return { responses: [], nodeEndpoints: version === 12 ? [own] : [] }
    case Fetch: return { responses: [], nodeEndpoints: version === 17 ? [own, another] : [] }
    default: return version < 4
      ? { ...own, port: -1 }
      : {
          coordinators: [
            { ...own, key: 'a', errorCode: 0, errorMessage: null },
            { nodeId: -1, host: '', port: -1, key: 'b', errorCode: errors.COORDINATOR_NOT_AVAILABLE, errorMessage: null },
            { ...another, key: 'c', errorCode: 0, errorMessage: null }
          ]
        }
  }
}

async function check (t: Test, wire: Wire, here: { host: string, port: number }): Promise<void> {
  const there = { host: another.host, port: another.port }
  for (let version = 0; version <= 13; version++) {
    wire.send(Metadata, version, version, { topics: [] })
    t.match((await wire.answer(Metadata, version)).body.brokers, [{ nodeId: 1, ...here }, { nodeId: 2, ...there }], `Metadata v${version}`)
  }
  for (let version = 0; version <= 3; version++) {
    wire.send(FindCoordinator, version, version, { key: 'g' })
    t.match((await wire.answer(FindCoordinator, version)).body, { nodeId: 1, ...here }, `FindCoordinator v${version}`)
  }
  for (let version = 4; version <= 6; version++) {
    wire.send(FindCoordinator, version, version, { coordinatorKeys: ['a', 'b', 'c'] })
    t.match((await wire.answer(FindCoordinator, version)).body.coordinators,
      [{ key: 'a', ...here }, { key: 'b', host: '', port: -1 }, { key: 'c', ...there }], `FindCoordinator v${version}`)
  }
  for (let version = 0; version <= 2; version++) {
    wire.send(DescribeCluster, version, version, { includeClusterAuthorizedOperations: false })
    t.match((await wire.answer(DescribeCluster, version)).body.brokers, [{ brokerId: 1, ...here }, { brokerId: 2, ...there }], `DescribeCluster v${version}`)
  }
  for (const version of [9, 11, 12]) {
    wire.send(Produce, version, version, { acks: -1, timeoutMs: 1, topicData: [] })
    t.match((await wire.answer(Produce, version)).body.nodeEndpoints, version === 12 ? [{ nodeId: 1, ...here }] : [], `Produce v${version}`)
  }
  for (const version of [12, 16, 17]) {
    wire.send(Fetch, version, version, { maxWaitMs: 0, minBytes: 0, topics: [] })
    const endpoints = version === 17 ? [{ nodeId: 1, ...here }, { nodeId: 2, ...there }] : []
    t.match((await wire.answer(Fetch, version)).body.nodeEndpoints, endpoints, `Fetch v${version}`)
  }
}

t.test('nodes without an address get the one that the client reached', async t => {
  const door = await openDoor(t, { answer })
  await check(t, await door.open(), { host: '127.0.0.1', port: door.port })
})

t.test('or the advertised one', async t => {
  const door = await openDoor(t, { answer, advertised: { host: 'kafka.example', port: 19092 } })
  await check(t, await door.open(), { host: 'kafka.example', port: 19092 })
})

t.test('other gateways have their own addresses, by their node ids and the name of the listener', async t => {
  const asked: unknown[] = []
  const addressOf = (nodeId: number, listener: string, own: { host: string, port: number }): { host: string, port: number } => {
    asked.push([nodeId, listener, own.host])
    return nodeId === 7 ? { host: 'gateway-7.example', port: 7007 } : own
  }
  const [first, seventh] = [{ nodeId: 1, host: '', port: 0 }, { nodeId: 7, host: '', port: 0 }]
  const door = await openDoor(t, {
    name: 'OUTSIDE',
    addressOf,
    advertised: { host: 'gateway-1.example', port: 1001 },
    answer (api, _request, { version }) {
      switch (api) {
        case Metadata: return { brokers: [first, seventh], controllerId: 1, topics: [] }
        case DescribeCluster: return { clusterId: 'c', brokers: [{ ...first, brokerId: 1 }, { ...seventh, brokerId: 7 }] }
        case Fetch: return { responses: [], nodeEndpoints: [seventh] }
        default: return version < 4 ? seventh : { coordinators: [{ ...seventh, key: 'a', errorCode: 0, errorMessage: null }] }
      }
    }
  })
  const wire = await door.open()
  const [own, theirs] = [{ host: 'gateway-1.example', port: 1001 }, { host: 'gateway-7.example', port: 7007 }]
  wire.send(Metadata, 12, 1, { topics: [] })
  t.match((await wire.answer(Metadata, 12)).body.brokers, [{ nodeId: 1, ...own }, { nodeId: 7, ...theirs }])
  wire.send(DescribeCluster, 1, 2, { includeClusterAuthorizedOperations: false })
  t.match((await wire.answer(DescribeCluster, 1)).body.brokers, [{ brokerId: 1, ...own }, { brokerId: 7, ...theirs }])
  wire.send(Fetch, 17, 3, { maxWaitMs: 0, minBytes: 0, topics: [] })
  t.match((await wire.answer(Fetch, 17)).body.nodeEndpoints, [{ nodeId: 7, ...theirs }])
  wire.send(FindCoordinator, 3, 4, { key: 'g' })
  t.match((await wire.answer(FindCoordinator, 3)).body, { nodeId: 7, ...theirs })
  wire.send(FindCoordinator, 4, 5, { coordinatorKeys: ['a'] })
  t.match((await wire.answer(FindCoordinator, 4)).body.coordinators, [{ nodeId: 7, ...theirs }])
  t.same(asked[0], [1, 'OUTSIDE', 'gateway-1.example'])
})

t.test('a coordinator that could not be found has no address', async t => {
  const door = await openDoor(t, { answer: () => ({ errorCode: errors.COORDINATOR_NOT_AVAILABLE, nodeId: -1, host: '', port: -1 }) })
  const wire = await door.open()
  for (let version = 0; version <= 3; version++) {
    wire.send(FindCoordinator, version, 1, { key: 'g' })
    t.match((await wire.answer(FindCoordinator, version)).body, { nodeId: -1, host: '', port: -1 })
  }
})

t.test('a listener on every address never advertises the wildcard', async t => {
  for (const [host, reached] of [['0.0.0.0', '127.0.0.2'], ['::', '127.0.0.1'], ['::', '::1']] as const) {
    if (host === '::' && !hasIPv6()) {
      t.pass('no IPv6 here')
      continue
    }
    const door = await openDoor(t, { answer, host })
    const wire = await reach(t, door, reached)
    wire.send(Metadata, 1, 1, { topics: [] })
    t.match((await wire.answer(Metadata, 1)).body.brokers[0], { host: reached, port: door.port }, `${reached} on ${host}`)
  }
})

async function reach (t: Test, door: Door, host: string): Promise<Wire> {
  const wire = await Wire.open(host, door.port)
  t.teardown(() => wire.socket.destroy())
  return wire
}

function hasIPv6 (): boolean {
  return Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))
}

t.test('an address is written the way people write it', async t => {
  t.equal(plainAddress('::ffff:10.1.2.3'), '10.1.2.3')
  t.equal(plainAddress('::ffff:1'), '::ffff:1')
  t.equal(plainAddress('fe80::1'), 'fe80::1')
  t.equal(formatAddress({ host: '::1', port: 9092 }), '[::1]:9092')
  t.equal(formatAddress({ host: '10.1.2.3', port: 9092 }), '10.1.2.3:9092')
})
