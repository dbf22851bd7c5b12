/**
 * Topic patterns: Java's regular expressions, as far as a time that grows with nothing but the length of the name allows them.
 */
import { RE2JS } from 're2js'
import { ConfluentError } from '../problem.ts'

const MAX_PATTERN = 1000

/** Whether a whole name matches, as in Java. Throws ConfluentError for what is no pattern, or has look-around or back references. */
export function matcherOf (pattern: string): (topic: string) => boolean {
  if (pattern.length > MAX_PATTERN) throw invalid(`is longer than ${MAX_PATTERN} characters`)
  try {
    const compiled = RE2JS.compile(pattern)
    return topic => compiled.matches(topic)
  } catch (error) {
    throw invalid(`is not a regular expression of RE2's syntax, which is Java's without look-around and back references: ${(error as Error).message}`)
  }
}

const invalid = (detail: string): ConfluentError => new ConfluentError(42203, `body/topic_pattern ${detail}.`)
