import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { optionKeys, options } from '../../src/config/options.ts'
import { version } from '../../src/version.ts'

const root = join(import.meta.dirname, '../..')
const anyPorts = ['--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0']

/** A child process: what it wrote, and a way to wait for more. */
class Run {
  stdout = ''
  stderr = ''
  readonly child
  readonly exit: Promise<readonly [code: number | null, signal: string | null]>

  constructor (t: Test, script: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { PATH, HOME } = process.env
    this.child = spawn(process.execPath, [join(root, script), ...argv], { env: { PATH, HOME, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => { this.stdout += text })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => { this.stderr += text })
    this.exit = once(this.child, 'close') as Promise<[number | null, string | null]>
    t.teardown(() => { this.child.kill('SIGKILL') })
  }

  /** Waits until the stream holds what is looked for; an exit before that is an error. */
  async until (stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[stream])
      if (match !== null) return match
      const more = once(this.child[stream], 'data')
      const ended = await Promise.race([more.then(() => null), this.exit])
      if (ended !== null && !pattern.test(this[stream])) throw new Error(`ended with ${String(ended)}: ${this.stdout}${this.stderr}`)
    }
  }
}

const main = (t: Test, argv: readonly string[], env?: NodeJS.ProcessEnv): Run => new Run(t, 'bin/barnabas.js', argv, env)
const fake = (t: Test, mode: string, argv: readonly string[] = anyPorts): Run => new Run(t, 'test/support/fake-app.ts', [mode, ...argv])

t.test('--help names every option, --version the version, both on standard output', async t => {
  const help = main(t, ['--help'])
  const [code] = await help.exit
  t.equal(code, 0)
  t.equal(help.stderr, '')
  for (const key of optionKeys) t.match(help.stdout, `${options[key].flag}`)
  for (const line of help.stdout.split('\n')) t.ok(line.length <= 80, line)

  const versionRun = main(t, ['--version'])
  t.same(await versionRun.exit, [0, null])
  t.equal(versionRun.stdout, `${version}\n`)
})

t.test('what cannot be started as asked ends with 2 and one line for each problem', async t => {
  const run = main(t, ['--bogus', '--kafka', '0.0.0.0:9092'], { BARNABAS_PARTITIONS: 'x' })
  t.same(await run.exit, [2, null])
  t.equal(run.stdout, '')
  t.match(run.stderr, /^barnabas: There is no option --bogus\.\nbarnabas: BARNABAS_PARTITIONS: .*\nbarnabas: --kafka: .*--insecure.*\n.*--help.*\n$/)
})

t.test('the banner says where it listens, and a signal stops it with 0', async t => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const data = t.testdir()
    const run = fake(t, 'serves', [...anyPorts, '--data', data])
    const [, kafka] = await run.until('stdout', /^kafka {6}127\.0\.0\.1:(\d+)$/m)
    const [, http] = await run.until('stdout', /^http {7}http:\/\/127\.0\.0\.1:(\d+)$/m)
    t.not(kafka, '0')
    t.not(http, '0')
    await run.until('stdout', new RegExp(`^try {8}curl -d hello http://127\\.0\\.0\\.1:${http}/topics/greetings$`, 'm'))
    t.match(run.stdout, `data       ${data}`)
    run.child.kill(signal)
    t.same(await run.exit, [0, null], signal)
    t.match(run.stderr, /"msg":"started"/, 'logs are JSON where standard error is no terminal')
    t.match(run.stderr, new RegExp(`"signal":"${signal}","msg":"stopping"`))
    t.match(run.stderr, /"msg":"stopped"/)
  }
})

t.test('a second signal ends it at once, with the code of a signal; one that comes twice at once is one', async t => {
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
    const run = fake(t, 'stuck-stop')
    await run.until('stdout', /^http/m)
    run.child.kill(signal)
    await run.until('stderr', /"msg":"stopping"/)
    run.child.kill(signal)
    const again = setInterval(() => run.child.kill(signal), 200)
    t.teardown(() => clearInterval(again))
    t.same(await run.exit, [code, null])
    t.match(run.stderr, /stopped at once/)
  }
})

t.test('a signal during the start ends it with 0', async t => {
  const run = fake(t, 'stuck-start')
  await run.until('stderr', /^starting/m)
  run.child.kill('SIGTERM')
  t.same(await run.exit, [0, null])
  t.match(run.stderr, /stopped before it had started/)
})

