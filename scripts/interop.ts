/**
 * The client matrix:
 *
 *   npm run interop                    over the log of our own
 *   npm run interop -- --upstream      in front of a real Kafka, in each set-up after the other
 *
 *   --nodes 1,3                        brokers of the Kafka behind (default: both)
 *   --kafka 4.3.1,3.9.1,2.8.2          its versions (default: all)
 *   --only PATTERN                     files whose path holds the regular expression
 *
 * Prints a table of files and set-ups: passed, failed and skipped tests, and seconds. Ends with 1 if anything failed.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { ownSetup, setups, suiteFiles, type Setup } from './interop/matrix.ts'
import { outcomeOf, table, type Outcome } from './interop/report.ts'

const FILE_TIMEOUT_S = 900
/** How much of what a failed file wrote is shown. */
const SHOWN_LINES = 80

const { values } = parseArgs({
  options: {
    upstream: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '1,3' },
    kafka: { type: 'string', default: '4.3.1,3.9.1,2.8.2' },
    only: { type: 'string', default: '' }
  }
})

const chosen = values.upstream ? setups(values.nodes.split(','), values.kafka.split(',')) : [ownSetup]
const only = new RegExp(values.only)
const files = globSync('test/{interop,browser,docs,crash}/*.test.ts').sort().filter(file => only.test(file))

async function run (file: string, { environment }: Setup): Promise<Outcome> {
  const startedAt = performance.now()
  const child = spawn('npx', ['tap', '--reporter=tap', '--jobs=1', `--timeout=${FILE_TIMEOUT_S}`, file], {
    stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment }
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
  const [code] = await once(child, 'close') as [number | null]
  return outcomeOf(output, code, (performance.now() - startedAt) / 1000)
}

const results = new Map<string, Map<string, Outcome>>()
for (const setup of chosen) {
  for (const file of suiteFiles(files, setup)) {
    const outcome = await run(file, setup)
    const row = results.get(file) ?? new Map<string, Outcome>()
    results.set(file, row.set(setup.name, outcome))
    console.log(`${setup.name}  ${file}  ${outcome.text}`)
    if (outcome.isFailed) console.log(outcome.failures.slice(0, SHOWN_LINES).map(line => `    ${line}`).join('\n'))
    for (const reason of outcome.skipped) console.log(`    skipped: ${reason}`)
  }
}

console.log(`\n${table(results, chosen.map(({ name }) => name))}`)
const outcomes = [...results.values()].flatMap(row => [...row.values()])
if (outcomes.length === 0) console.error(`No file holds ${values.only}.`)
process.exitCode = outcomes.length === 0 || outcomes.some(({ isFailed }) => isFailed) ? 1 : 0
