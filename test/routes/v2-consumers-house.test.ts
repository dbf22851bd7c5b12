/**
 * Consumer instances and the rest of the house: who may use them, what they share, and what becomes of them when the server stops.
 */
import t from 'tap'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { complete } from '../../protocol/defaults.ts'
import { DescribeGroups } from '../../protocol/messages/15-describe-groups.ts'
import { compose, type Dispatch } from '../../protocol/rpc.ts'
import { AclTable } from '../../src/access/acls.ts'
import { AclAuthorizer } from '../../src/access/authorizer.ts'
import type { AclBinding } from '../../src/access/model.ts'
import { QuotaTable } from '../../src/access/quota-table.ts'
import { fetchOffsets } from '../../src/client/group-offsets.ts'
import { authorize } from '../../src/policies/authorize.ts'
import { quota, Quotas } from '../../src/policies/quota.ts'
import { context, V2, withHouse, type Answer } from '../support/consumer-house.ts'
import { as, openGuardedDoor } from '../support/guarded-door.ts'

const membersOf = async (dispatch: Dispatch, group: string): Promise<string[]> => {
  const { groups } = await dispatch(DescribeGroups, complete(DescribeGroups.request, { groups: [group] }), { ...context, version: 5 })
  return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId))
}

const valuesOf = ({ document }: Answer): unknown[] => document.map((one: { value: unknown }) => one.value)

t.test('two instances of a group share the partitions', async t => withHouse(t, t.testdir(), async ({ ask, create, write, subscribed }) => {
  await create('t', 4)
  const [one, two] = [await subscribed('g', { format: 'json' }, 't'), await subscribed('g', { format: 'json' }, 't')]
  const count = async (path: string): Promise<number> => (await ask('GET', `${path}/assignments`)).document.partitions.length
  while (await count(one) !== 2 || await count(two) !== 2) await sleep(20)
  await write('t', ...Array.from({ length: 40 }, (_, n) => ({ value: `${n}`, partition: n % 4 })))
  const read: unknown[] = []
  for (const path of [one, two]) {
    for (let more: unknown[] = [0]; more.length > 0; read.push(...more)) more = valuesOf(await ask('GET', `${path}/records?timeout=300`))
  }
  t.same(read.sort((a, b) => Number(a) - Number(b)), Array.from({ length: 40 }, (_, n) => n), 'each record once')
  await ask('POST', `${two}/offsets`)
  await ask('DELETE', two)
  while (await count(one) !== 4) await sleep(20)
}))

t.test('a stop commits and leaves, and what was committed is there after it', async t => {
  const folder = t.testdir()
  let path = ''
  await withHouse(t, folder, async ({ ask, write, subscribed, draining, engine, app }) => {
    await write('t', '1', '2', '3')
    path = await subscribed('g', { name: 'i', format: 'json' }, 't')
    t.same(valuesOf(await ask('GET', `${path}/records?timeout=5000&max_records=2`)), [1, 2])
    const waiting = await subscribed('h', { format: 'json', 'auto.offset.reset': 'latest' }, 't')
    const reading = ask('GET', `${waiting}/records?timeout=60000`)
    await sleep(50)
    draining.abort()
    t.ok([200, 404].includes((await reading).statusCode), 'nobody is kept waiting')
    await app.close()
    for (const name of ['g', 'h']) t.strictSame(await membersOf(engine.dispatch, name), [], `nobody is left in ${name}`)
  })
  await withHouse(t, folder, async ({ ask, subscribed, engine }) => {
    t.match(await ask('GET', `${path}/records`), { statusCode: 404, document: { error_code: 40403 } }, 'the instance is gone')
    t.match(await fetchOffsets(engine.dispatch, context, 'g', [{ topic: 't', partition: 0 }]), [{ offset: 2 }])
    t.same(valuesOf(await ask('GET', `${await subscribed('g', { format: 'json' }, 't')}/records?timeout=5000`)), [3])
  })
})

t.test('a peer that leaves takes nothing with it', async t => withHouse(t, t.testdir(), async ({ write, subscribed, listen, ask, app }) => {
  await write('t', '1')
  const path = await subscribed('g', { format: 'json' }, 't')
  t.same(valuesOf(await ask('GET', `${path}/records?timeout=5000`)), [1])
  const base = await listen()
  const leaving = new AbortController()
  const asked = once(app.server, 'request') as Promise<[IncomingMessage, ServerResponse]>
  const reading = t.rejects(fetch(`${base}${path}/records?timeout=60000`, { signal: leaving.signal }))
  const [, response] = await asked
  await sleep(50)
  leaving.abort()
  await reading
  if (!response.closed) await once(response, 'close')
  await write('t', '2')
  t.same(valuesOf(await ask('GET', `${path}/records?timeout=5000`)), [2])
}))

