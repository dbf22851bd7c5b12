/**
 * A registry that answers what a test says, and remembers what it was asked.
 */
import type { Test } from 'tap'
import type { DoorRegistry } from '../../../routes/guards.ts'
import type { SchemaVersion } from '../../../src/schemas/model.ts'
import { openDoor, type TestDoor } from '../../support/http-door.ts'

export const TEXT = '{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}'
export const GUID = '7bd5d0a4-9e1c-3d50-9c02-5c5f0b7d5ae1'

export function schemaVersion (changes: Partial<SchemaVersion> = {}): SchemaVersion {
  return {
    subject: 'orders-value',
    version: 1,
    id: 7,
    guid: GUID,
    deleted: false,
    schemaType: 'AVRO',
    schema: TEXT,
    references: [],
    metadata: null,
    ruleSet: null,
    ...changes
  }
}

export interface StubDoor extends TestDoor {
  /** By the name of the method: a value, an error to throw, or what makes one of them from the arguments. */
  answers: Record<string, unknown>
  /** The last one: the name of the method and its arguments, the caller left out. */
  asked: readonly unknown[]
}

export async function openStub (t: Test): Promise<StubDoor> {
  const registry = new Proxy({}, {
    get: (_, name: string) => {
      if (name === 'isOpen') return true
      if (name === 'types') return () => ['AVRO', 'JSON', 'PROTOBUF']
      if (name === 'parsed') return () => ({ formatted: (form: string) => form === 'resolved' ? '"resolved"' : null })
      return (_context: unknown, ...args: unknown[]) => {
        stub.asked = [name, ...args]
        const answer = stub.answers[name]
        const value: unknown = typeof answer === 'function' ? answer(...args) : answer
        if (value instanceof Error) throw value
        return value
      }
    }
  }) as DoorRegistry
  const stub: StubDoor = { ...await openDoor(t, { door: { registry } }), answers: {}, asked: [] }
  return stub
}
