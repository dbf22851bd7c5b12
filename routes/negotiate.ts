/**
 * Which media type to answer with, from what the peer accepts (RFC 9110, section 12.5.1).
 */

/**
 * The offer that `accept` prefers: the one with the highest weight, and of equals the first offered. The first offer if
 * nothing is asked for; null if none is acceptable.
 */
export function negotiate<T extends string> (accept: string | undefined, offers: readonly T[]): T | null {
  if (accept === undefined || accept === '' || accept === '*/*') return offers[0]!
  const ranges = accept.split(',').map(rangeOf)
  let best: T | null = null
  let bestWeight = 0
  for (const offer of offers) {
    const weight = weightOf(offer, ranges)
    if (weight > bestWeight) {
      best = offer
      bestWeight = weight
    }
  }
  return best
}

interface Range {
  readonly type: string
  readonly weight: number
}

function rangeOf (text: string): Range {
  const [type = '', ...parameters] = text.split(';').map(part => part.trim().toLowerCase())
  const q = parameters.find(parameter => parameter.startsWith('q='))
  const weight = q === undefined ? 1 : Number(q.slice(2))
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 }
}

/** The most specific range that names the type decides. */
function weightOf (offer: string, ranges: readonly Range[]): number {
  const any = `${offer.slice(0, offer.indexOf('/'))}/*`
  const range = ranges.find(({ type }) => type === offer) ?? ranges.find(({ type }) => type === any) ?? ranges.find(({ type }) => type === '*/*')
  return range?.weight ?? 0
}
