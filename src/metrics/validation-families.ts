/**
 * The metrics of what topics ask of their records. The first 200 topics with bad records are named; the reasons are names of ours.
 */
import type { HistogramSnapshot } from '../histogram.ts'
import { histogram, labelled, one, type Family } from './family.ts'

/** Counters since the process started. */
export interface ValidationSource {
  readonly validated: number
  readonly cacheHits: number
  readonly cacheMisses: number
  readonly refreshes: number
  readonly seconds: HistogramSnapshot
  faults (): Iterable<readonly [topic: string, outcome: string, reason: string, count: number]>
}

export const validationFamilies: readonly Family[] = [
  labelled('validation_records_total', 'counter', [], 'Records that were looked at because their topic asks for it.',
    ({ validation }) => validation === undefined ? [] : one(validation.validated)),
  labelled('validation_faults_total', 'counter', ['topic', 'outcome', 'reason'],
    'Records that did not pass: rejected, let-in (shadow) or dead-lettered. Batches that cannot be read count as one record.',
    ({ validation }) => Array.from(validation?.faults() ?? [], ([topic, outcome, reason, count]) => [{ topic, outcome, reason }, count] as const)),
  labelled('validation_schema_lookups_total', 'counter', ['outcome'],
    'Keys and values whose schema was known already (hit) or was looked up in the registry (miss).',
    ({ validation }) => validation === undefined
      ? []
      : [[{ outcome: 'hit' }, validation.cacheHits] as const, [{ outcome: 'miss' }, validation.cacheMisses] as const]),
  labelled('validation_registry_reads_total', 'counter', [], 'Times that the registry was read on because a record named a schema that nobody knew.',
    ({ validation }) => validation === undefined ? [] : one(validation.refreshes)),
  histogram('validation_seconds', [], 'How long it took to look into one batch, decompression included.',
    ({ validation }) => validation === undefined ? [] : one(validation.seconds))
]
