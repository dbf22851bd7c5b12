/**
 * The HTTP door over the embedded engine, for tests of what a log in memory does not have: groups. The folder is that of
 * `t.testdir()`, which is removed before `t.teardown` runs: so the door is open for as long as `use` takes.
 */
import type { Test } from 'tap'
import { compose } from '../../protocol/rpc.ts'
import type { HttpDoor } from '../../routes/door.ts'
import { Feeds } from '../../src/client/feed.ts'
import { EmbeddedEngine } from '../../storage/embedded/engine.ts'
import { openDoor, type TestDoor } from './http-door.ts'

export interface EmbeddedDoor extends TestDoor {
  readonly engine: EmbeddedEngine
}

export async function withEngine (dataDirectory: string, use: (engine: EmbeddedEngine) => Promise<void>): Promise<void> {
  const engine = new EmbeddedEngine({
    dataDirectory,
    durability: 'os',
    partitions: 1,
    autoCreate: true,
    retentionMs: -1,
    segmentBytes: 1024 * 1024,
    tailBytes: 1024 * 1024,
    groupInitialDelayMs: 0
  }, { observer: { appended () {}, synced () {}, truncated () {}, quarantined () {}, failed () {} } })
  await engine.open()
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

/** `dataDirectory` is one of `t.testdir()`, or of an earlier call. */
export async function withEmbeddedDoor (
  t: Test, dataDirectory: string, use: (door: EmbeddedDoor) => Promise<void>, more: (engine: EmbeddedEngine) => Partial<HttpDoor> = () => ({})
): Promise<void> {
  await withEngine(dataDirectory, async engine => {
    const dispatch = compose(engine.dispatch)
    const opened = await openDoor(t, { door: { dispatch, feeds: new Feeds(dispatch), log: engine, ...more(engine) } })
    try {
      await use({ ...opened, engine })
    } finally {
      opened.draining.abort()
      await opened.app.close()
    }
  })
}
