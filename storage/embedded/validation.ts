/**
 * What a batch must be before it is appended: Kafka's rules (LogValidator), by the header as far as it goes. Records are
 * only looked at where a topic asks for keys or for times that are not too old, and to say which of them are wrong.
 */
import { LOG_APPEND_TIME, type RecordBatch } from '../../protocol/batch.ts'
import { compressionOf } from '../../protocol/compression.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { ProtocolError } from '../../protocol/reader.ts'
import { countRecords, recordsIn, type LogRecord } from '../../protocol/records.ts'
import type { TopicConfig } from './configs.ts'

/** Some records of a batch were refused, and with them all of it (KIP-467). */
export class InvalidRecordsError extends KafkaError {
  /** By position in the batch. */
  readonly records: ReadonlyArray<{ readonly batchIndex: number, readonly batchIndexErrorMessage: string }>

  constructor (code: 'INVALID_RECORD' | 'INVALID_TIMESTAMP', message: string, records: InvalidRecordsError['records']) {
    super(code, message)
    this.records = records
  }
}

/** Records that are refused one by one: an answer must not be a thousand times as long as what was sent. */
const MAX_NAMED = 1000

/** What producers send for "no time". */
const NO_TIMESTAMP = -1

/** Throws KafkaError. `nowMs` is the server's time. */
export function checkBatch (batch: RecordBatch, topic: string, config: TopicConfig, nowMs: number): void {
  const { maxMessageBytes, log: { segmentBytes, compacts } } = config
  if (batch.magic !== 2) throw invalid(`Message format ${batch.magic} is not accepted: produce with format 2 (Kafka 0.11 and later).`)
  if (batch.sizeBytes > maxMessageBytes) {
    throw new KafkaError('MESSAGE_TOO_LARGE', `The batch has ${batch.sizeBytes} bytes, but max.message.bytes of ${topic} is ${maxMessageBytes}.`)
  }
  if (!batch.isSound) throw new KafkaError('CORRUPT_MESSAGE', 'The batch does not match its checksum.')
  if (batch.baseOffset !== 0) throw invalid(`The base offset of a new batch must be 0, but is ${batch.baseOffset}.`)
  if (batch.sizeBytes > segmentBytes) {
    throw new KafkaError('RECORD_LIST_TOO_LARGE', `The batch has ${batch.sizeBytes} bytes, but segment.bytes of ${topic} is ${segmentBytes}.`)
  }
  if (batch.isControl) throw invalid('Clients may not write control batches.')
  if (batch.isTransactional) throw new KafkaError('INVALID_TXN_STATE', 'Transactions are not supported.')
  if (batch.producerId >= 0 && batch.baseSequence < 0) throw invalid(`Producer ${batch.producerId} sent sequence number ${batch.baseSequence}.`)
  checkCount(batch)
  if ((batch.attributes & LOG_APPEND_TIME) !== 0) throw new KafkaError('INVALID_TIMESTAMP', 'Producers may not set the timestamp type to LogAppendTime.')
  if (!config.appendTime) checkTimestamps(batch, topic, config, nowMs)
  if (compacts) refuseThose(batch, 'INVALID_RECORD', ({ key }) => key === null ? 'The topic is compacted: every record needs a key.' : null)
}

function checkCount (batch: RecordBatch): void {
  const { recordCount, lastOffsetDelta } = batch
  if (recordCount <= 0 || lastOffsetDelta !== recordCount - 1) {
    throw invalid(`The batch claims ${recordCount} records, but its last offset delta is ${lastOffsetDelta}.`)
  }
  compressionOf(batch.compression) // throws if there is none of this number
  if (batch.compression === 0 && readable(() => countRecords(batch)) !== recordCount) {
    throw invalid(`The batch claims ${recordCount} records, but does not hold as many.`)
  }
}

function checkTimestamps (batch: RecordBatch, topic: string, config: TopicConfig, nowMs: number): void {
  const { timestampAfterMaxMs, timestampBeforeMaxMs } = config
  const isWrong = (ms: number): boolean => ms !== NO_TIMESTAMP &&
    (ms - nowMs > timestampAfterMaxMs || nowMs - ms > timestampBeforeMaxMs || !Number.isSafeInteger(ms))
  const { baseTimestamp, maxTimestamp } = batch
  const isSuspicious = isWrong(baseTimestamp) || isWrong(maxTimestamp)
  // The header knows the youngest record, but not the oldest.
  if (!isSuspicious && timestampBeforeMaxMs >= nowMs) return
  const allowed = `${topic} takes ${timestampBeforeMaxMs} ms before to ${timestampAfterMaxMs} ms after the server's ${nowMs}.`
  refuseThose(batch, 'INVALID_TIMESTAMP', ({ timestampMs }) => isWrong(timestampMs) ? `Timestamp ${timestampMs} is too far away: ${allowed}` : null)
  if (isSuspicious) throw new KafkaError('INVALID_TIMESTAMP', `A timestamp from ${baseTimestamp} to ${maxTimestamp} is too far away: ${allowed}`)
}

/** Throws if `wrong` finds something to say about any record. */
function refuseThose (batch: RecordBatch, code: 'INVALID_RECORD' | 'INVALID_TIMESTAMP', wrong: (record: LogRecord) => string | null): void {
  let count = 0
  const refused: Array<InvalidRecordsError['records'][number]> = []
  readable(() => {
    let batchIndex = 0
    for (const record of recordsIn(batch)) {
      const batchIndexErrorMessage = wrong(record)
      if (batchIndexErrorMessage !== null && ++count <= MAX_NAMED) refused.push({ batchIndex, batchIndexErrorMessage })
      batchIndex++
    }
  })
  const [first] = refused
  if (first === undefined) return
  throw new InvalidRecordsError(code, `${count} of ${batch.recordCount} records were refused: ${first.batchIndexErrorMessage}`, refused)
}

/** What the producer itself has put together wrongly is no damage on the way (CORRUPT_MESSAGE), which clients send again. */
function readable<T> (read: () => T): T {
  try {
    return read()
  } catch (error) {
    const isUnsound = error instanceof ProtocolError || (error instanceof KafkaError && error.code === 'CORRUPT_MESSAGE')
    throw isUnsound ? invalid(`The records of the batch cannot be read: ${error.message}.`) : error
  }
}

function invalid (message: string): KafkaError {
  return new KafkaError('INVALID_RECORD', message)
}
