/**
 * Kafka's command line tools, one command after the other in one process, since each start of a Java takes a second.
 */
import type { Test } from 'tap'
import { javaCommand } from './java.ts'
import { Background } from './run.ts'

const PROGRAM = new URL('./Tools.java', import.meta.url).pathname
const ANSWER_TIMEOUT_MS = 120_000

export interface Said {
  readonly code: number
  /** Of both outputs, as it came. */
  readonly output: string
}

export class Tools {
  readonly #process: Background
  #count = 0

  private constructor (process: Background) {
    this.#process = process
  }

  /** Ends with the test. */
  static async start (t: Test): Promise<Tools> {
    return new Tools(new Background(t, 'java', await javaCommand(PROGRAM, '-Duser.timezone=UTC')))
  }

  async run (mainClass: string, args: readonly string[]): Promise<Said> {
    const index = this.#count++
    this.#process.write(`${JSON.stringify([mainClass, ...args])}\n`)
    const line = await this.#process.untilIt(`answer ${mainClass} ${args.join(' ')}`,
      ({ stdout }) => stdout.split('\n').slice(0, -1)[index] ?? null, ANSWER_TIMEOUT_MS)
    return JSON.parse(line) as Said
  }
}
