/**
 * One process per data folder.
 *
 * The lock is one of the operating system's, on the file `.lock`, as Kafka's own is: it is taken atomically, it is gone
 * the moment its holder is, however that died, and it holds between containers that share a volume, where process ids
 * and host names say nothing. Node has no call for such a lock, but its SQLite takes one: an open exclusive transaction
 * is an fcntl lock (LockFileEx on Windows) on a file that stays empty. A file with a process id in it, or a socket that
 * someone would have to unlink, both leave a moment in which two processes can each believe the other is dead.
 *
 * POSIX drops such a lock when the process closes any descriptor of that file: nothing else may ever open `.lock`. Who
 * holds it is therefore written beside it, and only ever read to name the holder in a message.
 */
import { access, constants, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface Lock {
  /** Lets another process have the folder. Once is enough; further calls do nothing. */
  release (): Promise<void>
}

/** Another process has the folder. */
export class FolderLockedError extends Error {
  override readonly name = 'FolderLockedError'
  readonly code = 'ELOCKED'
}

const LOCK = '.lock'
const HOLDER = '.lock-holder'

/** Long enough for a holder that is just going, and for one that has just come to have written its name. */
const PATIENCE_MS = 250

const SQLITE_BUSY = 5
/** The low byte of SQLite's result codes is the kind of the error, the rest tells more about it. */
const PRIMARY_CODE = 0xff

/** The locks that are held: a database that was collected as garbage would let go of its lock. */
const held = new Set<DatabaseSync>()

/**
 * Takes the folder, which must exist, for this process; blocks for PATIENCE_MS at most. Rejects with FolderLockedError
 * if another process has it, and with the system's error or a sentence if the folder cannot be locked at all.
 */
export async function acquireLock (directory: string): Promise<Lock> {
  const database = await lockFolder(directory)
  held.add(database)
  const holder = join(directory, HOLDER)
  const letGo = (): void => {
    held.delete(database)
    database.close()
  }
  try {
    await writeFile(holder, JSON.stringify({ pid: process.pid, host: hostname(), since: new Date().toISOString() }) + '\n')
  } catch (error) {
    letGo()
    throw error
  }
  return {
    release: async () => {
      if (!held.has(database)) return
      // The name goes first: after the lock, it could be that of the next holder.
      await rm(holder, { force: true }).finally(letGo)
    }
  }
}

async function lockFolder (directory: string): Promise<DatabaseSync> {
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(join(directory, LOCK), { timeout: PATIENCE_MS })
    // Without a journal in memory there would be a second file beside the lock.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    const { errcode = 0 } = error as { readonly errcode?: number }
    if ((errcode & PRIMARY_CODE) === SQLITE_BUSY) {
      throw new FolderLockedError(`The data folder ${directory} is in use by ${await holderOf(directory)}. ` +
        'Stop that one, or use another data folder.', { cause: error })
    }
    throw await whyNot(directory, error as Error)
  }
}

/** SQLite does not pass on why a file could not be opened; asking the system again gives an error that names the path. */
async function whyNot (directory: string, error: Error): Promise<Error> {
  const { R_OK, W_OK, X_OK } = constants
  try {
    await access(directory, R_OK | W_OK | X_OK)
    await access(join(directory, LOCK), R_OK | W_OK)
  } catch (reason) {
    return reason as Error
  }
  return new Error(`The data folder ${directory} cannot be locked with its file ${LOCK} (${error.message}): ` +
    'that must be an empty file, on a file system that has locks.', { cause: error })
}

async function holderOf (directory: string): Promise<string> {
  try {
    const { pid, host, since } = JSON.parse(await readFile(join(directory, HOLDER), 'utf8')) as { readonly [key: string]: unknown }
    return `process ${String(pid)} on ${String(host)} (since ${String(since)})`
  } catch {
    // The name is a kindness; without it the message is still true.
    return 'another process'
  }
}
