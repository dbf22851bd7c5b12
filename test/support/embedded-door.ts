/**
 * The HTTP door over a whole engine, the embedded one if the environment does not say otherwise (`log-choice.ts`), for tests of
 * what a log in memory does not have: groups. The folder is that of `t.testdir()`, which is removed before `t.teardown` runs: so the
 * door is open for as long as `use` takes.
 */
import type { Test } from 'tap'
import { compose } from '../../protocol/rpc.ts'
import type { HttpDoor } from '../../routes/door.ts'
import { Feeds } from '../../src/client/feed.ts'
import type { EmbeddedEngine } from '../../storage/embedded/engine.ts'
import type { LogEngine } from '../../storage/engine.ts'
import { openDoor, type TestDoor } from './http-door.ts'
import { embedded, withLog } from './log-choice.ts'

export interface EmbeddedDoor extends TestDoor {
  readonly engine: LogEngine
}

/** The embedded engine, whatever the environment says. */
export async function withEngine (dataDirectory: string, use: (engine: EmbeddedEngine) => Promise<void>): Promise<void> {
  const engine = embedded(dataDirectory)
  await engine.open()
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

/** `dataDirectory` is one of `t.testdir()`, or of an earlier call. */
export async function withEmbeddedDoor (
  t: Test, dataDirectory: string, use: (door: EmbeddedDoor) => Promise<void>, more: (engine: LogEngine) => Partial<HttpDoor> = () => ({})
): Promise<void> {
  await withLog(dataDirectory, async engine => {
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
