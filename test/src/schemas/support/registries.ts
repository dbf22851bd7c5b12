/** Registries for tests, over the embedded engine or a log in memory, and what they know. */
import type { Test } from 'tap'
import type { Dispatch } from '../../../../protocol/rpc.ts'
import { Registry, type RegistryOptions } from '../../../../src/schemas/registry.ts'
import { MemoryLog } from '../../../support/memory-log.ts'
import { fakeFormat } from './fake-format.ts'

export async function openRegistry (t: Test, dispatch: Dispatch, options: RegistryOptions = {}): Promise<Registry> {
  const registry = new Registry(dispatch, [fakeFormat(), fakeFormat('JSON'), fakeFormat('PROTOBUF')], options)
  await registry.open()
  t.teardown(() => registry.close())
  return registry
}

export async function newRegistry (t: Test): Promise<{ log: MemoryLog, registry: Registry }> {
  const log = new MemoryLog()
  return { log, registry: await openRegistry(t, log.dispatch) }
}

/** All that can be asked of it, as one value. */
export function knownTo (registry: Registry): object {
  return {
    contexts: registry.contexts(),
    schemas: registry.all({ deleted: true }),
    ids: registry.all({ deleted: true }).map(one => registry.versionsOf(one.id, { subject: `:${contextOf(one.subject)}:`, deleted: true })),
    configs: registry.subjects({ deleted: true }).map(subject => [subject, registry.config(subject, true), registry.mode(subject, true)]),
    global: [registry.config(null, false), registry.mode(null, false)]
  }
}

const contextOf = (subject: string): string => /^:(\.[^:]*):/.exec(subject)?.[1] ?? '.'
