/**
 * What Barnabas is for: a file's lines go in by HTTP, and come out at every door. Then the process is killed, and they still do.
 */
import t, { type Test } from 'tap'
import { on, once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { WebSocket } from 'ws'
import { againstKafka } from './support/against.ts'
import { kafkaTool } from './support/java.ts'
import { kcat } from './support/kcat.ts'
import { linesOf, topicName } from './support/lines.ts'
import { Background, succeed } from './support/run.ts'
import { startServer } from './support/server.ts'

if (againstKafka) t.plan(0, 'a Kafka broker has no HTTP')
else await mainJob()

interface Doored {
  readonly partition: number
  readonly offset: number
  readonly value: unknown
}

async function mainJob (): Promise<void> {
  const LINES = 10_000
  const server = await startServer(t)
  const topic = topicName('main-job')
  const url = `${server.http}/topics/${topic}/records`
  const file = join(t.testdir(), 'access.ndjson')
  const lines = Array.from({ length: LINES }, (_, i) => JSON.stringify({
    n: i, at: new Date(1_700_000_000_000 + i * 1000).toISOString(), path: `/house/${i % 97}`, text: '日本'.repeat(i % 5)
  }))
  writeFileSync(file, lines.map(line => line + '\n').join(''))

  /** Every line once, whatever partitions it went through. */
  const same = (t: Test, read: readonly string[], title: string): void => {
    t.equal(read.length, LINES, `${title}: as many`)
    t.strictSame(read.toSorted(), lines.toSorted(), `${title}: the same lines`)
  }

  const byKcat = async (): Promise<string[]> => linesOf(await kcat(server.kafka, ['-C', '-t', topic, '-o', 'beginning', '-e']))

  await t.test('in with curl, as a line for each record', async t => {
    const answer = await succeed('curl', ['-sS', '-w', '\n%{http_code}', '-H', 'content-type: application/x-ndjson', '--data-binary', `@${file}`, url])
    t.match(answer, /\n201$/)
  })

  await t.test('out as server-sent events, with a cursor to resume from', async t => {
    const events = new Background(t, 'curl', ['-sSN', '-H', 'accept: text/event-stream', `${url}?from=earliest&limit=${LINES}`])
    t.equal(await events.exit, 0)
    const all = eventsOf(events.stdout)
    same(t, all.map(({ data }) => JSON.stringify((JSON.parse(data) as Doored).value)), 'events')
    const resumed = await succeed('curl', ['-sSN', '-H', 'accept: text/event-stream', '-H', `last-event-id: ${all.at(-101)!.id}`, `${url}?limit=100`])
    t.strictSame(eventsOf(resumed), all.slice(-100), 'resumed behind the event')
  })

  await t.test('out over a WebSocket, with credit', async t => {
    const socket = new WebSocket(`${server.http.replace('http', 'ws')}/ws`, 'barnabas.v1+json')
    t.teardown(() => socket.terminate())
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'connect' }))
    socket.send(JSON.stringify({ type: 'subscribe', id: 's', topics: [topic], from: 'earliest', credit: { records: 1000 } }))
    const records: Doored[] = []
    for await (const [data] of messagesOf(socket)) {
      const message = JSON.parse(String(data)) as { type: string, records?: Doored[] }
      if (message.type !== 'records') {
        t.notMatch(message.type, /error|gap/, JSON.stringify(message))
        continue
      }
      records.push(...message.records!)
      t.ok(message.records!.length <= 1000)
      if (records.length === LINES) break
      socket.send(JSON.stringify({ type: 'credit', id: 's', records: message.records!.length }))
    }
    same(t, records.map(record => JSON.stringify(record.value)), 'messages')
    const places = records.map(({ partition, offset }) => `${partition} ${offset}`)
    t.equal(new Set(places).size, LINES, 'each place once')
  })

  await t.test('out with kcat', async t => same(t, await byKcat(), 'kcat'))

  await t.test('out with Kafka\'s console consumer', async t => {
    same(t, linesOf(await kafkaTool('consumer.ConsoleConsumer', ['--bootstrap-server', server.kafka, '--topic', topic, '--from-beginning',
      '--max-messages', `${LINES}`, '--timeout-ms', '30000'])), 'java')
  })

  await t.test('out with kafkajs, in a group', async t => {
    const consumer = new kafkajs.Kafka({ brokers: [server.kafka], logLevel: kafkajs.logLevel.NOTHING }).consumer({ groupId: topicName('group') })
    t.teardown(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const read: string[] = []
    await new Promise<void>((resolve, reject) => {
      consumer.run({
        eachMessage: async ({ message }) => {
          if (read.push(message.value!.toString()) === LINES) resolve()
        }
      }).catch(reject)
    })
    same(t, read, 'kafkajs')
  })

  await t.test('counted in /metrics, by door', async t => {
    const metrics = await succeed('curl', ['-sS', `${server.http}/metrics`])
    const sum = (door: string, direction: string): number => [...metrics.matchAll(/^barnabas_records_total\{(.*)\} (\d+)$/gm)]
      .filter(([, labels]) => labels!.includes(`door="${door}"`) && labels!.includes(`direction="${direction}"`))
      .reduce((total, [,, value]) => total + Number(value), 0)
    t.equal(sum('http', 'in'), LINES)
    // Three native readers; a fetch may bring records that are read again from the middle of a batch.
    t.ok(sum('kafka', 'out') >= 3 * LINES, `${sum('kafka', 'out')} records went out natively`)
    t.ok(sum('sse', 'out') + sum('ws', 'out') >= LINES, `${sum('sse', 'out')} and ${sum('ws', 'out')} by the live doors`)
  })

  await t.test('after kill -9 and a start every line is still there', async t => {
    await server.kill()
    await server.start()
    same(t, await byKcat(), 'kcat')
    const dump = await succeed('curl', ['-sSN', '-H', 'accept: application/x-ndjson', `${url}?from=earliest&wait=0`])
    same(t, linesOf(dump).map(line => JSON.stringify((JSON.parse(line) as Doored).value)), 'HTTP')
    t.match(await succeed('curl', ['-sS', `${server.http}/readyz`]), /ready/)
  })

  await t.test('killed in the midst of writing, it keeps what it has acknowledged', async t => {
    const second = topicName('killed')
    const acknowledged: string[] = []
    const enough = Promise.withResolvers<void>()
    const writing = (async () => {
      for (let i = 0; ; i++) {
        const { status } = await fetch(`${server.http}/topics/${second}`, { method: 'POST', body: `record ${i}`, headers: { 'content-type': 'text/plain' } })
        if (status !== 201) throw new Error(`answered ${status}`)
        acknowledged.push(`record ${i}`)
        if (i === 300) enough.resolve()
      }
    })()
    writing.catch(() => enough.resolve()) // it ends when the server is killed
    await enough.promise
    await server.kill()
    await t.rejects(writing, TypeError, 'the connection broke')
    t.ok(acknowledged.length > 300)
    await server.start()
    const kept = new Set(linesOf(await kcat(server.kafka, ['-C', '-t', second, '-o', 'beginning', '-e'])))
    t.strictSame(acknowledged.filter(record => !kept.has(record)), [])
  })

  await t.test('SIGTERM ends it with 0, and it starts again', async t => {
    t.equal(await server.stop(), 0)
    await server.start()
    t.equal((await byKcat()).length, LINES)
  })
}

interface ServerSentEvent {
  readonly id: string
  readonly data: string
}

/** The messages of an event stream; blocks without data only move the cursor. */
function eventsOf (stream: string): ServerSentEvent[] {
  return stream.split('\n\n').flatMap(block => {
    const data = /^data: (.*)$/m.exec(block)?.[1]
    return data === undefined ? [] : [{ data, id: /^id: (.*)$/m.exec(block)![1]! }]
  })
}

async function * messagesOf (socket: WebSocket): AsyncGenerator<unknown[]> {
  const ended = new AbortController()
  socket.once('close', (code, reason) => ended.abort(new Error(`closed with ${code}: ${String(reason)}`)))
  yield * on(socket, 'message', { signal: ended.signal }) as AsyncIterable<unknown[]>
}
