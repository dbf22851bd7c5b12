/**
 * Compares every message that we define with Kafka's own definitions:
 *
 *   npm run check:protocol -- <folder of definitions, or a kafka-clients jar>
 *
 * Prints each difference as a line. Exits 0 if there is none, 1 if there are some, 2 if the input is of no use.
 */
import { compareAll, notOurs } from './protocol/compare.ts'
import { readDefinitions, UnusableInput } from './protocol/official.ts'

async function main (path: string | undefined): Promise<number> {
  if (path === undefined) throw new UnusableInput('Give a folder of message definitions or a kafka-clients jar.')
  const definitions = await readDefinitions(path)
  const { differences, behind, versions, messages } = compareAll(definitions)
  if (messages === 0) throw new UnusableInput(`${path} defines none of the messages that we have`)
  for (const difference of differences) console.log(difference)
  for (const one of behind) console.log(`behind: ${one}`)
  const others = notOurs(definitions)
  if (others.length > 0) console.log(`not here: ${others.join(', ')}`)
  console.log(`${messages} messages in ${versions} versions compared, ${differences.length} differences.`)
  return differences.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv[2])
} catch (error) {
  if (!(error instanceof UnusableInput)) throw error
  console.error(error.message)
  process.exitCode = 2
}
