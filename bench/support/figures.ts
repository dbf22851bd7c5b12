/**
 * Figures of several rounds: medians, ratios pair by pair, and a table. Absolute values mean little on a shared machine;
 * what is quoted is the ratio of two things measured in the same run.
 */

export function median (values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The median of the ratios of values from the same round, and their range. */
export function ratio (ours: readonly number[], theirs: readonly number[]): { median: number, least: number, most: number } {
  const ratios = ours.map((value, round) => value / theirs[round]!)
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

export function printTable (rows: readonly (readonly (string | number)[])[]): void {
  const cells = rows.map(row => row.map(cell => typeof cell === 'number' ? round(cell) : cell))
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map(row => row[column]!.length)))
  for (const row of cells) console.log(row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join('  '))
}

export function round (value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
