/**
 * Authentication across starts: what one start has put into the log, the next one goes by.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createApp, type App } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { basic } from '../support/secure-app.ts'

const folder = mkdtempSync(join(tmpdir(), 'barnabas-security-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const start = async (env: Record<string, string>, ...options: readonly string[]): Promise<App> => await createApp(
  loadConfig(['--data', folder, '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0', '--shutdown-grace', '0', ...options], env), pino({ level: 'silent' }))

/** Ends with the test. */
async function open (t: Test, env: Record<string, string>, ...options: readonly string[]): Promise<string> {
  const app = await start(env, ...options)
  t.teardown(() => app.stop())
  return `http://127.0.0.1:${app.http.port}`
}

const as = (name: string, password?: string): { headers: { authorization: string } } => ({ headers: { authorization: basic(name, password) } })

async function whoAmI (url: string, name: string, password?: string): Promise<unknown> {
  const response = await fetch(`${url}/auth/whoami`, as(name, password))
  return response.ok ? (await response.json() as { principal: string }).principal : response.status
}

t.test('an administrator of the configuration is in no log, and creates those who are', async t => {
  const url = await open(t, { BARNABAS_ADMIN: 'admin:admin-secret' })
  t.equal(await whoAmI(url, 'admin'), 'User:admin')
  const put = await fetch(`${url}/users/alice`, {
    method: 'PUT', body: '{"password":"alice-secret"}', headers: { ...as('admin').headers, 'content-type': 'application/json' }
  })
  t.equal(put.status, 204)
  t.equal(await whoAmI(url, 'alice'), 'User:alice')
  const { length } = await (await fetch(`${url}/users`, as('admin'))).json() as unknown[]
  t.equal(length, 1, 'the administrator is not one of the users')
})

t.test('a log with users is not opened to everyone by a start that forgets to ask', async t => {
  await t.rejects(start({}), { message: /users or permissions.*BARNABAS_ADMIN.*--authentication required.*--insecure/ })
  const url = await open(t, {}, '--insecure')
  t.equal((await fetch(`${url}/topics`)).status, 200, 'unless that is what is asked for')
})

t.test('users of the log log in without an administrator, too', async t => {
  const url = await open(t, {}, '--authentication', 'required')
  t.equal(await whoAmI(url, 'alice'), 'User:alice')
  t.equal(await whoAmI(url, 'alice', 'wrong'), 401)
  t.equal(await whoAmI(url, 'admin'), 401)
})

t.test('the password of the configuration goes before that of the log', async t => {
  const url = await open(t, { BARNABAS_ADMIN: 'alice:another-secret' })
  t.equal(await whoAmI(url, 'alice', 'another-secret'), 'User:alice')
  t.equal(await whoAmI(url, 'alice', 'alice-secret'), 401)
  t.equal((await fetch(`${url}/users`, as('alice', 'another-secret'))).status, 200, 'and makes her a super user')
})
