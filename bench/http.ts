/**
 * What does a single-record POST cost, compared with a bare Fastify echo of the same body and shape, and what does it cost
 * to be on the disk?
 *
 *   node bench/http.ts [--rounds 5] [--seconds 8] [--connections 64]
 *
 * The load comes from wrk (`apt-get install wrk`), in turns: echo, os, fsync, echo, ...
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { succeed } from '../test/interop/support/run.ts'
import { median, printTable, ratio, round } from './support/figures.ts'
import { startBarnabas } from './support/server.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '8' }, connections: { type: 'string', default: '64' } }
})

const folder = mkdtempSync(join(tmpdir(), 'bench-http-'))
const script = join(folder, 'post.lua')
writeFileSync(script, `
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = '{"sensor":"attic","celsius":${'2'.repeat(20)},"note":"${'x'.repeat(140)}"}'
`)

async function load (url: string, seconds = values.seconds): Promise<number> {
  const output = await succeed('wrk', ['-t1', `-c${values.connections}`, `-d${seconds}s`, '-s', script, `${url}/topics/bench`], { timeoutMs: 120_000 })
  if (/Non-2xx/.test(output)) throw new Error(output)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)![1])
}

const echo = spawn(process.execPath, [new URL('support/echo.ts', import.meta.url).pathname], { stdio: ['ignore', 'pipe', 'inherit'] })
const echoUrl = await new Promise<string>(resolve => echo.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim())))
const [os, fsync] = [await startBarnabas('os'), await startBarnabas('fsync')]
const targets = [['Fastify echo', echoUrl], ['Barnabas, os', os.http], ['Barnabas, fsync', fsync.http]] as const
const results = new Map<string, number[]>(targets.map(([name]) => [name, []]))
try {
  for (const [, url] of targets) await load(url, '3')
  for (let i = 0; i < Number(values.rounds); i++) {
    for (const [name, url] of targets) results.get(name)!.push(await load(url))
  }
} finally {
  echo.kill('SIGKILL')
  await os.stop()
  await fsync.stop()
  rmSync(folder, { recursive: true })
}

const [bare, plain, durable] = targets.map(([name]) => results.get(name)!) as [number[], number[], number[]]
const show = (of: ReturnType<typeof ratio>): string => `${round(of.median)} (${round(of.least)}-${round(of.most)})`
printTable([
  ['single-record POST', 'requests/s', 'ratio'],
  ['Fastify echo', median(bare), ''],
  ['Barnabas, os', median(plain), `${show(ratio(plain, bare))} of the echo`],
  ['Barnabas, fsync', median(durable), `${show(ratio(durable, plain))} of os`]
])
