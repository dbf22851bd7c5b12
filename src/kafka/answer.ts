/**
 * From a response to bytes, or for a Produce with acks=0 to the question whether the connection may go on.
 */
import { errorRow, errors } from '../../protocol/errors.ts'
import { writeResponse, type RequestHeader } from '../../protocol/frame.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import type { Api, Request, Response } from '../../protocol/schema.ts'
import { advertise, type Address, type AddressOf } from './advertise.ts'

/** Whether the client waits for no answer: Produce with acks=0. */
export function isSilent (api: Api, request: Request<Api>): boolean {
  return api === Produce && (request as Request<typeof Produce>).acks === 0
}

/** The response frame, with the addresses that the engine left out. Throws if the response does not fit its version. */
export function encodeAnswer (
  api: Api, { version, correlationId }: RequestHeader, response: Response<Api>, throttleMs: number, own: Address, addressOf: AddressOf
): Buffer[] {
  let body = advertise(api, version, response, own, addressOf)
  const told = (body as { readonly throttleTimeMs?: number }).throttleTimeMs
  // KIP-219: the answer goes out at once and says how long the client should hold back; the door holds it to that.
  if (throttleMs > 0 && told !== undefined) body = { ...body, throttleTimeMs: Math.max(told, Math.ceil(throttleMs)) }
  return writeResponse(api, version, correlationId, body)
}

/** What went wrong in a Produce that is not answered, or null. A closed connection is all that can tell such a producer. */
export function silentFailure ({ responses }: Response<typeof Produce>): string | null {
  for (const { name, topicId, partitionResponses } of responses) {
    const failed = partitionResponses.find(({ errorCode }) => errorCode !== errors.NONE)
    if (failed === undefined) continue
    const { name: code, sentence } = errorRow(failed.errorCode)
    return `A Produce with acks=0 to ${name || topicId}-${failed.index} failed with ${code}: ${failed.errorMessage ?? sentence} ` +
      'It has no answer.'
  }
  return null
}
