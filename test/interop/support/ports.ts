/**
 * Free ports and temporary folders, for programs that are told about them when they start.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

/** Not `t.testdir()`, which empties its folder when the test asks for one too. */
export function temporaryFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'barnabas-interop-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Ports are chosen before the start, so that a restart can have the same ones. */
export async function freePort (host = '127.0.0.1'): Promise<number> {
  const listener = createServer().listen(0, host)
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}

/** Waits until something listens. */
export async function accepts (port: number, timeoutMs: number, host = '127.0.0.1'): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(100)) {
    const socket = connect(port, host)
    try {
      return await once(socket, 'connect').then(() => {})
    } catch (error) {
      if (Date.now() > deadline) throw error
    } finally {
      socket.destroy()
    }
  }
}
