/**
 * "Did you mean": the known word nearest to one that is not known.
 */

/** The nearest of `known`, or null where none is near enough to be what was meant. Case, dashes and underscores do not count. */
export function nearest (word: string, known: Iterable<string>): string | null {
  const wanted = plain(word)
  let best: string | null = null
  let least = Math.max(1, Math.ceil(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate))
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  return best
}

const plain = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Insertions, deletions and substitutions that turn one word into the other (Levenshtein). */
function editDistance (from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[to.length]!
}
