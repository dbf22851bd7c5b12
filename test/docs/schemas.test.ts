/**
 * What docs/schemas.md, docs/validation.md and README.md show of schemas is run as it stands, each page against a process of its own,
 * and so are the examples. Only the ports are other ones, and the commands reach the process without a --url, which the page leaves out.
 *
 * What stands behind a command holds: `# 422: reason` is the status of the answer and the beginning of its reason, where `…`
 * is whatever it likes; `# "value":…` is in it. Other comments are words; commands without a status succeed.
 */
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { registryPython } from '../interop/support/cache.ts'
import { linesOf } from '../interop/support/lines.ts'
import { run, succeed } from '../interop/support/run.ts'
import { temporaryFolder } from '../interop/support/ports.ts'
import { startServer, type Server } from '../interop/support/server.ts'

const root = join(import.meta.dirname, '../..')
const examples = join(root, 'examples/schemas')
const pageOf = (name: string): string => readFileSync(join(root, name), 'utf8')

interface Block { readonly file: string | null, readonly text: string }
interface Command { readonly command: string, readonly comment: string, readonly expected: string }

/** The fenced blocks of a page that hold commands, and the files that they need, in order. */
function blocksOf (page: string): Block[] {
  const all = Array.from(page.matchAll(/(?:<!-- file (\S+) -->\n)?```\w*\n([^]*?)```/g), ([, file, text]) => ({ file: file ?? null, text: text! }))
  return all.filter(({ file, text }) => file !== null || /^(\$ )?(curl|node bin)/.test(text))
}

