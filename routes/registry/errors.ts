/**
 * Errors as Confluent's Schema Registry tells them: `{"error_code","message"}`, with its codes. What keeps a schema from being
 * registered stands in `message`, where people have learnt to read it, and in `details` for programs.
 */
import type { FastifyRequest } from 'fastify'
import { errorRow, KafkaError } from '../../protocol/errors.ts'
import { SchemaError } from '../../src/schemas/format.ts'
import { RegistryError, type VersionConflict } from '../../src/schemas/registry-error.ts'
import type { Problem } from '../problem.ts'
import { InvalidRequest } from '../validation.ts'

/** What its clients ask for first. */
export const REGISTRY_TYPE = 'application/vnd.schemaregistry.v1+json'

export interface RegistryErrorBody {
  readonly error_code: number
  readonly message: string
  readonly details?: readonly ConflictDetail[]
}

interface ConflictDetail {
  /** What was read with what. */
  readonly version: number
  readonly reader: VersionConflict['reader']
  readonly type: string
  readonly path: string
  readonly description: string
  readonly additionalInfo: string
}

const CODES_BY_STATUS: Readonly<Record<number, number>> = { 401: 40101, 403: 40301, 429: 42901, 503: 50301 }
const STORE_ERROR = 50001
const INVALID_SCHEMA = 42201

/** Paths of schema registries, ours or not: what is not there is said in their way. */
const PATHS = /^\/(subjects|schemas|compatibility|config|mode|contexts|exporters|dek-registry|associations|v1\/metadata)(?=[/:?]|$)/

export const speaksRegistry = (request: FastifyRequest): boolean =>
  request.routeOptions.config.errors === 'registry' || (request.routeOptions.config.operationId === undefined && PATHS.test(request.url))

/** `problem` is the error as all others would be told of it. */
export function registryErrorOf (error: unknown, problem: Problem): RegistryErrorBody {
  if (error instanceof RegistryError) {
    const { code, message, conflicts } = error
    return { error_code: code, message, ...conflicts.length === 0 ? {} : { details: conflicts.flatMap(detailsOf) } }
  }
  if (error instanceof SchemaError) return { error_code: INVALID_SCHEMA, message: error.message }
  const { status, message } = problem
  // An id that is no number is the id of nothing.
  if (error instanceof InvalidRequest && error.faults.some(fault => fault.in.startsWith('path'))) return { error_code: 404, message }
  if (error instanceof KafkaError) {
    const { http, retriable } = errorRow(error.errorCode)
    return { error_code: CODES_BY_STATUS[http] ?? (retriable ? CODES_BY_STATUS[503]! : STORE_ERROR), message }
  }
  return { error_code: CODES_BY_STATUS[status] ?? status, message }
}

const detailsOf = ({ version, reader, incompatibilities }: VersionConflict): ConflictDetail[] =>
  incompatibilities.map(({ type, path, description, additionalInfo }) => ({ version, reader, type, path, description, additionalInfo }))
