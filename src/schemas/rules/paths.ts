/**
 * Patterns of paths: names between dots, where `*` is any one name and `**` any number of them.
 */
export function pathMatches (pattern: string, path: string): boolean {
  return matches(pattern.split('.'), path.replaceAll(/\[\d+\]/g, '').split('.'))
}

/** Goes through the pattern once, and keeps all places in the path where it may stand: no pattern takes longer than both lengths multiplied. */
function matches (pattern: readonly string[], path: readonly string[]): boolean {
  let places = new Set([0])
  for (const part of pattern) {
    const next = new Set<number>()
    if (part === '**') {
      const first = Math.min(...places)
      for (let i = first; i <= path.length; i++) next.add(i)
    } else {
      for (const place of places) if (place < path.length && (part === '*' || part === path[place])) next.add(place + 1)
    }
    if (next.size === 0) return false
    places = next
  }
  return places.has(path.length)
}
