/**
 * kcat, from Debian: librdkafka without a program around it.
 */
import type { Test } from 'tap'
import { Background, succeed, type RunOptions } from './run.ts'

/** Runs kcat, which must succeed, and gives its standard output. */
export async function kcat (broker: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return succeed('kcat', ['-b', broker, '-q', ...args], options)
}

export function startKcat (t: Test, broker: string, args: readonly string[]): Background {
  return new Background(t, 'kcat', ['-b', broker, ...args])
}
