/**
 * Polling a consumer instance: a real long poll, which is answered as soon as there is a record.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { GroupConsumer } from '../../src/client/group-consumer.ts'
import type { Contract } from '../contract.ts'
import type { HttpDoor } from '../door.ts'
import { negotiate } from '../negotiate.ts'
import { ConfluentError } from '../problem.ts'
import { Leaving } from '../stream.ts'
import type { Call } from '../v2-consumers.ts'
import type { RecordForm } from './forms.ts'
import { MAX_PAGE_BYTES, Page } from './page.ts'
import { MAX_WAIT_MS } from './settings.ts'

export interface Instance {
  readonly consumer: GroupConsumer
  readonly form: RecordForm
  readonly requestTimeoutMs: number
  close (): Promise<void>
}

interface Route {
  Params: { group: string, instance: string }
  Querystring: { timeout?: number, max_bytes?: number, max_records?: number }
}

const MAX_RECORDS = 10_000

export function records (app: FastifyInstance, door: HttpDoor, contract: Contract, call: Call): void {
  app.route<Route>({
    ...contract.route('readConsumerRecords'),
    handler: async (request, reply) => {
      const { timeout, max_bytes: maxBytes, max_records: maxRecords = MAX_RECORDS } = request.query
      const leaving = new Leaving(reply, door.draining)
      try {
        return await call(request, async ({ consumer, form, requestTimeoutMs }, asked) => {
          if (!isAcceptable(request.headers.accept, form)) {
            throw new ConfluentError(40601, 'Consumer format does not match the embedded format requested by the Accept header: ' +
              `this consumer instance gives ${form.mediaType}.`)
          }
          const context = { ...asked, signal: leaving.signal }
          const bytes = bounded(maxBytes, MAX_PAGE_BYTES, MAX_PAGE_BYTES)
          const poll = async (waitMs: number): Promise<{ page: Page, takeBack: () => void }> => {
            const page = new Page(form, { maxBytes: bytes, maxRecords })
            const takeBack = await consumer.poll(context, page, { waitMs, maxBytes: Math.max(1, bytes) })
            door.quotas.work(context, page.workMs)
            return { page, takeBack }
          }
          const waitMs = bounded(timeout, requestTimeoutMs, MAX_WAIT_MS)
          let { page, takeBack } = await poll(waitMs)
          if (page.mayPass && form.refresh !== undefined) {
            takeBack()
            await form.refresh()
            ;({ page, takeBack } = await poll(waitMs))
          }
          unlessSent(reply.raw, takeBack)
          reply.header('content-type', form.mediaType).header('cache-control', 'no-store').header('vary', 'accept, origin')
          return page.json
        })
      } finally {
        leaving.release()
      }
    }
  })
}

/** What the caller does not get is there for the next poll. */
function unlessSent (raw: ServerResponse, takeBack: () => void): void {
  if (raw.destroyed) return takeBack()
  const onSent = (): void => { raw.off('close', takeBack) }
  raw.once('close', takeBack)
  raw.once('finish', onSent)
}

/** Whoever does not say what, or says that anything will do, gets what the instance has. */
const isAcceptable = (accept: string | undefined, { mediaType, aliases }: RecordForm): boolean => negotiate(accept, [mediaType, ...aliases]) !== null

/** Confluent's -1 is as much as saying nothing. */
const bounded = (value: number | undefined, fallback: number, max: number): number =>
  Math.min(max, value === undefined || value < 0 ? fallback : value)
