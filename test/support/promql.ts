/**
 * As much of PromQL as it takes to see which metrics and labels a query names: its tokens, and what stands where. Throws
 * for what is no query.
 */
export interface Selector {
  readonly metric: string
  /** Labels between its braces. */
  readonly labels: readonly string[]
  /** Whether a time stands behind it in brackets. */
  readonly isRange: boolean
}

export interface Query {
  readonly selectors: readonly Selector[]
  /** Labels of by, without, on, ignoring, group_left and group_right. */
  readonly grouped: readonly string[]
  /** Functions that are called, and what each is called with first, if that is a metric. */
  readonly calls: ReadonlyArray<readonly [name: string, metric: string | null]>
}

const functions = new Set([
  'rate', 'increase', 'histogram_quantile', 'time', 'predict_linear', 'min_over_time', 'max_over_time', 'avg_over_time', 'label_values',
  'sum', 'min', 'max', 'avg', 'count', 'topk'
])
const aggregations = new Set(['sum', 'min', 'max', 'avg', 'count', 'topk'])
const groupings = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])
const words = new Set(['and', 'or', 'unless', 'offset', 'bool'])

const TOKEN = new RegExp([
  /\s+/, /(?<string>"(?:[^"\\]|\\.)*")/, /(?<range>\[[^\]]*\])/, /(?<time>\d+(?:ms|[smhdwy]))/, /(?<number>\d+(?:\.\d+)?)/,
  /(?<name>[A-Za-z_:$][\w:]*)/, /(?<sign>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},])/
].map(({ source }) => source).join('|'), 'y')

interface Token { readonly kind: string, readonly text: string }

function tokensOf (query: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < query.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(query)
    if (match === null) throw new Error(`no PromQL at ${at}: ${query}`)
    const [kind, text] = Object.entries(match.groups!).find(([, value]) => value !== undefined) ?? []
    if (kind !== undefined) tokens.push({ kind, text: text! })
  }
  return tokens
}

export function readQuery (query: string): Query {
  const tokens = tokensOf(query)
  const selectors: Selector[] = []
  const grouped: string[] = []
  const calls: Array<[string, string | null]> = []
  let depth = 0
  let i = 0
  const is = (text: string, at = i): boolean => tokens[at]?.text === text
  const need = (text: string): void => {
    if (!is(text)) throw new Error(`expected ${text} and not ${tokens[i]?.text ?? 'the end'}: ${query}`)
    i++
  }
  const labelList = (): void => {
    need('(')
    while (!is(')')) {
      grouped.push(nameAt())
      if (!is(')')) need(',')
    }
    need(')')
  }
  const nameAt = (): string => {
    const token = tokens[i]
    if (token?.kind !== 'name') throw new Error(`expected a name and not ${token?.text ?? 'the end'}: ${query}`)
    i++
    return token.text
  }
  const selector = (metric: string): void => {
    const labels: string[] = []
    if (is('{')) {
      i++
      while (!is('}')) {
        labels.push(nameAt())
        if (!/^(?:=|!=|=~|!~)$/.test(tokens[i]?.text ?? '')) throw new Error(`expected a comparison: ${query}`)
        i++
        if (tokens[i]?.kind !== 'string') throw new Error(`expected a text: ${query}`)
        i++
        if (!is('}')) need(',')
      }
      need('}')
    }
    const isRange = tokens[i]?.kind === 'range'
    if (isRange && !/^\[(?:\d+[smhd]|\$__rate_interval)\]$/.test(tokens[i]!.text)) throw new Error(`no time: ${tokens[i]!.text}: ${query}`)
    if (isRange) i++
    selectors.push({ metric, labels, isRange })
  }
  while (i < tokens.length) {
    const { kind, text } = tokens[i++]!
    if (text === '(') depth++
    else if (text === ')') depth--
    if (depth < 0) throw new Error(`a bracket too many: ${query}`)
    if (kind === 'range') throw new Error(`a time behind no metric: ${query}`)
    if (kind !== 'name' || words.has(text)) continue
    if (groupings.has(text)) labelList()
    else if (is('(') || (aggregations.has(text) && groupings.has(tokens[i]?.text ?? ''))) {
      if (!functions.has(text)) throw new Error(`no function: ${text}: ${query}`)
      const first = tokens[i + 1]
      calls.push([text, is('(') && first?.kind === 'name' && !is('(', i + 2) ? first.text : null])
    } else selector(text)
  }
  if (depth !== 0) throw new Error(`brackets are left open: ${query}`)
  return { selectors, grouped, calls }
}
