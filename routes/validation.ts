/**
 * Holds requests to the contract's schemas (JSON Schema 2020-12, as OpenAPI 3.1 has it).
 *
 * Parameters arrive as text and are read as what their schema says; bodies are taken as they are. Nothing is removed or
 * added. A schema is compiled when it is first needed, so that starting does not wait for those that nobody asks for.
 */
import { Ajv2020, type ErrorObject, type Options } from 'ajv/dist/2020.js'
import type { FastifySchemaCompiler } from 'fastify'

/** A schema, a reference, or any other node of the document. */
export type Node = { readonly [key: string]: unknown }

export interface Fault {
  /** Where: `query/limit`, `body/records/0`. */
  readonly in: string
  readonly detail: string
}

/** What is wrong with a value; nothing, if it is as it should be. `place` begins the `in` of every fault. */
export type Check = (value: unknown, place: string) => readonly Fault[]

// Formats are for readers: what they promise is checked where the value is used. That the schemas are sound is for a test.
const OPTIONS: Options = { strict: true, allowUnionTypes: true, validateSchema: false, formats: { 'date-time': true } }
const PLACES: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', headers: 'header', body: 'body' }

export class Validation {
  readonly #definitions: Node
  #strict: Ajv2020 | undefined
  #coercing: Ajv2020 | undefined

  constructor (document: Node) {
    this.#definitions = localised((document['components'] as Node)['schemas'] as Node)
  }

  /** For Fastify's `setValidatorCompiler`. */
  readonly compiler: FastifySchemaCompiler<unknown> = ({ schema, httpPart = 'body' }) => {
    const check = this.compile(schema as Node, httpPart !== 'body')
    const place = PLACES[httpPart] ?? httpPart
    return value => {
      const faults = check(value, place)
      return faults.length === 0 ? true : { error: new InvalidRequest(faults, httpPart === 'body') }
    }
  }

  /** References in `schema` are to the document. With `coerce`, text is turned into numbers and booleans, in place. */
  compile (schema: Node, coerce = false): Check {
    let validate: ReturnType<Ajv2020['compile']> | undefined
    return (value, place) => {
      validate ??= this.#ajv(coerce).compile({ ...localised(schema), $defs: this.#definitions })
      return validate(value) ? [] : validate.errors!.map(error => faultOf(error, place))
    }
  }

  #ajv (coerce: boolean): Ajv2020 {
    if (coerce) {
      this.#coercing ??= new Ajv2020({ ...OPTIONS, coerceTypes: true, useDefaults: true })
      return this.#coercing
    }
    this.#strict ??= new Ajv2020(OPTIONS)
    return this.#strict
  }
}

export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest'
  readonly faults: readonly Fault[]
  readonly inBody: boolean

  constructor (faults: readonly Fault[], inBody: boolean) {
    super(faults.map(fault => `${fault.in} ${fault.detail}`).join('; ') + '.')
    this.faults = faults
    this.inBody = inBody
  }
}

/** A schema that stands for itself: what it refers to is among its own definitions. */
function localised (schema: Node): Node {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/schemas/', '"#/$defs/')) as Node
}

function faultOf ({ keyword, instancePath, message, params }: ErrorObject, place: string): Fault {
  if (keyword === 'additionalProperties') {
    return { in: `${place}${instancePath}/${params['additionalProperty']}`, detail: 'is not known here' }
  }
  const allowed = keyword === 'enum' ? `: ${(params['allowedValues'] as unknown[]).join(', ')}` : ''
  return { in: place + instancePath, detail: `${message ?? 'is not valid'}${allowed}` }
}
