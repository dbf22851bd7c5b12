/**
 * Records what Kafka's own code writes, as data for the tests of protocol/:
 *
 *   node scripts/record-fixtures.ts <folders with the jars of Kafka and its clients>
 *
 * Needs a JDK. What lies in several folders is taken from the first: fields are called as the newest clients call them. To be
 * run again when a message or a version is added; the interop tests fetch the jars into `.cache/interop`. Every row is one
 * line of `test/protocol/fixtures/*.json`, so that a change shows as a diff of lines.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apis } from '../protocol/apis.ts'
import { payloads } from './protocol/compare.ts'
import { fileNameOf } from './protocol/names.ts'

const FIXTURES = new URL('../test/protocol/fixtures/', import.meta.url).pathname
const PROGRAMS = new URL('./fixtures/', import.meta.url).pathname

const libs = process.argv.slice(2)
if (libs.length === 0) {
  console.error('Give the folders that hold the jars of Kafka and its clients.')
  process.exit(2)
}

const classPath = libs.map(folder => join(folder, '*')).join(':')

function run (program: string, ...args: readonly string[]): string[] {
  const output = execFileSync('java', ['-Dfile.encoding=UTF-8', '-cp', classPath, join(PROGRAMS, `${program}.java`), ...args], {
    encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit']
  })
  return output.trimEnd().split('\n')
}

function write (name: string, lines: readonly string[]): void {
  writeFileSync(join(FIXTURES, `${name}.json`), `[\n${lines.join(',\n')}\n]\n`)
}

const rangeOf = (versions: readonly [number, number]): string => versions.join('-')

rmSync(FIXTURES, { recursive: true, force: true })
mkdirSync(FIXTURES, { recursive: true })

const lines = run('Messages',
  ...apis.map(api => `${api.key}:${rangeOf(api.versions)}`),
  ...payloads.map(payload => `${payload.name}:${rangeOf(payload.versions)}`))
const byMessage = Map.groupBy(lines, line => (JSON.parse(line) as { name: string }).name)
const nameOf = new Map([...apis.map(api => [api.name, fileNameOf(api)] as const), ...payloads.map(({ name }) => [name, name] as const)])
for (const [message, rows] of byMessage) write(nameOf.get(message)!, rows)
write('batches', run('Batches'))
write('errors', run('Errors'))
console.log(`${lines.length} messages recorded in ${FIXTURES}`)