t.test('a body of a GET that is too large holds up no stop', async t => withHouse(t, t.testdir(), async ({ subscribed, listen, app }) => {
  const path = await subscribed('g', {}, 't')
  const { port, hostname } = new URL(await listen())
  const piece = Buffer.alloc(0x10000, ' ')
  for (const framing of ['Content-Length: 3000000', 'Transfer-Encoding: chunked']) {
    const socket = connect({ port: Number(port), host: hostname })
    t.teardown(() => socket.destroy())
    socket.on('error', () => {}) // what is still being sent when the server has ended the connection
    const answered = once(socket, 'data') as Promise<[Buffer]>
    const ended = once(socket, 'close')
    socket.write(`GET ${path}/offsets HTTP/1.1\r\nHost: x\r\nContent-Type: ${V2}\r\n${framing}\r\n\r\n`)
    for (let i = 0; i <= 16; i++) {
      if (framing.endsWith('chunked')) socket.write(`${piece.length.toString(16)}\r\n`)
      socket.write(piece)
      if (framing.endsWith('chunked')) socket.write('\r\n')
    }
    t.match((await answered).toString(), /^HTTP\/1\.1 413 [^]*connection: close/i, framing)
    await ended
  }
  await app.close()
}))

t.test('permissions and quotas hold, and an instance belongs to who made it', async t => withHouse(t, t.testdir(), async ({ engine, write }) => {
  const acls = new AclTable()
  const table = new QuotaTable()
  const quotas = new Quotas(table)
  const authorizer = new AclAuthorizer(acls, { superUsers: new Set(['User:admin']), allowWithoutAcl: false })
  const dispatch = compose(engine.dispatch, quota(quotas), authorize(() => authorizer, () => {}))
  const { inject, app } = await openGuardedDoor(t, { door: { dispatch, quotas, access: authorizer } })
  const allow = (user: string, operation: 'READ' | 'DESCRIBE', resourceType: 'TOPIC' | 'GROUP', resourceName: string): AclBinding => {
    const binding: AclBinding = { resourceType, resourceName, patternType: 'LITERAL', principal: `User:${user}`, host: '*', operation, permission: 'ALLOW' }
    acls.add(binding)
    return binding
  }
  const ask = async (user: string, method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object): Promise<Answer> => {
    const response = await inject({ method, url, headers: { ...as(user), 'content-type': 'application/json' }, ...payload === undefined ? {} : { payload } })
    return Object.assign(response, { document: response.body === '' ? null : response.json() as unknown })
  }
  await write('t', '1', '2', '3')
  t.equal((await inject({ method: 'POST', url: '/consumers/g' })).statusCode, 401)
  const settings = { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' }
  const path = '/consumers/g/instances/i'
  t.equal((await ask('alice', 'POST', '/consumers/g', settings)).statusCode, 200)
  for (const [method, rest] of [['GET', '/records'], ['GET', '/subscription'], ['POST', '/offsets'], ['DELETE', '']] as const) {
    t.match(await ask('bob', method, path + rest), { statusCode: 404, document: { error_code: 40403, message: 'Consumer instance not found.' } })
  }
  t.equal((await ask('bob', 'POST', '/consumers/g', settings)).statusCode, 200, 'of the same name, for somebody else')

  const forbidden = async (answer: Promise<Answer>, message: RegExp): Promise<void> => {
    const { statusCode, document } = await answer
    t.equal(statusCode, 403)
    t.match(document, { error_code: 40301, message })
  }
  await forbidden(ask('alice', 'POST', `${path}/subscription`, { topics: ['t'] }), /DESCRIBE on the topic t/)
  allow('alice', 'DESCRIBE', 'TOPIC', 't')
  t.equal((await ask('alice', 'POST', `${path}/subscription`, { topics: ['t'] })).statusCode, 204)
  await forbidden(ask('alice', 'GET', `${path}/records?timeout=5000`), /READ on the group g/)
  const group = allow('alice', 'READ', 'GROUP', 'g')
  await forbidden(ask('alice', 'GET', `${path}/records?timeout=5000`), /READ on the topic t/)
  allow('alice', 'READ', 'TOPIC', 't')
  t.same(valuesOf(await ask('alice', 'GET', `${path}/records?timeout=5000&max_records=1`)), [1])
  acls.remove(group)
  await forbidden(ask('alice', 'POST', `${path}/offsets`), /READ on the group g/)
  acls.add(group)
  t.equal((await ask('alice', 'POST', `${path}/offsets`)).statusCode, 200)

  table.set({ user: 'alice' }, { consumer_byte_rate: 1 })
  t.same(valuesOf(await ask('alice', 'GET', `${path}/records?timeout=0`)), [2, 3])
  const over = await ask('alice', 'GET', `${path}/records?timeout=0`)
  t.equal(over.statusCode, 429)
  t.match(over.document, { error_code: 42901, message: /consumer_byte_rate/ })
  await app.close()
}))
