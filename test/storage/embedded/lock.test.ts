import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { acquireLock, FolderLockedError } from '../../../storage/embedded/lock.ts'

const starter = join(import.meta.dirname, '../../support/lock-starter.ts')

type Answer = { readonly held: true } | { readonly held: false, readonly name: string, readonly message: string }

/** Another process that waits for a word and then tries to take the folder, and keeps it if it gets it. */
async function another (t: Test, directory: string): Promise<{ child: ChildProcess, take: () => Promise<Answer> }> {
  const child = fork(starter, [directory], { execArgv: [] })
  t.teardown(() => { child.kill('SIGKILL') })
  await once(child, 'message')
  return {
    child,
    take: async () => {
      child.send('take')
      const [answer] = await once(child, 'message') as [Answer]
      return answer
    }
  }
}

t.test('a second process is refused with the pid of the first, and let in after a kill -9', async t => {
  const directory = t.testdir()
  const first = await another(t, directory)
  t.same(await first.take(), { held: true })

  const second = await another(t, directory)
  const refusal = await second.take()
  t.match(refusal, { held: false, name: 'FolderLockedError' })
  t.match((refusal as { message: string }).message, `data folder ${directory} is in use by process ${first.child.pid} on `)

  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  t.same(await second.take(), { held: true }, 'the lock of a dead process is nobody\'s')
})

t.test('of five that start at once one wins', async t => {
  const directory = t.testdir()
  const starters = await Promise.all([1, 2, 3, 4, 5].map(async () => await another(t, directory)))
  const answers = await Promise.all(starters.map(async ({ take }) => await take()))
  t.equal(answers.filter(({ held }) => held).length, 1)
  for (const answer of answers) if (!answer.held) t.equal(answer.name, 'FolderLockedError')
})

t.test('of five that find the lock of a killed process one wins', async t => {
  const directory = t.testdir()
  const dead = await another(t, directory)
  t.same(await dead.take(), { held: true })
  const starters = await Promise.all([1, 2, 3, 4, 5].map(async () => await another(t, directory)))
  dead.child.kill('SIGKILL')
  await once(dead.child, 'exit')
  const answers = await Promise.all(starters.map(async ({ take }) => await take()))
  t.equal(answers.filter(({ held }) => held).length, 1)
})

t.test('a released folder can be taken again, by this process and by another', async t => {
  const directory = t.testdir()
  const lock = await acquireLock(directory)
  await t.rejects(acquireLock(directory), FolderLockedError, 'also within one process')
  const other = await another(t, directory)
  t.match(await other.take(), { held: false }, 'the failed attempt has not let go of the lock of this process')
  await lock.release()
  await lock.release()
  t.same(readdirSync(directory), ['.lock'], 'nothing but the empty file stays')
  t.same(await other.take(), { held: true })
})

t.test('a lock that is only held by name survives garbage collection', async t => {
  const directory = t.testdir()
  const { child, take } = await another(t, directory)
  t.same(await take(), { held: true })
  child.send('collect')
  await once(child, 'message')
  await t.rejects(acquireLock(directory), FolderLockedError)
})

t.test('a folder that cannot be locked says why', async t => {
  const directory = t.testdir({ strange: { '.lock': 'not empty' }, taken: { '.lock': {} } })
  await t.rejects(acquireLock(join(directory, 'missing')), { code: 'ENOENT', path: join(directory, 'missing') })
  await t.rejects(acquireLock(join(directory, 'strange')), { message: /cannot be locked with its file \.lock .*must be an empty file/ })
  await t.rejects(acquireLock(join(directory, 'taken')), { message: /cannot be locked/ })
})

t.test('a folder that this user may not write to is named', { skip: process.getuid?.() === 0 && 'root may write everywhere' }, async t => {
  const directory = join(t.testdir(), 'closed')
  mkdirSync(directory, { mode: 0o555 })
  await t.rejects(acquireLock(directory), { code: 'EACCES', path: directory })
  chmodSync(directory, 0o755)
})

t.test('where the holder has no name, the message is still clear', async t => {
  const directory = t.testdir()
  const lock = await acquireLock(directory)
  t.teardown(async () => await lock.release())
  t.ok(existsSync(join(directory, '.lock-holder')))
  writeFileSync(join(directory, '.lock-holder'), '{"pi')
  await t.rejects(acquireLock(directory), { message: /is in use by another process\. Stop that one/ })
})
