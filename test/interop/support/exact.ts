/** JSON with integers of 64 bits, as BigInts, and HTTP that carries it: so that what is compared is what was written. */
import type { Server } from './server.ts'

const { rawJSON, parse } = JSON as unknown as {
  rawJSON: (text: string) => unknown
  parse: (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => unknown
}

export const exact = (text: string): unknown => parse(text, (_key, value, { source }) =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(source!) : value)

export const exactText = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) => typeof member === 'bigint' ? rawJSON(String(member)) : member)

/** Without what is null, and with all that counts as a number as text: Protobuf's JSON has neither nulls nor 64-bit numbers. */
export function plainly (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainly)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null).map(([name, member]) => [name, plainly(member)]))
}

interface Sent {
  readonly type?: string
  readonly accept?: string
  readonly body?: string | Buffer
}

/** The answer, parsed; undefined if it is empty. Rejects if it is not 2xx. */
export async function ask (server: Server, method: string, path: string, { type, accept, body }: Sent = {}): Promise<any> {
  const headers = { ...type === undefined ? {} : { 'content-type': type }, ...accept === undefined ? {} : { accept } }
  const response = await fetch(server.http + path, { method, headers, ...body === undefined ? {} : { body } })
  const answer = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`)
  return answer === '' ? undefined : exact(answer)
}

/** The values of a topic, as GET tells them; oldest first. */
export async function valuesOf (server: Server, topic: string): Promise<unknown[]> {
  const { records } = await ask(server, 'GET', `/topics/${topic}/records?from=earliest&limit=1000`) as { records: { value: unknown }[] }
  return records.map(({ value }) => value)
}