t.test('a shell that dies between npm and the process takes it along', async t => {
  const { PATH } = process.env
  const command = `"${process.execPath}" test/support/fake-app.ts serves ${anyPorts.join(' ')}; true`
  const shell = spawn('sh', ['-c', command], { cwd: root, env: { PATH, npm_lifecycle_event: 'start' }, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  shell.stderr.setEncoding('utf8').on('data', (text: string) => { log += text })
  await once(shell.stdout, 'data')
  shell.kill('SIGTERM')
  await once(shell, 'close')
  t.match(log, /"signal":"SIGTERM","msg":"stopping"[^]*"msg":"stopped"/)
})

t.test('a port that is taken is named, with the flag and a way to find out who has it', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  for (const [flag, argv] of [['kafka', ['--kafka', `127.0.0.1:${port}`, '--http', '127.0.0.1:0']],
    ['http', ['--kafka', '127.0.0.1:0', '--http', `127.0.0.1:${port}`]]] as const) {
    const run = fake(t, 'serves', argv)
    t.same(await run.exit, [1, null])
    t.equal(run.stdout, '')
    t.match(run.stderr, new RegExp(`^barnabas: 127\\.0\\.0\\.1:${port} is taken by another process \\(".*${port}.*" tells which\\)\\. ` +
      `Stop it, or choose another port: --${flag} 127\\.0\\.0\\.1:\\d+\\.\\n$`), 'one sentence and no stack')
  }
})

t.test('other reasons not to start are one sentence as well', async t => {
  const data = join(t.testdir(), 'data')
  const sentences = [
    ['EACCES', /^barnabas: The data folder \S+ may not be written by this user .*--data\.\n$/],
    ['EROFS', /^barnabas: The data folder \S+ is on a file system that is mounted read-only\./],
    ['ENOSPC', /^barnabas: The data folder \S+ is on a disk that is full\./],
    ['ENOTDIR', /^barnabas: The data folder \S+ is not a folder\./],
    ['EIO', /^barnabas: The data folder \S+ cannot be used: no\./]
  ] as const
  await Promise.all(sentences.map(async ([code, sentence]) => {
    const run = fake(t, 'system-error', [code, ...anyPorts, '--data', data])
    t.same(await run.exit, [1, null])
    t.match(run.stderr, sentence)
    t.notMatch(run.stderr, /\n +at /)
  }))
  const refused = fake(t, 'refuse')
  t.same(await refused.exit, [1, null])
  t.equal(refused.stderr, 'barnabas: The log in this folder was written by a newer version. Start that version.\n')

  const nowhere = fake(t, 'serves', ['--insecure', '--kafka', '192.0.2.1:0', '--http', '127.0.0.1:0'])
  t.same(await nowhere.exit, [1, null])
  t.match(nowhere.stderr, /^barnabas: 192\.0\.2\.1 is not an address of this machine\./)
})

t.test('a fault of the program itself shows its stack and ends with 1', async t => {
  const run = fake(t, 'fault')
  t.same(await run.exit, [1, null])
  t.match(run.stderr, /^barnabas: a fault in the program: TypeError.*\n +at createApp/)
})

t.test('what nobody caught is logged as fatal and ends with 1', async t => {
  for (const mode of ['uncaught', 'unhandled']) {
    const run = fake(t, mode)
    t.same(await run.exit, [1, null])
    t.match(run.stderr, new RegExp(`"level":"fatal".*${mode} by anyone.*"msg":"a fault in the program: exiting"`))
  }
})

t.test('an app that can no longer serve is stopped, and the end is 1', async t => {
  const run = fake(t, 'fails')
  t.same(await run.exit, [1, null])
  t.match(run.stderr, /"level":"fatal".*the disk is gone.*"msg":"failed: stopping"[^]*"msg":"stopped"/)
})

t.test('a stop that fails ends with 1', async t => {
  const run = fake(t, 'bad-stop')
  await run.until('stdout', /^http/m)
  run.child.kill('SIGTERM')
  t.same(await run.exit, [1, null])
  t.match(run.stderr, /"level":"fatal".*the last write failed/)
})

t.test('a reader of the banner that goes away does not take the process with it', async t => {
  const run = fake(t, 'serves')
  run.child.stdout.destroy()
  await run.until('stderr', /"msg":"started"/)
  run.child.kill('SIGTERM')
  t.same(await run.exit, [0, null])
})
