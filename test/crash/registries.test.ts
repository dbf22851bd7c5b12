/**
 * Several gateways over one log register the same and different schemas at once, and one of them is killed in between: no id
 * means two schemas, no version is two, and what was answered is found by every one of them, also after a restart over a log
 * of which compaction has left the last record of each key. `REGISTRATIONS` says how many (10,000 unless it is set).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { SCHEMAS_TOPIC } from '../../src/schemas/registry-log.ts'
import { compact } from '../../storage/log/compaction.ts'
import { realFileSystem } from '../../storage/log/fs.ts'
import { Connection } from '../engine/connection.ts'
import { openLog } from '../support/logs.ts'
import { Gateway, GoneError, contextOf, inOrder, read, schemasIn } from './gateways.ts'
import type { Found } from './gateway.ts'
import { Server } from './server.ts'

const registrations = Number(process.env['REGISTRATIONS'] ?? 10_000)

/** At a time, of each gateway. */
const IN_FLIGHT = 8
const SEGMENT_BYTES = 8192
const REPAIRED_WITHIN_MS = 30_000

/** Each of them can be read by each other one. */
const schemaOf = (name: string): string => `{"type":"record","name":"R","fields":[{"name":"${name}","type":"int","default":0}]}`

interface Job {
  readonly subject: string
  readonly schema: string
}

/** Neighbours ask for the same at the same time; some for something of their own. */
function jobOf (i: number, gateways: number): Job {
  const n = Math.floor(i / gateways)
  const subject = n % 3 === 0 ? 'shared' : n % 7 === 0 ? `:.team:s${n % 5}` : `s${n % 50}`
  return { subject, schema: schemaOf(n % 5 === 0 ? `own${i}` : `f${n % 400}`) }
}

/** What was answered, as it must be true of all answers together. */
class Answers {
  readonly all: Found[] = []
  readonly contradictions: string[] = []
  readonly #known = new Map<string, string>()

  add (found: Found, { subject, schema }: Job): void {
    this.all.push(found)
    if (found.subject !== subject || found.schema !== schema) this.contradictions.push(`asked for ${subject} ${schema}, answered ${JSON.stringify(found)}`)
    this.#holds(`id ${found.id} in ${contextOf(subject)}`, schema)
    this.#holds(`${schema} in ${contextOf(subject)}`, `id ${found.id}`)
    this.#holds(`${subject} ${found.version}`, schema)
    this.#holds(`${schema} in subject ${subject}`, String(found.version))
  }

  #holds (key: string, value: string): void {
    const before = this.#known.get(key)
    if (before !== undefined && before !== value) this.contradictions.push(`${key}: ${before} and ${value}`)
    this.#known.set(key, value)
  }
}

/** Every way in which what was answered can be asked for. Gives what is wrong. */
async function holes (gateway: Gateway, { subject, version, id, schema }: Found): Promise<string[]> {
  const wrong: string[] = []
  for (const question of [{ ask: 'get', subject, version }, { ask: 'id', subject, id }, { ask: 'lookup', subject, schema }] as const) {
    const told = await gateway.found(question).catch((error: Error) => {
      if (error instanceof GoneError) throw error
      return error
    })
    // An id does not say of which subject.
    const isIt = !(told instanceof Error) && told.schema === schema && told.id === id &&
      (question.ask === 'id' || (told.subject === subject && told.version === version))
    if (!isIt) wrong.push(`${question.ask} ${subject} ${version} ${id}: ${told instanceof Error ? told.message : JSON.stringify(told)}`)
  }
  return wrong
}

