/**
 * How much a Protobuf schema may be. What a schema costs is paid again for each process that reads it, so the limits are
 * well above what people write and well below what hurts.
 */

/** Of one file's text, in characters. */
export const MAX_TEXT = 1_048_576
/** Of a schema and all that it refers to. */
export const MAX_ALL_TEXT = 4 * MAX_TEXT
/** Messages within messages, and values within values of an option. protoc stops at 32 too. */
export const MAX_NESTING = 32
/** Messages, fields, enum values, ranges, options and all else that has a name or a number, in a schema with all that it refers to. */
export const MAX_ELEMENTS = 5_000
/** Of one name, in characters; and of a name with its package and all that it is in. Names are looked for in each of what they are in. */
export const MAX_NAME = 256
export const MAX_FULL_NAME = 1024
export const MAX_IMPORTS = 200
/** Messages within messages, in a payload. What Google's readers have by default. */
export const MAX_PAYLOAD_DEPTH = 100
/** Extensions of one message that are shown in JSON: each is looked for among all fields that the payload has beyond its schema. */
export const MAX_SHOWN_EXTENSIONS = 64
/**
 * Fields that a value has, those at their defaults among them: an empty message takes two bytes, but has all fields of its type
 * in memory, and most of them in JSON.
 */
export const MAX_VALUE_FIELDS = 2_000_000
