import t from 'tap'
import { readFile } from 'node:fs/promises'
import type { LogStatus } from '../../routes/door.ts'
import { contractPath, openDoor } from '../support/http-door.ts'

t.test('the root is a JSON object, as Confluent\'s clients want, and says where everything is', async t => {
  const { inject } = await openDoor(t)
  const response = await inject('/')
  t.match(response.headers['content-type'], 'application/json')
  t.match(response.json(), { name: 'barnabas', contract: '/openapi.yaml' })
  t.equal((await inject(response.json<{ contract: string }>().contract)).statusCode, 200)
})

t.test('the contract is served as it was written', async t => {
  const { inject } = await openDoor(t)
  const response = await inject('/openapi.yaml')
  t.match(response.headers['content-type'], 'application/yaml')
  t.equal(response.body, await readFile(contractPath, 'utf8'))
})

t.test('metrics are passed on', async t => {
  const { inject } = await openDoor(t, { door: { metrics: async () => 'barnabas_ready 1\n' } })
  const response = await inject('/metrics')
  t.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(response.body, 'barnabas_ready 1\n')
})

t.test('alive whatever happens, ready only while the log is and the process stays', async t => {
  const log: { -readonly [K in keyof LogStatus]: LogStatus[K] } = { state: 'ready', failure: null, clusterId: 'c' }
  const { inject, draining } = await openDoor(t, { door: { log } })
  const ready = async () => {
    const response = await inject('/readyz')
    t.equal(response.headers['cache-control'], 'no-store')
    return { code: response.statusCode, ...response.json<object>() }
  }
  t.match(await ready(), { code: 200, status: 'pass', checks: [{ name: 'log', status: 'pass', detail: 'The log is ready.' }] })
  log.state = 'recovering'
  t.match(await ready(), { code: 503, status: 'fail', checks: [{ name: 'log', status: 'fail', detail: 'The log is being recovered.' }] })
  log.state = 'failed'
  log.failure = 'The disk is full.'
  t.match(await ready(), { code: 503, checks: [{ detail: 'The disk is full.' }] })
  Object.assign(log, { state: 'ready', failure: null })
  draining.abort()
  t.match(await ready(), { code: 503, checks: [{ name: 'log', status: 'pass' }, { name: 'process', status: 'fail' }] })
  t.match((await inject('/livez')).json(), { status: 'pass' })
})
