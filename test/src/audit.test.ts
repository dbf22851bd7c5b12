import { existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { KafkaError } from '../../protocol/errors.ts'
import { recordsIn } from '../../protocol/records.ts'
import { internalPrincipal, type Context } from '../../protocol/rpc.ts'
import { Audit, type AuditOptions } from '../../src/audit.ts'
import { MemoryLog } from '../support/memory-log.ts'
import { until } from '../support/until.ts'

type Line = Record<string, unknown>

interface World { readonly audit: Audit, readonly logged: Line[] }

async function open (options: Partial<AuditOptions> = {}): Promise<World> {
  const logged: Line[] = []
  const logger = pino({ base: null, timestamp: false }, { write: line => { logged.push(JSON.parse(line) as Line) } })
  const audit = await Audit.open({ logger, foldMs: 3_600_000, ...options })
  return { audit, logged }
}

const linesOf = (path: string): Line[] => readFileSync(path, 'utf8').split('\n').filter(line => line !== '').map(line => JSON.parse(line) as Line)
const auditsOf = (logged: readonly Line[]): Line[] => logged.filter(({ msg }) => msg === 'audit').map(({ audit }) => audit as Line)

const recordsOf = (log: MemoryLog): Array<{ key: string, value: unknown }> => log.topics.get('audit')!.partitions[0]!.batches
  .flatMap(batch => [...recordsIn(batch)]).map(({ key, value }) => ({ key: String(key), value: JSON.parse(String(value)) as unknown }))

const failure = { outcome: 'failure', method: 'PLAIN', principal: 'User:eve', address: '10.0.0.9', reason: 'wrong password', door: 'kafka' } as const
const alice = { type: 'User', name: 'alice' }
const asked = { door: 'http', address: '10.0.0.1', api: 'Produce', operation: 'WRITE', resourceType: 'TOPIC', resourceName: 'orders' } as const
const denial = { principal: alice, ...asked } as const
const change = { principal: alice, door: 'kafka', address: '10.0.0.1', action: 'acl-created', subject: { principal: 'User:bob', operation: 'READ' } } as const

t.test('each kind of event is a line in the log and, with its time, in the file', async t => {
  const path = join(t.testdir(), 'audit.ndjson')
  const { audit, logged } = await open({ file: path })
  audit.login({ outcome: 'success', method: 'SCRAM-SHA-512', principal: 'User:alice', address: '10.0.0.1', reason: null, door: 'kafka' })
  audit.login(failure)
  audit.denied(denial)
  audit.changed(change)
  audit.limited({ limit: 'connections_per_address', address: '10.0.0.9', door: 'kafka' })
  await audit.close()
  const expected = [
    { event: 'login', outcome: 'success', principal: 'User:alice', method: 'SCRAM-SHA-512', door: 'kafka', address: '10.0.0.1' },
    { event: 'login', outcome: 'failure', principal: 'User:eve', method: 'PLAIN', door: 'kafka', address: '10.0.0.9', reason: 'wrong password' },
    { event: 'denial', principal: 'User:alice', ...asked },
    { event: 'change', ...change, principal: 'User:alice' },
    { event: 'limit', limit: 'connections_per_address', address: '10.0.0.9', door: 'kafka' }
  ]
  t.same(auditsOf(logged), expected)
  t.same(logged[0]!['level'], 30)
  t.same(linesOf(path).map(({ time, ...rest }) => rest), expected)
  for (const { time } of linesOf(path)) t.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  t.equal(statSync(path).mode & 0o777, 0o600, 'for nobody else to read')
  t.same(audit.stats, { events: { login: 2, denial: 1, change: 1, limit: 1 }, dropped: { file: 0, topic: 0 } })
})

t.test('what repeats itself is one line when it begins, and one with a count for the rest', async t => {
  const { audit, logged } = await open()
  for (let i = 0; i < 100; i++) audit.login(failure)
  for (let i = 0; i < 3; i++) audit.denied(denial)
  audit.denied({ ...denial, resourceName: 'payments' })
  for (let i = 0; i < 2; i++) audit.changed(change)
  t.equal(logged.length, 5)
  audit.flush()
  t.match(auditsOf(logged).slice(5), [{ event: 'login', principal: 'User:eve', count: 99 }, { event: 'denial', resourceName: 'orders', count: 2 }])
  t.equal(logged.length, 7)
  audit.flush()
  t.equal(logged.length, 7, 'and nothing is said twice')
  audit.login(failure)
  t.equal(logged.length, 8, 'in the next window it begins anew')
  await audit.close()
})

t.test('names that are invented without end are one line with a count', async t => {
  const { audit, logged } = await open()
  for (let i = 0; i < 5000; i++) audit.login({ ...failure, principal: `User:${i}` })
  for (let i = 0; i < 100; i++) audit.denied({ ...denial, resourceName: `t${i}` })
  t.equal(logged.length, 1000)
  audit.flush()
  t.same(auditsOf(logged).slice(1000), [
    { event: 'login', outcome: 'failure', various: true, count: 4000 }, { event: 'denial', various: true, count: 100 }
  ])
  await audit.close()
})

t.test('what a stranger sends is printed escaped and short', async t => {
  const path = join(t.testdir(), 'audit.ndjson')
  const { audit } = await open({ file: path })
  const hostile = 'a\n{"event":"login","outcome":"success"}\u001b[2J\u202egnp\u2028\u0085\ud800'
  audit.login({ ...failure, principal: hostile, reason: 'x'.repeat(10_000) })
  audit.changed({ ...change, subject: { [hostile]: hostile, deep: { a: { b: { c: { d: 1 } } } }, many: Array.from({ length: 1000 }, () => 'y') } })
  await audit.close()
  const text = readFileSync(path, 'utf8')
  t.match(text, /^[\x20-\x7e\n]*$/)
  const [login, changed] = linesOf(path)
  t.equal(linesOf(path).length, 2)
  t.equal(login!['principal'], 'a\\u{a}{"event":"login","outcome":"success"}\\u{1b}[2J\\u{202e}gnp\\u{2028}\\u{85}\\u{d800}')
  t.equal((login!['reason'] as string).length, 256)
  t.equal((changed!['subject'] as { many: unknown[] }).many.length, 32)
  t.ok(text.length < 5000)
})

t.test('a file that was moved away is begun anew when it is asked for', async t => {
  const path = join(t.testdir(), 'audit.ndjson')
  const { audit } = await open({ file: path })
  audit.changed(change)
  await until(() => linesOf(path).length === 1)
  renameSync(path, `${path}.1`)
  audit.changed(change)
  await until(() => linesOf(`${path}.1`).length === 2)
  audit.reopen()
  await until(() => existsSync(path))
  audit.changed(change)
  await audit.close()
  t.equal(linesOf(path).length, 1)
  t.equal(linesOf(`${path}.1`).length, 2)
})

t.test('a file that cannot be opened is a sentence at the start, and an error in the log later', async t => {
  const folder = t.testdir()
  const sentence = /^The audit file \S+ \(--audit-file\) cannot be opened: ENOENT.*\. Make its folder/
  await t.rejects(open({ file: join(folder, 'none/audit.ndjson') }), { message: sentence })
  const path = join(folder, 'audit.ndjson')
  const { audit, logged } = await open({ file: path })
  renameSync(path, `${path}.1`)
  mkdirSync(path)
  audit.reopen()
  audit.changed(change)
  await audit.close()
  t.match(logged.find(({ level }) => level === 50), { msg: 'the audit file refused', path, err: { code: 'EISDIR' } })
  t.equal(linesOf(`${path}.1`).length, 1, 'and what was open is written to')
})

t.test('lines that the disk cannot take in time are dropped and counted', async t => {
  const path = join(t.testdir(), 'audit.ndjson')
  const { audit } = await open({ file: path, logger: pino({ level: 'silent' }) })
  for (let i = 0; i < 30_000; i++) audit.changed(change)
  t.ok(audit.stats.dropped.file > 0)
  await audit.close()
  t.equal(linesOf(path).length + audit.stats.dropped.file, 30_000)
})

t.test('a topic gets the same lines, from the process itself, in order', async t => {
  const log = new MemoryLog()
  const contexts: Context[] = []
  log.before = (_api, _request, context) => { contexts.push(context) }
  const { audit } = await open({ topic: { name: 'audit', dispatch: log.dispatch } })
  audit.changed(change)
  audit.denied(denial)
  await audit.close()
  t.ok(contexts.length > 0 && contexts.every(({ principal, door }) => principal === internalPrincipal && door === 'internal'))
  t.same(audit.stats.dropped, { file: 0, topic: 0 })
  t.match(recordsOf(log), [{ key: 'User:alice', value: { event: 'change' } }, { key: 'User:alice', value: { event: 'denial' } }])
})

t.test('a log that does not take lines makes nobody wait: they are kept, then dropped and counted', async t => {
  const log = new MemoryLog()
  log.before = () => { throw new KafkaError('COORDINATOR_NOT_AVAILABLE') }
  const { audit, logged } = await open({ topic: { name: 'audit', dispatch: log.dispatch } })
  for (let i = 0; i < 10_010; i++) audit.changed(change)
  t.equal(audit.stats.dropped.topic, 10)
  await until(() => logged.some(({ msg }) => msg === 'the audit topic refused'))
  log.before = () => {}
  await audit.close()
  t.equal(recordsOf(log).length, 10_000, 'what waited is written when it can be')
  audit.changed(change)
  t.equal(audit.stats.dropped.topic, 11, 'and nothing after the end')
})
