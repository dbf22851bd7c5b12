/**
 * The HTTP door over a whole engine: what the other tests take from a log in memory, once through the real one.
 */
import { pino } from 'pino'
import t from 'tap'
import { createHttpStats, type HttpDoor } from '../../routes/door.ts'
import { createHttpServer } from '../../routes/http.ts'
import { Feeds } from '../../src/client/feed.ts'
import { contractPath, openHouse } from '../support/http-door.ts'
import { withLog } from '../support/log-choice.ts'

/** Serves a folder for as long as `use` takes: the folder is removed before `t.teardown` runs. */
const serve = (dataDirectory: string, use: (base: string) => Promise<void>): Promise<void> => withLog(dataDirectory, async engine => {
  const draining = new AbortController()
  const door: HttpDoor = {
    dispatch: engine.dispatch,
    feeds: new Feeds(engine.dispatch),
    log: engine,
    registry: null,
    serde: null,
    draining: draining.signal,
    maxBodyBytes: 1024 * 1024,
    allowedOrigins: [],
    metrics: async () => '',
    stats: createHttpStats(),
    ...openHouse
  }
  const app = await createHttpServer(door, { logger: pino({ level: 'silent' }), contractPath })
  try {
    await use(await app.listen({ host: '127.0.0.1', port: 0 }))
  } finally {
    draining.abort()
    await app.close()
  }
})

interface Page { records: { offset: number, value: unknown }[], cursor: string, gaps: unknown[] }

const json = async (response: Response): Promise<unknown> => await response.json()
const page = async (url: string): Promise<Page> => await (await fetch(url)).json() as Page

t.test('records are appended and read, and are there after a restart', async t => {
  const directory = t.testdir()
  let cursor = ''
  await serve(directory, async base => {
    const created = await fetch(`${base}/topics/t`, { method: 'POST', body: 'hello' })
    t.equal(created.status, 201)
    t.match(await json(created), { topic: 't', partition: 0, offset: 0 })
    t.match(await json(await fetch(base + created.headers.get('location')!)), { offset: 0, value: 'hello' })
    const lines = Array.from({ length: 20_000 }, (_, n) => `{"n":${n}}`).join('\n')
    const bulk = await fetch(`${base}/topics/t/records`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: lines })
    t.match(await json(bulk), { count: 20_000, partitions: [{ firstOffset: 1, lastOffset: 20_000 }] })
    const before = await page(`${base}/topics/t/records?limit=10000`)
    t.equal(before.records.length, 10_000)
    cursor = before.cursor
  })
  await serve(directory, async base => {
    const after = await page(`${base}/topics/t/records?limit=10000&from=${cursor}`)
    t.equal(after.records.length, 10_000)
    t.same(after.gaps, [])
    t.match(after.records[0], { offset: 10_000, value: { n: 9_999 } })
    const rest = await page(`${base}/topics/t/records?from=${after.cursor}`)
    t.match(rest.records, [{ offset: 20_000, value: { n: 19_999 } }])
  })
})

t.test('events come as they are appended, and resume behind the last one', async t => {
  await serve(t.testdir(), async base => {
    await fetch(`${base}/topics/t`, { method: 'POST', body: 'a' })
    const read = async (count: number, headers: Record<string, string>): Promise<{ id: string, value: unknown }[]> => {
      const response = await fetch(`${base}/topics/t/records?limit=${count}`, { headers: { accept: 'text/event-stream', ...headers } })
      const text = await response.text()
      return [...text.matchAll(/id: (\S+)\ndata: (.+)\n/g)].map(([, id, data]) => ({ id: id!, value: (JSON.parse(data!) as { value: unknown }).value }))
    }
    const [first] = await read(1, {})
    t.equal(first!.value, 'a')
    const waiting = read(2, { 'last-event-id': first!.id })
    await fetch(`${base}/topics/t`, { method: 'POST', body: 'b' })
    await fetch(`${base}/topics/t`, { method: 'POST', body: 'c' })
    t.same((await waiting).map(({ value }) => value), ['b', 'c'])
  })
})

t.test('topics are created, described and deleted', async t => {
  await serve(t.testdir(), async base => {
    const put = (name: string, body: string) => fetch(`${base}/topics/${name}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })
    t.equal((await put('orders', '{"partitions":3,"configs":{"cleanup.policy":"compact"}}')).status, 201)
    t.match(await json(await fetch(`${base}/topics/orders`)), { name: 'orders', configs: { 'cleanup.policy': 'compact' }, partitions: { length: 3 } })
    t.same(await json(await fetch(`${base}/topics`)), ['orders'])
    t.equal((await put('orders', '{}')).status, 409)
    t.match(await json(await put('other', '{"configs":{"no.such":"1"}}')), { status: 400, kafka: { name: 'INVALID_CONFIG' } })
    t.equal((await fetch(`${base}/topics/orders`, { method: 'DELETE' })).status, 204)
    t.equal((await fetch(`${base}/topics/orders`)).status, 404)
  })
})

t.test('Confluent\'s clients are served', async t => {
  await serve(t.testdir(), async base => {
    const v2 = await fetch(`${base}/topics/t`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
      body: JSON.stringify({ records: Array.from({ length: 1000 }, (_, age) => ({ value: { age } })) })
    })
    t.match(await json(v2), { offsets: { length: 1000, 999: { partition: 0, offset: 999, error_code: null } } })
    const { data: [cluster] } = await json(await fetch(`${base}/v3/clusters`)) as { data: [{ topics: { related: string } }] }
    const record = '{"value":{"type":"STRING","data":"x"}}'
    const v3 = await fetch(`${cluster.topics.related}/t/records`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: record + record })
    t.same((await v3.text()).trim().split('\r\n').map(line => (JSON.parse(line) as { offset: number }).offset), [1000, 1001])
  })
})
