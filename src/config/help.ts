/**
 * What `--help` prints, made of the table of options.
 */
import { headings, optionKeys, options, variableOf, type Option, type OptionKey } from './options.ts'
import type { Value } from './values.ts'

const LEFT = 30

/** `columns`: how wide the terminal is. */
export function helpText (columns: number): string {
  const width = Math.min(Math.max(columns, 60), 110)
  const lines = [
    'Usage: barnabas [serve] [options]',
    '       barnabas users|acls|quotas|schema --help',
    '',
    ...wrap('One process through which HTTP, WebSocket and the Kafka protocol read and write an ordered, durable log.', width)
  ]
  for (const key of optionKeys) {
    const heading = headings[key]
    if (heading !== undefined) lines.push('', `${heading}:`)
    lines.push(...row(usageOf(key), describe(options[key]), width))
  }
  lines.push(...row('--help', 'Print this and exit.', width), ...row('--version', 'Print the version and exit.', width), '')
  lines.push(...wrap(
    'Every option is also a variable and a key of the file: --log-level is BARNABAS_LOG_LEVEL and logLevel. ' +
    'A flag goes before a variable, a variable before the file, the file before the default.', width))
  return lines.join('\n') + '\n'
}

/** `--data DIR`, `--insecure`, `--[no-]auto-create`; of a secret the variable, because there is no flag for it. */
export function usageOf (key: OptionKey): string {
  const { flag, fallback } = options[key]
  const value: Value<unknown> = options[key].value
  if (value.isSecret === true) return `${variableOf(key)}=${value.placeholder}`
  if (value.placeholder === '') return fallback === 'true' ? `--[no-]${flag}` : `--${flag}`
  return `--${flag} ${value.placeholder}`
}

function describe ({ help, fallback }: Option<unknown>): string {
  return fallback === null || fallback === '' || fallback === 'false' ? help : `${help} Default: ${fallback}`
}

function row (left: string, right: string, width: number): string[] {
  const lines = wrap(right, width - LEFT - 2).map(line => ' '.repeat(LEFT + 2) + line)
  if (left.length + 2 > LEFT) return [`  ${left}`, ...lines]
  return [`  ${left.padEnd(LEFT)}${lines[0]!.slice(LEFT + 2)}`, ...lines.slice(1)]
}

export function wrap (text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
