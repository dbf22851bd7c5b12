/**
 * Engines for tests: on a disk that can be made to fail, watched, and asked through the suite's client.
 */
import { cpSync, readdirSync, rmSync } from 'node:fs'
import type { Test } from 'tap'
import { EmbeddedEngine } from '../../../storage/embedded/engine.ts'
import type { EmbeddedOptions } from '../../../storage/embedded/state.ts'
import type { LogObserver } from '../../../storage/log/config.ts'
import { realFileSystem } from '../../../storage/log/fs.ts'
import { Client } from '../../engine/suite/kit.ts'
import { FaultFileSystem } from '../../support/fault-fs.ts'
import { Watch } from '../../support/logs.ts'

/** Takes no notice. */
export const ignored: LogObserver = { appended () {}, synced () {}, truncated () {}, quarantined () {}, failed () {} }

export function testOptions (dataDirectory: string, options: Partial<EmbeddedOptions> = {}): EmbeddedOptions {
  return {
    dataDirectory,
    durability: 'fsync',
    partitions: 1,
    autoCreate: true,
    retentionMs: -1,
    segmentBytes: 1024 ** 3,
    tailBytes: 8 * 1024 * 1024,
    groupInitialDelayMs: 0,
    ...options
  }
}

export interface Opened {
  readonly engine: EmbeddedEngine
  readonly client: Client
  readonly fs: FaultFileSystem
  readonly watch: Watch
}

/** An engine that is not open yet. It is closed with the test, unless the test has done so. */
export function newEngine (t: Test, dataDirectory: string, options: Partial<EmbeddedOptions> = {}): Opened {
  const fs = new FaultFileSystem(realFileSystem)
  const watch = new Watch()
  const engine = new EmbeddedEngine(testOptions(dataDirectory, options), { observer: watch, fs })
  t.teardown(() => engine.close().catch(() => {})) // it may be one that is meant to fail
  return { engine, client: new Client(engine), fs, watch }
}

export async function openEngine (t: Test, dataDirectory: string, options: Partial<EmbeddedOptions> = {}): Promise<Opened> {
  const opened = newEngine(t, dataDirectory, options)
  await opened.engine.open()
  return opened
}

let images = 0

/** What a `kill -9` at this moment would leave: a copy of the folder of an engine that is running. */
export function crashImage (t: Test, dataDirectory: string): string {
  const image = `${dataDirectory}-image-${images++}`
  t.teardown(() => rmSync(image, { recursive: true, force: true }))
  // Another descriptor of the lock would take it from its holder (see lock.ts).
  cpSync(dataDirectory, image, { recursive: true, filter: path => !path.endsWith('/.lock') })
  return image
}

/** The folders of partitions. */
export function partitionFolders (dataDirectory: string): string[] {
  return readdirSync(dataDirectory).filter(name => /^t-.*-\d+$/.test(name)).sort()
}
