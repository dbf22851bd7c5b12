import t from 'tap'
import { apis, apiOf } from '../../../protocol/apis.ts'
import { Fetch } from '../../../protocol/messages/01-fetch.ts'
import { JoinGroup } from '../../../protocol/messages/11-join-group.ts'
import { anonymous, neverAborted, type Context, type Dispatch, type Door } from '../../../protocol/rpc.ts'
import type { Api } from '../../../protocol/schema.ts'
import { PlannedUpgrade } from '../../../src/policies/planned-upgrade.ts'
import { oldestServed, plannedVersions, type PlannedVersion } from '../../../src/policies/planned-versions.ts'

interface World {
  readonly lines: object[]
  readonly upgrade: PlannedUpgrade
  ask (api: Api, version: number, software?: string | null, door?: Door): Promise<unknown>
}

function world (planned: PlannedVersion | null): World {
  const lines: object[] = []
  const upgrade = new PlannedUpgrade(planned, { warn: ((fields: object) => { lines.push(fields) }) as never })
  const dispatch = upgrade.policy((async () => 'answered') as unknown as Dispatch)
  return {
    lines,
    upgrade,
    async ask (api, version, software = 'librdkafka 2.3.0', door = 'kafka') {
      const context: Context = {
        principal: anonymous, door, clientId: 'orders', address: '10.0.0.1', version, connection: { software }, signal: neverAborted, throttleMs: 0
      }
      return await dispatch(api, {} as never, context)
    }
  }
}

t.test('what is too old is counted each time, logged once, and answered', async t => {
  const { upgrade, lines, ask } = world('4.0')
  t.equal(await ask(JoinGroup, 1), 'answered')
  t.equal(await ask(JoinGroup, 0), 'answered')
  await ask(JoinGroup, 1, 'kafka-go 0.4.47')
  t.same([...upgrade.requests()], [['librdkafka 2.3.0', 'JoinGroup', 2], ['kafka-go 0.4.47', 'JoinGroup', 1]])
  t.same(lines, [
    { software: 'librdkafka 2.3.0', clientId: 'orders', address: '10.0.0.1', api: 'JoinGroup', version: 1, oldest: 2, planned: '4.0' },
    { software: 'kafka-go 0.4.47', clientId: 'orders', address: '10.0.0.1', api: 'JoinGroup', version: 1, oldest: 2, planned: '4.0' }
  ])
})

t.test('nothing is said of what goes on', async t => {
  const { upgrade, lines, ask } = world('4.0')
  await ask(JoinGroup, 2)
  await ask(Fetch, 4)
  for (const door of ['http', 'ws', 'internal'] as const) await ask(JoinGroup, 0, null, door)
  const others = [world('4.1'), world('4.3'), world(null)]
  for (const other of others) t.equal(await other.ask(JoinGroup, 0), 'answered')
  for (const one of [{ upgrade, lines }, ...others]) {
    t.same([...one.upgrade.requests()], [])
    t.same(one.lines, [])
  }
})

t.test('clients that do not say what they are are one', async t => {
  const { upgrade, ask } = world('4.0')
  await ask(JoinGroup, 0, null)
  t.same([...upgrade.requests()], [['unknown', 'JoinGroup', 1]])
})

t.test('what clients call themselves makes no names without end', async t => {
  const { upgrade, lines, ask } = world('4.0')
  for (let i = 0; i < 1000; i++) await ask(JoinGroup, 0, `${i} `.padEnd(500, 'x'))
  const counted = [...upgrade.requests()]
  t.equal(counted.length, 101)
  t.same(counted.at(-1), ['other', 'JoinGroup', 900])
  t.equal(lines.length, 101)
  t.ok(counted.every(([software]) => software.length <= 128))
})

t.test('the rows are of apis that there are', async t => {
  for (const planned of plannedVersions) {
    for (const name of oldestServed(planned).keys()) t.ok(apis.some(api => api.name === name), name)
  }
})

// docs/cluster.md says so. A codec that learns an older version of something, or a release that drops more, has it say something else.
t.test('all that is read here and dropped there is JoinGroup v0 and v1, by 4.0', async t => {
  for (const planned of plannedVersions) {
    const lost = apis.flatMap(({ name, versions: [first] }) => {
      const oldest = oldestServed(planned).get(name) ?? 0
      return Array.from({ length: Math.max(0, oldest - first) }, (_, i) => `${name} v${first + i}`)
    })
    t.same(lost, planned === '4.0' ? ['JoinGroup v0', 'JoinGroup v1'] : [], planned)
  }
  t.equal(apiOf(11), JoinGroup)
})