for (const [count, share] of [[2, 1], [3, 0.3]] as const) {
  const total = Math.round(registrations * share)
  t.test(`${count} gateways register schemas at once while one of them is killed again and again`, { timeout: 120_000 + total * 60 }, async t => {
    const server = await Server.create(t)
    await server.start()
    await createTopic(server.kafkaPort)
    const gateways = Array.from({ length: count }, () => new Gateway(t, server.kafkaPort))
    const victim = gateways.at(-1)!
    await Promise.all(gateways.map(one => one.start()))

    const answers = new Answers()
    const wrong: string[] = []
    let [begun, unanswered, reads, kills] = [0, 0, 0, 0]
    const startedAt = performance.now()

    const writer = async (gateway: Gateway): Promise<void> => {
      while (begun < total) {
        const job = jobOf(begun++, count)
        for (let through = gateway; ; through = gateways.find(one => one !== victim)!) {
          try {
            answers.add(await through.found({ ask: 'register', ...job }), job)
            break
          } catch (error) {
            if (!(error instanceof GoneError)) throw error
            unanswered++
          }
        }
        // Which of them is down now begins nothing more until it is back.
        if (gateway === victim) await isBack
      }
    }
    const reader = async (gateway: Gateway): Promise<void> => {
      while (answers.all.length < total) {
        await sleep(2)
        const { all } = answers
        if (all.length === 0) continue
        // One of the last, or any.
        const found = all[reads % 2 === 0 ? all.length - 1 : Math.floor(Math.random() * all.length)]!
        try {
          await gateway.ask({ ask: 'refresh' })
          wrong.push(...await holes(gateway, found))
          reads++
        } catch (error) {
          if (!(error instanceof GoneError)) throw error
          await isBack
        }
      }
    }
    let isBack: Promise<void> = Promise.resolve()
    const killer = async (): Promise<void> => {
      for (const at of [0.2, 0.4, 0.6, 0.8]) {
        while (answers.all.length < total * at) await sleep(5)
        const { promise, resolve } = Promise.withResolvers<void>()
        isBack = promise
        await victim.kill()
        kills++
        await sleep(200 * Math.random())
        await victim.start()
        resolve()
      }
    }
    await Promise.all([
      ...gateways.flatMap(one => [...Array.from({ length: IN_FLIGHT }, () => writer(one)), reader(one)]),
      killer()
    ])
    const tookMs = performance.now() - startedAt

    t.equal(answers.all.length, total)
    t.strictSame(answers.contradictions.slice(0, 5), [], 'no id and no version means two schemas')
    t.strictSame(wrong.slice(0, 5), [], `no hole in ${reads} reads`)

    const { schemas, raced, repairs } = await repaired(t, server.kafkaPort)
    const held = inOrder(schemas.values())
    t.comment(`${total} registrations through ${count} gateways in ${(tookMs / 1000).toFixed(1)} s: ${held.length} versions, ` +
      `${raced} records came too late, ${repairs} were written over them; ${kills} kills left ${unanswered} without an answer; ${reads} reads`)
    t.ok(raced > 0 && kills === 4, 'they did get in each other\'s way')
    await allFound(t, gateways, answers.all, held)
    noneLeftOut(t, held)

    for (const one of gateways) await one.kill()
    t.equal(await server.end('SIGTERM'), 0)
    const saved = await compacted(server.dataFolder)
    t.ok(saved > 0 || repairs === 0, `compaction has made the log smaller by ${saved} bytes`)
    await server.start()
    await Promise.all(gateways.map(one => one.start()))
    await allFound(t, gateways, answers.all, held)
    t.strictSame(inOrder(await overHttp(server.httpPort)), held, 'the server\'s own registry says the same')
    const next = await gateways[0]!.found({ ask: 'register', subject: 'shared', schema: schemaOf('later') })
    t.equal(next.version, held.filter(({ subject }) => subject === 'shared').length + 1, 'and it goes on')
  })
}

/** Before anybody else does, with segments so small that there is something to compact. */
async function createTopic (port: number): Promise<void> {
  const connection = await Connection.open(port)
  const configs = [{ name: 'cleanup.policy', value: 'compact' }, { name: 'segment.bytes', value: String(SEGMENT_BYTES) }]
  await connection.send(CreateTopics, 7, {
    topics: [{ name: SCHEMAS_TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs }], timeoutMs: 10_000
  })
  connection.destroy()
}

/** Waits until all that came too late is written over. */
async function repaired (t: Test, port: number): Promise<ReturnType<typeof read>> {
  for (const deadline = Date.now() + REPAIRED_WITHIN_MS; ; await sleep(200)) {
    const reading = read(await schemasIn(port))
    const [last, held] = [inOrder(reading.compacted.values()), inOrder(reading.schemas.values())]
    const isRepaired = JSON.stringify(last) === JSON.stringify(held)
    if (!isRepaired && Date.now() < deadline) continue
    t.ok(isRepaired, 'the last record of each key says what holds')
    return reading
  }
}

async function allFound (t: Test, gateways: readonly Gateway[], answers: readonly Found[], held: readonly Found[]): Promise<void> {
  for (const [i, gateway] of gateways.entries()) {
    await gateway.ask({ ask: 'refresh' })
    t.strictSame(inOrder((await gateway.ask({ ask: 'all' })).all!), held, `gateway ${i} knows what is in the log, and nothing else`)
    const wrong: string[] = []
    const distinct = new Map(answers.map(one => [`${one.subject} ${one.version}`, one]))
    for (const found of distinct.values()) wrong.push(...await holes(gateway, found))
    t.strictSame(wrong.slice(0, 5), [], `gateway ${i} finds each of ${distinct.size} answers by id, by version and by content`)
  }
}

function noneLeftOut (t: Test, held: readonly Found[]): void {
  const bySubject = Map.groupBy(held, ({ subject }) => subject)
  const gaps = [...bySubject].filter(([, versions]) => versions.some(({ version }, i) => version !== i + 1)).map(([subject]) => subject)
  t.strictSame(gaps, [], `the versions of ${bySubject.size} subjects are 1, 2, 3 and so on`)
  for (const [context, inIt] of Map.groupBy(held, ({ subject }) => contextOf(subject))) {
    const ids = new Set(inIt.map(({ id }) => id))
    t.equal(Math.max(...ids), ids.size, `no id of ${context} is left out`)
  }
}

/** What compaction leaves of a log that nobody has open: the bytes that it saved. */
async function compacted (dataFolder: string): Promise<number> {
  const config = { segmentBytes: SEGMENT_BYTES, compacts: true, deletes: false, minCompactionLagMs: 0, minCleanableDirtyRatio: 0 }
  const { log } = await openLog(null, { fs: realFileSystem, directory: `${dataFolder}/${SCHEMAS_TOPIC}-0`, config })
  const saved = await compact(log, realFileSystem, { cleanedTo: 0 }, Date.now())
  await log.close()
  return saved
}

async function overHttp (port: number): Promise<Found[]> {
  const found: Found[] = []
  for (const prefix of ['', ':.team:']) {
    const response = await fetch(`http://127.0.0.1:${port}/schemas?subjectPrefix=${encodeURIComponent(prefix)}&limit=-1`)
    found.push(...(await response.json() as Found[]).map(({ subject, version, id, schema }) => ({ subject, version, id, schema })))
  }
  return found
}
