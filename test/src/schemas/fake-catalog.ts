/**
 * A registry in memory, with languages that have one rule: a payload is a JSON object whose `n` is a number. What is in the
 * text of a schema is its name.
 */
import type { Catalog } from '../../../src/schemas/catalog.ts'
import { PayloadError, SchemaError, type Codec, type Flaw, type ParsedSchema, type Payload } from '../../../src/schemas/format.ts'
import type { SchemaType, SchemaVersion } from '../../../src/schemas/model.ts'

export class FakeCatalog implements Catalog {
  isOpen = true
  revision = 0
  refreshes = 0
  checks = 0
  /** Called while the registry is read on: others register here. */
  onRefresh: () => void | Promise<void> = () => {}
  readonly #versions: SchemaVersion[] = []

  /** Under the same id again: the same schema in another subject. */
  register (subject: string, name: string, { id, type = 'AVRO' }: { id?: number, type?: SchemaType } = {}): SchemaVersion {
    const version = this.#versions.filter(one => one.subject === subject).length + 1
    const number = id ?? Math.max(0, ...this.#versions.map(one => one.id)) + 1
    const one: SchemaVersion = {
      subject,
      version,
      id: number,
      guid: `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`,
      deleted: false,
      schemaType: type,
      schema: name,
      references: [],
      metadata: null,
      ruleSet: null
    }
    this.#versions.push(one)
    this.revision++
    return one
  }

  delete (subject: string): void {
    for (let i = 0; i < this.#versions.length; i++) {
      if (this.#versions[i]!.subject === subject) this.#versions[i] = { ...this.#versions[i]!, deleted: true }
    }
    this.revision++
  }

  byId (id: number): SchemaVersion | undefined { return this.#versions.find(one => one.id === id) }
  byGuid (guid: string): SchemaVersion | undefined { return this.#versions.find(one => one.guid === guid) }
  latest (subject: string): SchemaVersion | undefined { return this.#versions.findLast(one => one.subject === subject && !one.deleted) }
  version (subject: string, version: number): SchemaVersion | undefined {
    return this.#versions.find(one => one.subject === subject && one.version === version)
  }

  isUnder (subject: string, { id }: SchemaVersion, deleted = false): boolean {
    return this.#versions.some(one => one.subject === subject && one.id === id && (deleted || !one.deleted))
  }

  parsed ({ schema, schemaType }: SchemaVersion): ParsedSchema {
    if (schema === 'broken') throw new SchemaError('a schema that nobody can read')
    return {
      type: schemaType,
      name: schema === '' ? null : schema,
      canonical: () => schema,
      formatted: () => null,
      incompatibilities: () => [],
      outline: () => new Map(),
      codec: this.#codec(schemaType),
      sizeBytes: 100
    }
  }

  async refresh (): Promise<void> {
    this.refreshes++
    await this.onRefresh()
    this.isOpen = true
  }

  #codec (type: SchemaType): Codec {
    const check = (payload: Payload): Flaw | null => {
      this.checks++
      return flawOf(payload)
    }
    return {
      check,
      toJson: payload => {
        const flaw = flawOf(payload)
        if (flaw !== null) throw new PayloadError(flaw)
        return payload.bytes.toString()
      },
      fromJson: value => {
        const payload = { bytes: Buffer.from(JSON.stringify(value)), indexes: type === 'PROTOBUF' ? [0] : [] }
        const flaw = flawOf(payload)
        if (flaw !== null) throw new PayloadError(flaw)
        return payload
      },
      toValue: payload => JSON.parse(payload.bytes.toString()) as unknown
    }
  }
}

function flawOf ({ bytes }: Payload): Flaw | null {
  try {
    const value = JSON.parse(bytes.toString()) as { n?: unknown } | null
    if (typeof value?.n === 'number') return null
    return { path: 'n', expected: 'number', found: value?.n === undefined ? 'nothing' : `${typeof value.n} ${JSON.stringify(value.n)}` }
  } catch {
    return { path: '', expected: 'JSON', found: `${bytes.length} bytes of something else` }
  }
}
