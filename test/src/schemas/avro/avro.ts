/** What the tests of Avro say often. */
import { avro } from '../../../../src/schemas/avro/format.ts'
import { PayloadError, type Flaw, type ParsedSchema } from '../../../../src/schemas/format.ts'

/** References by name: theirs goes into the messages. */
export function schemaOf (schema: unknown, references: Readonly<Record<string, unknown>> = {}, strict = false): ParsedSchema {
  return avro.parse({
    text: JSON.stringify(schema),
    references: Object.entries(references).map(([name, schema]) => ({ name, text: JSON.stringify(schema) }))
  }, strict)
}

export const recordOf = (...fields: readonly (readonly [name: string, type: unknown, more?: object])[]) =>
  ({ type: 'record', name: 'R', fields: fields.map(([name, type, more]) => ({ name, type, ...more })) })

export const payload = (bytes: Buffer | readonly number[]) => ({ bytes: Buffer.from(bytes as Buffer), indexes: [] })

/** The flaw that it is refused with. */
export function flawIn (work: () => unknown): Flaw | null {
  try {
    work()
  } catch (error) {
    if (error instanceof PayloadError) return error.flaw
    throw error
  }
  return null
}
