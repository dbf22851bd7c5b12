/**
 * The states in which a crash can leave a disk, from the list of changes that were made to it (after ALICE, OSDI 2014): it
 * may come after any change; what was not synced by then may be missing, and the last write may be torn.
 */
import { dirname } from 'node:path'
import { Disk, type Change } from './memory-fs.ts'

export interface CrashState {
  readonly disk: Disk
  /** How many changes had been made. */
  readonly count: number
  readonly what: string
}

const SECTOR_BYTES = 512

/** Every state of these kinds: all changes there, all unsynced ones lost, each of them lost alone, the last write torn. */
export function * crashStates (changes: readonly Change[]): Generator<CrashState, void, void> {
  const whole = new Disk()
  for (let count = 0; count <= changes.length; count++) {
    const last = count === 0 ? null : changes[count - 1]!
    if (last?.kind === 'write') yield * tears(whole, last, count)
    if (last !== null) whole.apply(last)
    yield { disk: whole.copy(), count, what: 'all there' }
    // A sync changes nothing but what can be lost from now on.
    if (last?.kind === 'sync' || last?.kind === 'syncDirectory') continue
    const done = changes.slice(0, count)
    const unsynced = unsyncedOf(done)
    if (unsynced.length > 1) yield { disk: without(done, new Set(unsynced)), count, what: 'all unsynced lost' }
    for (const change of unsynced) yield { disk: without(done, new Set([change])), count, what: `${nameOf(change)} lost` }
  }
}

/** The last write in part: what is missing is not there, or is zeros because the file has grown already. */
function * tears (before: Disk, write: Extract<Change, { kind: 'write' }>, count: number): Generator<CrashState, void, void> {
  const { bytes, position } = write
  for (let end = SECTOR_BYTES - position % SECTOR_BYTES; end < bytes.length; end += SECTOR_BYTES) {
    const part = bytes.subarray(0, end)
    for (const torn of [part, Buffer.concat([part, Buffer.alloc(bytes.length - end)])]) {
      const disk = before.copy()
      disk.apply({ ...write, bytes: torn })
      yield { disk, count, what: `${end} of ${bytes.length} bytes written, ${torn.length} there` }
    }
  }
  const disk = before.copy()
  disk.apply({ ...write, bytes: Buffer.alloc(bytes.length) })
  yield { disk, count, what: 'only zeros there' }
}

function without (changes: readonly Change[], lost: ReadonlySet<Change>): Disk {
  const disk = new Disk()
  for (const change of changes) if (!lost.has(change)) disk.apply(change)
  return disk
}

/** What no sync has followed. */
function unsyncedOf (changes: readonly Change[]): Change[] {
  const files = new Set<number>()
  const folders = new Set<string>()
  const unsynced: Change[] = []
  for (const change of changes.toReversed()) {
    switch (change.kind) {
      case 'sync':
        files.add(change.file)
        break
      case 'syncDirectory':
        folders.add(change.path)
        break
      case 'write':
      case 'truncate':
        if (!files.has(change.file)) unsynced.push(change)
        break
      case 'create':
      case 'remove':
        if (!folders.has(dirname(change.path))) unsynced.push(change)
        break
      case 'rename':
        if (!folders.has(dirname(change.to))) unsynced.push(change)
    }
  }
  return unsynced
}

function nameOf (change: Change): string {
  switch (change.kind) {
    case 'write': return `write of ${change.bytes.length} bytes at ${change.position} of file ${change.file}`
    case 'truncate': return `truncation of file ${change.file} to ${change.size}`
    case 'create': return `creation of ${change.path}`
    case 'remove': return `removal of ${change.path}`
    case 'rename': return `renaming of ${change.from} to ${change.to}`
    default: return change.kind
  }
}
