/**
 * A language so small that a test is about the registry: {"name":"order","fields":["id","note?"],"uses":["item"],"doc":"…"}.
 * A field with ? has a default. The order of fields has no meaning.
 */
import { SchemaError, type Codec, type Format, type Incompatibility, type ParsedSchema, type Source } from '../../../../src/schemas/format.ts'
import type { SchemaContent, SchemaType } from '../../../../src/schemas/model.ts'

interface Fake { readonly name: string, readonly fields: readonly string[], readonly uses?: readonly string[] }

export interface FakeFormat extends Format {
  /** How often something was parsed. */
  parses: number
}

export function fakeFormat (type: SchemaType = 'AVRO'): FakeFormat {
  return {
    type,
    parses: 0,
    parse (source, strict = false) {
      this.parses++
      return new FakeSchema(type, source, strict)
    }
  }
}

class FakeSchema implements ParsedSchema {
  readonly type: SchemaType
  readonly fake: Fake
  readonly sizeBytes: number

  constructor (type: SchemaType, { text, references }: Source, strict: boolean) {
    this.type = type
    this.sizeBytes = text.length
    try {
      this.fake = JSON.parse(text) as Fake
    } catch (error) {
      throw new SchemaError('not JSON', { cause: error })
    }
    if (!Array.isArray(this.fake.fields)) throw new SchemaError('no fields')
    if (strict && this.fake.fields.length === 0) throw new SchemaError('strictly, there must be a field')
    for (const name of this.fake.uses ?? []) if (!references.some(one => one.name === name)) throw new SchemaError(`"${name}" is not there`)
  }

  get name (): string { return this.fake.name }
  get codec (): Codec { throw new SchemaError('has none') }

  canonical (normalize: boolean): string {
    const { name, fields, uses } = this.fake
    return JSON.stringify([name, normalize ? fields.toSorted() : fields, uses])
  }

  formatted (): null { return null }

  outline (): ReadonlyMap<string, string> { return new Map(this.fake.fields.map(field => [field, 'field'])) }

  incompatibilities (writer: ParsedSchema): Incompatibility[] {
    const there = new Set((writer as FakeSchema).fake.fields.map(field => field.replace('?', '')))
    return this.fake.fields.filter(field => !field.endsWith('?') && !there.has(field)).map(field => ({
      type: 'READER_FIELD_MISSING_DEFAULT_VALUE',
      path: `/${field}`,
      description: `The field "${field}" in the %s schema has no default value and is missing in the %s schema`,
      additionalInfo: field
    }))
  }
}

/** A schema with these fields. */
export const fake = (fields: string, changes: Partial<SchemaContent> & { readonly name?: string, readonly uses?: readonly string[] } = {}): SchemaContent => {
  const { name = 'n', uses, ...rest } = changes
  return {
    schemaType: 'AVRO',
    schema: JSON.stringify({ name, fields: fields === '' ? [] : fields.split(' '), uses }),
    references: [],
    metadata: null,
    ruleSet: null,
    ...rest
  }
}
