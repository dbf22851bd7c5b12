/**
 * Under which subject the schema of a record is registered: Confluent's subject name strategies.
 */
import type { SubjectNameStrategy } from './model.ts'

/** The two halves of a record that can have a schema. */
export type Part = 'key' | 'value'

/**
 * `recordName` is the full name of the record or message (`ParsedSchema.name`). Null where the strategy goes by that name and
 * there is none: such a schema is under no subject.
 */
export function subjectOf (strategy: SubjectNameStrategy, topic: string, part: Part, recordName: string | null): string | null {
  switch (strategy) {
    case 'TopicName': return `${topic}-${part}`
    case 'RecordName': return recordName
    case 'TopicRecordName': return recordName === null ? null : `${topic}-${recordName}`
  }
}
