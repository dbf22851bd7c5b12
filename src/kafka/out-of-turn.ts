/**
 * What a request is answered that comes in the middle of an authentication, as from clients that take OAUTHBEARER's error
 * for a success: ILLEGAL_SASL_STATE, in the shape of its own response. Where that has no place for an error, nothing.
 */
import { apiOf } from '../../protocol/apis.ts'
import { complete } from '../../protocol/defaults.ts'
import { errors } from '../../protocol/errors.ts'
import { readRequest, writeResponse, type RequestHeader } from '../../protocol/frame.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import type { Reader } from '../../protocol/reader.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'

/** Throws ProtocolError. */
export function answerOutOfTurn ({ apiKey, version, correlationId }: RequestHeader, reader: Reader): Buffer[] | null {
  const api = apiOf(apiKey)
  if (api === undefined || version < api.versions[0] || version > api.versions[1]) return null
  const request = readRequest(api, version, reader)
  const response = api.key === Metadata.key ? refusedTopics(request as Request<typeof Metadata>) : refused(api, version)
  return response === null ? null : writeResponse(api, version, correlationId, response as Response<Api>)
}

/** Metadata has an error for each topic. */
function refusedTopics ({ topics }: Request<typeof Metadata>): Response<typeof Metadata> {
  return complete(Metadata.response, {
    brokers: [], topics: (topics ?? []).map(({ name, topicId }) => ({ errorCode: errors.ILLEGAL_SASL_STATE, name, topicId, partitions: [] }))
  })
}

function refused ({ response }: Api, version: number): unknown {
  const spec = response['errorCode']?.spec
  if (spec === undefined || version < spec.since || version > spec.until) return null
  return complete(response, { errorCode: errors.ILLEGAL_SASL_STATE })
}