/** A line that ends in `\` goes on; where lines begin with `$`, the others are what is printed. */
function commandsOf (text: string): Command[] {
  const lines = text.trimEnd().replaceAll(/\\\n\s*/g, '').split('\n')
  const hasOutput = lines.some(line => line.startsWith('$ '))
  const commands: Array<{ command: string, comment: string, expected: string }> = []
  for (const line of lines) {
    if (hasOutput && !line.startsWith('$ ')) {
      commands.at(-1)!.expected += `${line}\n`
    } else {
      const [command, comment = ''] = line.replace(/^\$ /, '').split(/\s+# /)
      commands.push({ command: command!, comment, expected: '' })
    }
  }
  return commands
}

interface Shell {
  readonly folder: string
  run (command: string): Promise<{ readonly code: number | null, readonly output: string, readonly status: number }>
}

/** In its folder `curl` tells the status below the answer, and `node bin/barnabas.js` knows where the process listens. */
function shellOf (t: Test, { http }: Server): Shell {
  const folder = temporaryFolder(t)
  symlinkSync(join(root, 'bin'), join(folder, 'bin'))
  const script = (name: string, text: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  script('curl', `PATH=${process.env['PATH']!} exec curl -sS --max-time 30 -w '\\nstatus %{http_code}' "$@"`)
  script('node', `exec "${process.execPath}" "$@" --url ${http}`)
  return {
    folder,
    async run (command) {
      const moved = command.replaceAll('localhost:8082', http.slice('http://'.length))
      const { code, stdout, stderr } = await run('bash', ['-c', `PATH=${folder}:$PATH\n${moved}`], { cwd: folder })
      const [, output = stdout, status = '0'] = /^([^]*)\nstatus (\d+)$/.exec(stdout) ?? []
      if (stderr !== '') t.comment(stderr)
      return { code, output, status: Number(status) }
    }
  }
}

async function runPage (t: Test, server: Server, blocks: readonly Block[]): Promise<number> {
  const shell = shellOf(t, server)
  let count = 0
  for (const { file, text } of blocks) {
    if (file !== null) {
      writeFileSync(join(shell.folder, file), text)
      continue
    }
    for (const { command, comment, expected } of commandsOf(text)) {
      const shown = command.slice(0, 100)
      const { code, output, status } = await shell.run(command)
      count++
      if (command.startsWith('curl')) {
        const [, said, reason] = /^(\d{3})(?:: (.*))?$/.exec(comment) ?? []
        t.equal(code, 0, shown)
        if (said === undefined) t.ok(status >= 200 && status < 300, `${shown}: ${status} ${output}`)
        else t.equal(status, Number(said), `${shown}: ${output}`)
        if (reason !== undefined) {
          const { detail } = JSON.parse(output) as { detail: string }
          t.ok(detail.includes(reason.split(/\s*…/)[0]!), `${shown}: ${detail}`)
        }
        if (comment.startsWith('"')) t.ok(output.includes(comment), `${shown}: ${output}`)
      } else {
        t.equal(output, expected, shown)
        t.equal(code, expected.includes('not compatible') ? 1 : 0, shown)
      }
    }
  }
  return count
}

const valuesOf = async ({ http }: Server, topic: string): Promise<unknown[]> => {
  const { records } = await (await fetch(`${http}/topics/${topic}/records?from=earliest`)).json() as { records: { value: unknown }[] }
  return records.map(({ value }) => value)
}

t.test('docs/schemas.md', async t => {
  const server = await startServer(t)
  t.equal(await runPage(t, server, blocksOf(pageOf('docs/schemas.md'))), 9)
  t.strictSame(await valuesOf(server, 'people'), [{ name: 'ada', age: null }])
})

t.test('docs/validation.md', async t => {
  const server = await startServer(t)
  t.equal(await runPage(t, server, blocksOf(pageOf('docs/validation.md'))), 5)
  t.strictSame(await valuesOf(server, 'orders'), [{ n: 1 }])
})

t.test('README.md', async t => {
  const server = await startServer(t)
  const [, section] = /\n(\*\*Schemas\.\*\*[^]*?After the last line nothing gets in)/.exec(pageOf('README.md'))!
  t.equal(await runPage(t, server, blocksOf(section!)), 4)
  t.strictSame(await valuesOf(server, 'people'), [{ name: 'ada' }], 'JSON again')
  for (const contentType of ['application/json', 'application/octet-stream']) {
    const refused = await fetch(`${server.http}/topics/people`, { method: 'POST', headers: { 'content-type': contentType }, body: '{"nam":"ada"}' })
    t.equal(refused.status, 422, 'nothing gets in that does not fit')
  }
})

t.test('the examples', async t => {
  const server = await startServer(t)

  t.test('by curl alone', async t => {
    const said = await succeed('sh', [join(examples, 'curl.sh'), server.http])
    const answers = new Map(Array.from(said.matchAll(/^# (.*)\n(.*)$/gm), ([, title, answer]) => [title!, JSON.parse(answer!) as Record<string, unknown>]))
    t.equal(answers.size, 14)
    const answer = (title: string): Record<string, unknown> => [...answers].find(([one]) => one.startsWith(title))![1]
    t.match(answer('Register'), { subject: 'parcels-value', version: 1 })
    t.match(answer('Produce: JSON goes in'), { topic: 'parcels', offset: 0 })
    t.match(answer('Several'), { count: 2 })
    t.match(said, '"value":{"to":"Ada","grams":9007199254740993}', 'all the digits')
    t.strictSame((answer('Read')['records'] as unknown[]).length, 3)
    t.match(answer('What JSON cannot become'), { status: 422, detail: 'grams: expected long, found string "heavy"' })
    t.match(answer('Have all records'), { value: 'payload' })
    t.match(answer('Bytes that are no parcel'), { status: 422, detail: 'The value names no schema' })
    t.match(answer('May the schema'), { is_compatible: false })
    t.match(answer('nor can it'), { error_code: 40901 })
    t.match(answer('With a default'), { is_compatible: true })
    t.match(answer('Evolve'), { version: 2 })
    t.match(answer('What has changed'), { changes: ['note was added: string, "" by default.'] })
    t.match(answer('Produce with the new'), { offset: 3 })
    t.match(answer('Ask for more'), { compatibility: 'FULL_TRANSITIVE' })
  })

  t.test('in Python', async t => {
    const python = await registryPython()
    const requirements = join(examples, 'python/requirements.txt')
    await succeed(python, ['-m', 'pip', 'install', '--quiet', '--no-index', '-r', requirements]) // fails unless all of it is there
    const addresses = [server.http, server.kafka]
    t.strictSame(linesOf(await succeed(python, [join(examples, 'python/producer.py'), ...addresses])),
      ['stored at offset 0', 'stored at offset 1', 'stored at offset 2', 'refused: Broker: Broker failed to validate record'])
    const lines = linesOf(await succeed(python, [join(examples, 'python/consumer.py'), ...addresses]))
    t.strictSame(lines.map(line => line.replace(/ at .*/, '')), ['north: 4.5', 'south: 11.25', 'cellar: None'])
    t.match(await valuesOf(server, 'measurements'), [{ sensor: 'north', celsius: 4.5 }, { sensor: 'south' }, { sensor: 'cellar', celsius: null }], 'as JSON')
    t.match(await (await fetch(`${server.http}/topics/measurements/validation`)).json(), { value: 'payload' })
  })
})

t.test('links lead somewhere', async t => {
  for (const [page, folder] of [['docs/schemas.md', 'docs'], ['docs/validation.md', 'docs']] as const) {
    for (const [, file] of pageOf(page).matchAll(/\]\(([\w./-]+\.(?:md|yaml))/g)) t.ok(readFileSync(join(root, folder, file!), 'utf8').length > 0, file!)
  }
})
