/**
 * What a schema registry keeps, in the words of Confluent's Schema Registry, whose clients are served.
 */
export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF'

/** A name that a schema uses, and the subject and version where it is found. */
export interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** Data contracts: what is said about a schema. */
export interface Metadata {
  /** By path into the schema. */
  readonly tags?: Readonly<Record<string, readonly string[]>>
  readonly properties?: Readonly<Record<string, string>>
  readonly sensitive?: readonly string[]
}

export interface Rule {
  readonly name: string
  readonly doc?: string
  readonly kind?: 'TRANSFORM' | 'CONDITION'
  readonly mode?: 'UPGRADE' | 'DOWNGRADE' | 'UPDOWN' | 'WRITE' | 'READ' | 'WRITEREAD'
  readonly type?: string
  readonly tags?: readonly string[]
  readonly params?: Readonly<Record<string, string>>
  readonly expr?: string
  readonly onSuccess?: string
  readonly onFailure?: string
  readonly disabled?: boolean
}

export interface RuleSet {
  readonly migrationRules?: readonly Rule[]
  readonly domainRules?: readonly Rule[]
  readonly encodingRules?: readonly Rule[]
  readonly enableAt?: string
}

/** What makes a schema the schema that it is. */
export interface SchemaContent {
  readonly schemaType: SchemaType
  /** As it was registered. */
  readonly schema: string
  readonly references: readonly Reference[]
  readonly metadata: Metadata | null
  readonly ruleSet: RuleSet | null
}

/** A version of a subject. Immutable: what changes is another object. */
export interface SchemaVersion extends SchemaContent {
  /** With its context, unless that is the default one: `:.context:name`. */
  readonly subject: string
  readonly version: number
  /** Unique in its context. */
  readonly id: number
  /** A hash of the content, the same in every registry: 8-4-4-4-12 hexadecimal digits. */
  readonly guid: string
  /** Soft-deleted: out of lists, but data that was written with it can still be read. */
  readonly deleted: boolean
}

export type CompatibilityLevel = 'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE'
export type CompatibilityPolicy = 'STRICT' | 'LENIENT'
export type Mode = 'READWRITE' | 'READONLY' | 'READONLY_OVERRIDE' | 'IMPORT' | 'FORWARD'

export type SubjectNameStrategy = 'TopicName' | 'RecordName' | 'TopicRecordName'
