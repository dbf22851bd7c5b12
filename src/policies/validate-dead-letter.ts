/**
 * Keeps records that did not pass in another topic, as they are, with the reason in their headers. It is written under the
 * name of the process: whoever named the topic had to be allowed to write to it (`validation-settings.ts`).
 */
import type { RecordBatch } from '../../protocol/batch.ts'
import { compressionOf } from '../../protocol/compression.ts'
import { complete } from '../../protocol/defaults.ts'
import { errorRow, errors, KafkaError } from '../../protocol/errors.ts'
import { Produce } from '../../protocol/messages/00-produce.ts'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { buildBatch, recordsIn, type Header, type LogRecord, type NewRecord } from '../../protocol/records.ts'
import { formatPrincipal, internalPrincipal, newest, type Context, type Dispatch } from '../../protocol/rpc.ts'
import { MAX_PLAIN_BYTES } from './validate-cursor.ts'
import type { Found } from './validate-examination.ts'

/** Where a record came from. */
export interface Origin {
  readonly topic: string
  readonly partition: number
  readonly context: Context
}

/** Half of Kafka's default `max.message.bytes`. */
const BATCH_BYTES = 512 * 1024
const TIMEOUT_MS = 30_000

/** Resolves when they are durable. Rejects with KafkaError. */
export async function keepDeadLetters (next: Dispatch, deadLetterTopic: string, batch: RecordBatch, found: readonly Found[], origin: Origin): Promise<void> {
  const context: Context = { ...origin.context, principal: internalPrincipal, door: 'internal', version: newest(Metadata), throttleMs: 0 }
  const { topics: [topic] } = await next(Metadata, complete(Metadata.request, { topics: [{ name: deadLetterTopic }], allowAutoTopicCreation: true }), context)
  check(topic?.errorCode, deadLetterTopic)
  // Records of one partition stay in order.
  const index = origin.partition % topic!.partitions.length
  for (const records of inParts(lettersOf(batch, found, origin))) {
    const { responses: [answer] } = await next(Produce, complete(Produce.request, {
      acks: -1,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name: deadLetterTopic, topicId: topic!.topicId, partitionData: [{ index, records: [buildBatch(records).bytes] }] }]
    }), { ...context, version: newest(Produce) })
    const partition = answer?.partitionResponses[0]
    check(partition?.errorCode, deadLetterTopic, partition?.errorMessage)
  }
}

/**
 * The batch without them, as the same producer would have sent it. Null if nothing is left. Not for batches with a producer id:
 * their sequence numbers count the records.
 */
export function without (batch: RecordBatch, found: readonly Found[]): Buffer | null {
  const gone = new Set(found.map(({ batchIndex }) => batchIndex))
  const rest: NewRecord[] = []
  let index = 0
  for (const { key, value, headers, timestampMs } of recordsIn(batch, MAX_PLAIN_BYTES)) if (!gone.has(index++)) rest.push({ key, value, headers, timestampMs })
  return rest.length === 0 ? null : buildBatch(rest, { compression: compressionOf(batch.compression).name }).bytes
}

function * lettersOf (batch: RecordBatch, found: readonly Found[], origin: Origin): Iterable<NewRecord> {
  const faults = new Map(found.map(({ batchIndex, fault }) => [batchIndex, fault]))
  let index = 0
  for (const record of recordsIn(batch, MAX_PLAIN_BYTES)) {
    const fault = faults.get(index++)
    if (fault === undefined) continue
    const { key, value, timestampMs } = record
    yield { key, value, timestampMs, headers: headersOf(record, fault, origin) }
  }
}

function headersOf ({ headers }: LogRecord, { part, reason, path, message }: Found['fault'], { topic, partition, context }: Origin): Header[] {
  const told = {
    topic, partition: String(partition), part, class: reason, path, reason: message, principal: formatPrincipal(context.principal), client: context.clientId
  }
  return [...headers, ...Object.entries(told).map(([name, value]) => ({ key: `__barnabas.dlq.${name}`, value: Buffer.from(value) }))]
}

function * inParts (records: Iterable<NewRecord>): Iterable<NewRecord[]> {
  let part: NewRecord[] = []
  let bytes = 0
  for (const record of records) {
    const headerBytes = (record.headers ?? []).reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
    const size = (record.key?.length ?? 0) + (record.value?.length ?? 0) + headerBytes
    if (part.length > 0 && bytes + size > BATCH_BYTES) {
      yield part
      part = []
      bytes = 0
    }
    part.push(record)
    bytes += size
  }
  if (part.length > 0) yield part
}

function check (errorCode: number | undefined, topic: string, message?: string | null): void {
  if (errorCode === errors.NONE) return
  const { name, sentence } = errorRow(errorCode ?? errors.UNKNOWN_SERVER_ERROR)
  throw new KafkaError(name, `the topic ${topic} cannot be written to: ${message ?? sentence}`)
}
