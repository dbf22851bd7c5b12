/**
 * What a run of a file has come to, read from its TAP, and a table of many.
 */

export interface Outcome {
  readonly isFailed: boolean
  /** For one cell: `ok 22 (3 skipped) 14 s`. */
  readonly text: string
  /** The lines that say what failed. */
  readonly failures: readonly string[]
  /** Why tests were skipped, each reason once. */
  readonly skipped: readonly string[]
}

/** `code` is how the runner ended: whatever it says, only 0 is a success, and only where something was tested. */
export function outcomeOf (output: string, code: number | null, seconds: number): Outcome {
  const lines = output.split('\n')
  const counts = /^# \{ (.*) \}$/m.exec(output)?.[1] ?? ''
  const count = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(counts)?.[1] ?? 0)
  const skipped = [...new Set(lines.flatMap(line => /^\s*ok .*# SKIP (.*)$/.exec(line)?.[1] ?? []))]
  const isFailed = code !== 0 || (count('pass') === 0 && skipped.length === 0)
  const numbers = [
    isFailed ? `FAILED ${count('fail')} of ${count('total')}` : `ok ${count('pass')}`,
    ...count('skip') > 0 ? [`(${count('skip')} skipped)`] : [],
    `${Math.round(seconds)} s`
  ]
  return { isFailed, text: numbers.join(' '), failures: isFailed ? failuresIn(lines) : [], skipped }
}

/** Each `not ok` with what is indented below it; where no test is among them, the end of all the rest before. */
function failuresIn (lines: readonly string[]): string[] {
  const shown: string[] = []
  let depth = -1
  for (const line of lines) {
    const indent = line.length - line.trimStart().length
    if (/^\s*not ok /.test(line)) depth = indent
    else if (line.trim() !== '' && indent <= depth) depth = -1
    if (depth >= 0 && line.trim() !== '') shown.push(line)
  }
  if (shown.some(line => /^\s+not ok /.test(line))) return shown
  // A file that ended before its first test, or never, has said why in its own words.
  return [...lines.filter(line => line.trim() !== '' && !shown.includes(line)).slice(-40), ...shown]
}

/** A row for each file and a column for each set-up. */
export function table (results: ReadonlyMap<string, ReadonlyMap<string, Outcome>>, names: readonly string[]): string {
  const rows = [
    ['file', ...names],
    ...[...results].map(([file, row]) => [file.replace(/^test\//, '').replace(/\.test\.ts$/, ''), ...names.map(name => row.get(name)?.text ?? '-')])
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const lines = rows.map(row => row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ').trimEnd())
  return [lines[0], widths.map(width => '-'.repeat(width)).join('-|-'), ...lines.slice(1)].join('\n')
}
