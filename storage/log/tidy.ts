/**
 * The files of a log's folder besides its segments: what a crash has left half done is finished or thrown away.
 *
 * A compacted segment replaces several older ones, in steps: it is written as `<base>.log.cleaned`, gets the name
 * `<base>.log.swap` once it is complete and on the disk, and takes the place of the segments that it was made from when
 * they are removed. From the second step on it counts, whatever happens to us: the steps behind it can be repeated.
 */
import { dirname, join } from 'node:path'
import type { FileSystem } from './fs.ts'
import { scan } from './scan.ts'
import { baseOffsetIn, indexPaths, segmentName } from './segment.ts'

export const DRAFT = '.cleaned'
export const SWAP = '.swap'

/** A file that says that offsets may be missing here for good reason. The topic may be compacted no longer: its gaps stay. */
export const COMPACTED = '.compacted'

/** Kafka's names for the same things, and for segments that it was about to remove. */
const leftovers = /\.(cleaned|tmp|deleted|index\.swap|timeindex\.swap)$/

/** Puts the files of a folder in order and returns the base offsets of its segments, ascending. */
export async function tidy (fs: FileSystem, directory: string): Promise<number[]> {
  let names = await fs.list(directory)
  const remove = async (name: string): Promise<void> => await fs.remove(join(directory, name))
  for (const name of names) if (leftovers.test(name)) await remove(name)
  for (const name of names) {
    const base = name.endsWith(SWAP) ? baseOffsetIn(name.slice(0, -SWAP.length)) : null
    if (base !== null) await replaceWith(fs, directory, base, names)
  }
  names = await fs.list(directory)
  for (const name of names) {
    const index = /^(\d{20})\.(index|timeindex)$/.exec(name)
    if (index !== null && !names.includes(`${index[1]}.log`)) await remove(name)
  }
  return names.map(baseOffsetIn).filter(base => base !== null).sort((a, b) => a - b)
}

/** The segments that a compacted one was made from are all that begin before its end. */
async function replaceWith (fs: FileSystem, directory: string, baseOffset: number, names: readonly string[]): Promise<void> {
  const path = join(directory, segmentName(baseOffset))
  const file = await fs.open(path + SWAP)
  let nextOffset = baseOffset + 1
  try {
    for await (const batches of scan(file, 0, await fs.size(path + SWAP))) nextOffset = batches.at(-1)!.nextOffset
  } finally {
    await file.close()
  }
  const covered = names.map(baseOffsetIn).filter(base => base !== null && base > baseOffset && base < nextOffset)
  await finishSwap(fs, path, covered.map(base => join(directory, segmentName(base!))))
}

/** Removes the segments in `others` and the indexes of the one at `path`, then puts the file at `<path>.swap` there. */
export async function finishSwap (fs: FileSystem, path: string, others: readonly string[]): Promise<void> {
  for (const other of others) for (const file of [other, ...indexPaths(other)]) await fs.remove(file)
  for (const index of indexPaths(path)) await fs.remove(index)
  await fs.syncDirectory(dirname(path))
  await fs.rename(path + SWAP, path)
  await fs.syncDirectory(dirname(path))
}
