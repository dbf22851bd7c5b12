/**
 * kafka-python, through the program in `client.py`.
 */
import type { Test } from 'tap'
import { python } from './cache.ts'
import { linesOf } from './lines.ts'
import { Background, succeed } from './run.ts'

const CLIENT = new URL('client.py', import.meta.url).pathname

/** Runs a command of the program to its end, and gives the values that it printed. */
export async function runPython (...args: readonly string[]): Promise<unknown[]> {
  return linesOf(await succeed(await python(), [CLIENT, ...args])).map(line => JSON.parse(line) as unknown)
}

export async function startPython (t: Test, ...args: readonly string[]): Promise<Background> {
  return new Background(t, await python(), [CLIENT, ...args])
}
