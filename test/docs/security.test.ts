/**
 * docs/security.md is run as it stands: the file that it shows is written, the process that it starts is started, and each
 * command is to print what the page says, where `…` is whatever it likes. Only the ports are other ones.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { optionKeys, options } from '../../src/config/options.ts'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/security.md'), 'utf8')
const main = join(root, 'bin/barnabas.js')

interface Block { readonly kind: 'run' | 'start' | 'file', readonly name: string, readonly text: string }
interface Step { readonly command: string, readonly expected: string }

const blocks: Block[] = Array.from(page.matchAll(/<!-- (run|start|file) ?(\S*) ?-->\n```\w+\n([^]*?)```/g),
  ([, kind, name, text]) => ({ kind: kind as Block['kind'], name: name!, text: text! }))

function stepsOf (text: string): Step[] {
  const steps: Array<{ command: string, expected: string }> = []
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: '' })
    else steps.at(-1)!.expected += `${line}\n`
  }
  return steps
}

const matches = (actual: string, expected: string): boolean =>
  new RegExp(`^${expected.trimEnd().split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*?')}$`).test(actual.trimEnd())

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Resolves when the process says that it is there; rejects with what it said if it ends before. */
async function started (child: ChildProcess): Promise<string> {
  let said = ''
  let logged = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => { logged += text })
  return await new Promise((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('\nthen ')) resolve(said)
    })
    child.once('exit', code => reject(new Error(`ended with ${code}: ${said}${logged}`)))
  })
}

t.test('the commands of the page do what it says', async t => {
  t.equal(blocks.filter(({ kind }) => kind === 'start').length, 1)
  t.ok(blocks.filter(({ kind }) => kind === 'run').length >= 6)
  const folder = t.testdir()
  const ports = new Map<string, string>()
  for (const port of ['9093', '9094', '8082']) ports.set(port, String(await freePort()))
  const moved = (text: string): string => text.replace(/(?<=127\.0\.0\.1:)\d+/g, port => ports.get(port) ?? port)

  // The commands reach the process without a --url, which the page leaves out.
  const command = join(folder, 'barnabas')
  writeFileSync(command, '#!/bin/sh\n' +
    `case "$1" in users|acls|quotas) exec "${process.execPath}" "${main}" "$@" --url https://127.0.0.1:${ports.get('8082')!};; esac\n` +
    `exec "${process.execPath}" "${main}" "$@"\n`)
  chmodSync(command, 0o755)
  const env: NodeJS.ProcessEnv = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder }

  for (const { kind, name, text } of blocks) {
    if (kind === 'file') {
      writeFileSync(join(folder, name), moved(text))
    } else if (kind === 'start') {
      const [{ command }] = stepsOf(moved(text)) as [Step]
      const [program, ...args] = command.split(' ')
      const child = spawn(program!, args, { cwd: folder, env })
      t.teardown(async () => {
        if (child.exitCode !== null) return
        const end = once(child, 'exit')
        child.kill('SIGTERM')
        await end
      })
      const said = await started(child)
      const [, line] = /It says how to log in: `([^`]+)`/.exec(page)!
      t.match(said, moved(line!))
    } else {
      for (const { command, expected } of stepsOf(moved(text))) {
        const shown = command.slice(0, 100)
        // A shell each: what it exports is kept for the next.
        const script = `${command}\nstatus=$?; env -0 > env.out; exit $status`
        const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, env, encoding: 'utf8' })
        t.equal(status, 0, `${shown}: ${stderr}`)
        t.ok(matches(stdout, expected), `${shown}: ${stdout}`)
        for (const pair of readFileSync(join(folder, 'env.out'), 'utf8').split('\0')) {
          const [, key, value] = /^(BARNABAS_\w+)=(.*)$/s.exec(pair) ?? []
          if (key !== undefined) env[key] = value
        }
      }
    }
  }
})

t.test('the defaults of limits are those of the options', async t => {
  const rows = Array.from(page.matchAll(/^\| [^|]+ \| (?<value>[^|]+) \| `--(?<flag>[a-z-]+)`/gm), match => match.groups as { value: string, flag: string })
  t.ok(rows.length >= 8)
  for (const { value, flag } of rows) {
    const option = optionKeys.map(key => options[key]).find(one => one.flag === flag)
    t.ok(option, flag)
    t.ok(option?.fallback === null || value.replace(/[ ,]/g, '').startsWith(option!.fallback), `${flag}: ${value}`)
  }
  for (const [, flag] of page.matchAll(/`--([a-z][a-z-]+)[` ]/g)) {
    t.ok(['entity-type', 'command-config', ...optionKeys.map(key => options[key].flag as string)].includes(flag!), `--${flag}`)
  }
})

t.test('links lead somewhere', async t => {
  for (const [, file] of page.matchAll(/\]\(([a-z-]+\.md)/g)) t.ok(readFileSync(join(root, 'docs', file!), 'utf8').length > 0, file!)
})
