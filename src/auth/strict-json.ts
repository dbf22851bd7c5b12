/**
 * JSON in which every key of an object occurs once. Where a key occurs twice, two readers may take two different values,
 * and what one of them has checked the other does not use.
 */

const MAX_DEPTH = 32

/** Null if the text is no JSON, names a key twice in one object, or nests deeper than anyone needs. */
export function parseStrictJson (text: string): { readonly value: unknown } | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  return hasUniqueKeys(text) ? { value } : null
}

/** The text is JSON, so a string that a colon follows is a key of the innermost object. */
function hasUniqueKeys (text: string): boolean {
  const objects: Set<string>[] = []
  for (const [token, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}]/gs)) {
    if (token === '{' || token === '[') {
      if (objects.push(new Set()) > MAX_DEPTH) return false
    } else if (token === '}' || token === ']') {
      objects.pop()
    } else if (colon !== undefined) {
      const keys = objects.at(-1)!
      const key = JSON.parse(token.slice(0, -colon.length)) as string
      if (keys.has(key)) return false
      keys.add(key)
    }
  }
  return true
}

/** Null if it is not an object. */
export function asObject (value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null
}
