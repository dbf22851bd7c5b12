/**
 * The requests that the door answers itself, before anything is dispatched: ApiVersions, and on a listener without SASL
 * SaslHandshake and SaslAuthenticate (on one with it, `login.ts` does). It also knows which requests may be dispatched at all: what is advertised and what
 * is let through come from one table.
 */
import { apiOf } from '../../protocol/apis.ts'
import { errors } from '../../protocol/errors.ts'
import { readRequest, writeResponse, type RequestHeader } from '../../protocol/frame.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { ApiVersions } from '../../protocol/messages/18-api-versions.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import type { Reader } from '../../protocol/reader.ts'
import type { Api, ResponseInput } from '../../protocol/schema.ts'
import type { SecurityProtocol } from './security.ts'

/** What a client says it is (KIP-511). */
export interface Software {
  readonly name: string
  readonly version: string
}

export interface HandshakeAnswer {
  readonly frame: Buffer[]
  /** Set when the client has introduced itself. */
  readonly software: Software | null
}

interface Served {
  readonly api: Api
  readonly min: number
  readonly max: number
}

const ownApis: readonly Api[] = [SaslHandshake, ApiVersions, SaslAuthenticate]

/** KAFKA-18659: librdkafka compresses only where the range of Produce holds v0. v0 to v2 are refused all the same. */
const PRODUCE_ADVERTISED_FROM = 0

/** What Kafka accepts as the name and as the version of client software. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** The versions that are answered, by api key. */
export type Supports = ReadonlyMap<number, readonly [min: number, max: number]>

/** What is advertised and let through, for as long as `from` is what lies behind. */
interface Table {
  readonly from: Supports
  readonly served: ReadonlyMap<number, Served>
  readonly apiKeys: ResponseInput<typeof ApiVersions>['apiKeys']
}

export class Handshake {
  readonly #supports: () => Supports
  readonly #protocol: SecurityProtocol
  #known: Table

  /** `supports` is what lies behind the waist, which may change as a cluster behind is upgraded; it is cut to what the codec can read. */
  constructor (supports: Supports | (() => Supports), protocol: SecurityProtocol) {
    this.#supports = typeof supports === 'function' ? supports : () => supports
    this.#protocol = protocol
    this.#known = tableOf(this.#supports())
  }

  get #table (): Table {
    const supports = this.#supports()
    if (supports !== this.#known.from) this.#known = tableOf(supports)
    return this.#known
  }

  /** The api that a request is for, or a sentence on why it cannot be served. Kafka closes the connection then, and so do we. */
  find ({ apiKey, version }: RequestHeader): Api | string {
    const served = this.#table.served.get(apiKey)
    if (served === undefined) return `Api ${apiOf(apiKey)?.name ?? 'key'} (${apiKey}) is not served here, nor advertised.`
    if (version >= served.min && version <= served.max) return served.api
    const remedy = version > served.max ? 'the client should ask for ApiVersions first' : 'use a newer client'
    return `${served.api.name} v${version} is not served here, only v${served.min} to v${served.max}: ${remedy}.`
  }

  /** The answer to a request that is the door's own, or null. Throws ProtocolError. */
  answer (header: RequestHeader, reader: Reader): HandshakeAnswer | null {
    switch (header.apiKey) {
      case ApiVersions.key: return this.#apiVersions(header, reader)
      case SaslHandshake.key: return refuse(SaslHandshake, header, reader, { errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: [] })
      case SaslAuthenticate.key: return refuse(SaslAuthenticate, header, reader, {
        errorCode: errors.ILLEGAL_SASL_STATE,
        errorMessage: `This listener does not use SASL: set security.protocol=${this.#protocol} in the client.`,
        authBytes: Buffer.alloc(0)
      })
      default: return null
    }
  }

  #apiVersions (header: RequestHeader, reader: Reader): HandshakeAnswer {
    const { version, correlationId } = header
    const [min, max] = ApiVersions.versions
    if (version < min || version > max) {
      // KIP-511: in v0, which every client reads, with the versions that it may ask with. The body is unknown, and unread.
      const own = { apiKey: ApiVersions.key, minVersion: min, maxVersion: max }
      return { frame: writeResponse(ApiVersions, 0, correlationId, { errorCode: errors.UNSUPPORTED_VERSION, apiKeys: [own] }), software: null }
    }
    const { clientSoftwareName: name, clientSoftwareVersion } = readRequest(ApiVersions, version, reader)
    const introduces = version >= ApiVersions.request.clientSoftwareName.spec.since
    if (introduces && !(SOFTWARE.test(name) && SOFTWARE.test(clientSoftwareVersion))) {
      return { frame: writeResponse(ApiVersions, version, correlationId, { errorCode: errors.INVALID_REQUEST, apiKeys: [] }), software: null }
    }
    // No feature is ever advertised: a client that sees one relies on more than these versions.
    const frame = writeResponse(ApiVersions, version, correlationId, { errorCode: errors.NONE, apiKeys: this.#table.apiKeys })
    return { frame, software: introduces ? { name, version: clientSoftwareVersion } : null }
  }
}

function tableOf (from: Supports): Table {
  const served = new Map<number, Served>()
  for (const [key, [least, most]] of from) {
    const api = apiOf(key)
    if (api === undefined) continue
    const [min, max] = [Math.max(least, api.versions[0]), Math.min(most, api.versions[1])]
    if (min <= max) served.set(key, { api, min, max })
  }
  for (const api of ownApis) served.set(api.key, { api, min: api.versions[0], max: api.versions[1] })
  const apiKeys = [...served.values()]
    .sort((a, b) => a.api.key - b.api.key)
    .map(({ api, min, max }) => ({ apiKey: api.key, minVersion: api === Produce ? PRODUCE_ADVERTISED_FROM : min, maxVersion: max }))
  return { from, served, apiKeys }
}

/** What may change, and what does not: one map, and another one only when the first has changed. */
export function supportsOf (changing: () => Supports, more: Iterable<readonly [number, readonly [min: number, max: number]]>): () => Supports {
  const rest = [...more]
  let from = changing()
  let all: Supports = new Map([...from, ...rest])
  return () => {
    const now = changing()
    if (now !== from) {
      from = now
      all = new Map([...now, ...rest])
    }
    return all
  }
}

function refuse<A extends Api> (api: A, header: RequestHeader, reader: Reader, body: ResponseInput<A>): HandshakeAnswer | null {
  const [min, max] = api.versions
  if (header.version < min || header.version > max) return null
  readRequest(api, header.version, reader)
  return { frame: writeResponse(api, header.version, header.correlationId, body), software: null }
}
