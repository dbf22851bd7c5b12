/**
 * Records what Kafka's own code writes, as data for the tests of protocol/:
 *
 *   node scripts/record-fixtures.ts <folder with the jars of Kafka and its clients>
 *
 * Needs a JDK. To be run again when a message or a version is added; the interop tests fetch the same jars into
 * `.cache/kafka/libs`. Every row is one line of `test/protocol/fixtures/*.json`, so that a change shows as a diff of lines.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { apis } from '../protocol/apis.ts'
import { payloads } from './protocol/compare.ts'
import { fileNameOf } from './protocol/names.ts'

const FIXTURES = new URL('../test/protocol/fixtures/', import.meta.url).pathname
const PROGRAMS = new URL('./fixtures/', import.meta.url).pathname

const libs = process.argv[2]
if (libs === undefined) {
  console.error('Give the folder that holds the jars of Kafka and its clients.')
  process.exit(2)
}

function run (program: string, ...args: readonly string[]): string[] {
  const output = execFileSync('java', ['-Dfile.encoding=UTF-8', '-cp', join(libs!, '*'), join(PROGRAMS, `${program}.java`), ...args], {
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
