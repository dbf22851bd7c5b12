/**
 * A gateway as far as schemas go, as a process of its own: a registry over a connection to a server that speaks Kafka. The
 * process that has forked it asks by message.
 *
 *   node gateway.ts PORT
 *   in:  {"n":1,"ask":"register","subject":"s","schema":"…"}
 *   out: {"n":1,"found":{"subject":"s","version":1,"id":1,"schema":"…"}}, or {"n":1,"error":"…"}
 */
import { avro } from '../../src/schemas/avro/format.ts'
import type { SchemaContent, SchemaVersion } from '../../src/schemas/model.ts'
import { Registry } from '../../src/schemas/registry.ts'
import { remote } from '../engine/connection.ts'

export type Question =
  | { readonly ask: 'register' | 'lookup', readonly subject: string, readonly schema: string }
  | { readonly ask: 'get', readonly subject: string, readonly version: number }
  | { readonly ask: 'id', readonly subject: string, readonly id: number }
  | { readonly ask: 'all' | 'refresh' }

export interface Found {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schema: string
}

export interface Answer {
  readonly n: number
  readonly error?: string
  readonly found?: Found
  readonly all?: readonly Found[]
}

const contentOf = (schema: string): SchemaContent => ({ schemaType: 'AVRO', schema, references: [], metadata: null, ruleSet: null })
const short = ({ subject, version, id, schema }: SchemaVersion): Found => ({ subject, version, id, schema })

async function answer (registry: Registry, question: Question): Promise<Omit<Answer, 'n'>> {
  switch (question.ask) {
    case 'register': return { found: short(await registry.register(question.subject, contentOf(question.schema))) }
    case 'lookup': return { found: short(registry.lookup(question.subject, contentOf(question.schema))) }
    case 'get': return { found: short(registry.get(question.subject, question.version)) }
    case 'id': return { found: short(registry.schemaById(question.id, { subject: question.subject })) }
    case 'all': return { all: registry.all({ deleted: true }).map(short) }
    case 'refresh':
      await registry.refresh()
      return {}
  }
}

if (import.meta.main) {
  const { dispatch } = remote(Number(process.argv[2]))
  const registry = new Registry(dispatch, [avro], { onTrouble: error => console.error(error.message) })
  process.on('disconnect', () => process.exit(0))
  await registry.open()
  process.on('message', ({ n, ...question }: Question & { readonly n: number }) => {
    answer(registry, question as Question).catch((error: Error) => ({ error: `${error.name}: ${error.message}` }))
      .then(told => process.send!({ n, ...told }), () => {})
  })
  process.send!({ n: 0 })
}
