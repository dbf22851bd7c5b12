/**
 * What was written with one schema, and what stands in the way of reading it with another.
 *
 * The rules are those of Confluent's registry (reference: differences by field number, one type each), which follow "Updating A
 * Message Type" of protobuf.dev/programming-guides/proto3; where ours is stricter than theirs, the case says so.
 */
export interface Case {
  /** Where the expectation comes from. */
  readonly rule: string
  readonly what: string
  readonly writer: string
  readonly reader: string
  /** `TYPE #/path`, in any order. */
  readonly expected: readonly string[]
  readonly writerFiles?: Readonly<Record<string, string>>
  readonly readerFiles?: Readonly<Record<string, string>>
}

const three = (text: string): string => text.includes('syntax') ? text : `syntax = "proto3"; ${text}`
const two = (text: string): string => `syntax = "proto2"; ${text}`
const plain = (rule: string, what: string, writer: string, reader: string, ...expected: string[]): Case =>
  ({ rule, what, writer: three(writer), reader: three(reader), expected })
const old = (rule: string, what: string, writer: string, reader: string, ...expected: string[]): Case =>
  ({ rule, what, writer: two(writer), reader: two(reader), expected })
const one = (field: string): string => `message M { ${field} } enum E { Z = 0; } enum F { Y = 0; } message N { int32 a = 1; } message O { int32 a = 1; }`
const imported = (rule: string, what: string, writerFile: string, readerFile: string, ...expected: string[]): Case => ({
  rule, what, writer: IMPORTS, reader: IMPORTS, expected, writerFiles: { 'i.proto': three(writerFile) }, readerFiles: { 'i.proto': three(readerFile) }
})
const IMPORTS = 'syntax = "proto3"; import "i.proto"; message M { i.N n = 1; map<string, i.N> by = 2; repeated i.N all = 3; }'

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  varint: ['int32', 'int64', 'uint32', 'uint64', 'bool', 'E'],
  zigzag: ['sint32', 'sint64'],
  fixed32: ['fixed32', 'sfixed32'],
  fixed64: ['fixed64', 'sfixed64'],
  bytes: ['string', 'bytes'],
  float: ['float'],
  double: ['double']
}

/** Within a group all can read each other, of two groups none. */
const scalars: readonly Case[] = Object.entries(GROUPS).flatMap(([group, types]) => [
  ...types.flatMap((from) => types.filter((to) => to !== from && (group !== 'varint' || from === 'int32' || to === 'E')).map((to) =>
    plain('FIELD_SCALAR_KIND_CHANGED: types of one group are read by each other', `${from} to ${to}`,
      one(`${from} f = 1;`), one(`${to} f = 1;`)))),
  ...Object.entries(GROUPS).filter(([other]) => other !== group).map(([other, [to]]) =>
    plain('FIELD_SCALAR_KIND_CHANGED: types of different groups', `${types[0]} (${group}) to ${to} (${other})`,
      one(`${types[0]} f = 1;`), one(`${to} f = 1;`), 'FIELD_SCALAR_KIND_CHANGED #/M/1'))
])

const fields: readonly Case[] = [
  plain('nothing changed', 'the same text', one('int32 f = 1;'), one('int32 f = 1;')),
  plain('FIELD_ADDED is compatible', 'a field more', one('int32 f = 1;'), one('int32 f = 1; string g = 2;')),
  plain('FIELD_REMOVED is compatible', 'a field less', one('int32 f = 1; string g = 2;'), one('int32 f = 1;')),
  plain('FIELD_NAME_CHANGED is compatible', 'another name', one('int32 f = 1;'), one('int32 renamed = 1;')),
  plain('FIELD_ADDED, FIELD_REMOVED', 'another number', one('int32 f = 1;'), one('int32 f = 2;')),
  plain('fields are compared by number', 'two names swapped', one('int32 a = 1; string b = 2;'), one('int32 b = 1; string a = 2;')),
  plain('fields are compared by number', 'two numbers swapped', one('int32 a = 1; string b = 2;'), one('string b = 1; int32 a = 2;'),
    'FIELD_SCALAR_KIND_CHANGED #/M/1', 'FIELD_SCALAR_KIND_CHANGED #/M/2'),
  plain('options are not compared', 'deprecated, json_name, packed', one('repeated int32 f = 1;'),
    one('repeated int32 f = 1 [deprecated = true, json_name = "x", packed = false];')),
  plain('reserved numbers are not compared', 'a field reserved', one('int32 f = 1;'), one('reserved 1; reserved "f";')),
  plain('enums are numbers', 'one enum to another', one('E f = 1;'), one('F f = 1;')),
  plain('FIELD_KIND_CHANGED', 'a number to a message', one('int32 f = 1;'), one('N f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_KIND_CHANGED', 'a message to a number', one('N f = 1;'), one('int32 f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_KIND_CHANGED', 'bytes to a message', one('bytes f = 1;'), one('N f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_KIND_CHANGED', 'a message to a string', one('N f = 1;'), one('string f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_KIND_CHANGED', 'an enum to a message', one('E f = 1;'), one('N f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_KIND_CHANGED', 'a message to a map', one('N f = 1;'), one('map<string, int32> f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_KIND_CHANGED', 'a map to a list of messages', one('map<string, int32> f = 1;'), one('repeated N f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_KIND_CHANGED', 'a map to a string', one('map<string, int32> f = 1;'), one('string f = 1;'), 'FIELD_KIND_CHANGED #/M/1'),
  plain('FIELD_NAMED_TYPE_CHANGED', 'one message to another of the same shape', one('N f = 1;'), one('O f = 1;'), 'FIELD_NAMED_TYPE_CHANGED #/M/1'),
  plain('FIELD_NAMED_TYPE_CHANGED', 'in a list', one('repeated N f = 1;'), one('repeated O f = 1;'), 'FIELD_NAMED_TYPE_CHANGED #/M/1'),
  plain('names are resolved first', 'N and .N', one('N f = 1;'), one('.N f = 1;')),
  plain('names are resolved first', 'an inner message of the same name', one('N f = 1;'), one('N f = 1; message N { int32 a = 1; }'),
    'FIELD_NAMED_TYPE_CHANGED #/M/1'),
  plain('maps: keys and values are compared', 'int32 to int64 values', one('map<string, int32> f = 1;'), one('map<string, int64> f = 1;')),
  plain('maps: keys and values are compared', 'int32 to string values', one('map<string, int32> f = 1;'), one('map<string, string> f = 1;'),
    'FIELD_SCALAR_KIND_CHANGED #/M/1'),
  plain('maps: keys and values are compared', 'string to int32 keys', one('map<string, int32> f = 1;'), one('map<int32, int32> f = 1;'),
    'FIELD_SCALAR_KIND_CHANGED #/M/1'),
  plain('maps: keys and values are compared', 'int32 to uint64 keys', one('map<int32, int32> f = 1;'), one('map<uint64, int32> f = 1;')),
  plain('maps: keys and values are compared', 'a number to a message', one('map<string, int32> f = 1;'), one('map<string, N> f = 1;'),
    'FIELD_KIND_CHANGED #/M/1'),
  plain('maps: keys and values are compared', 'another message', one('map<string, N> f = 1;'), one('map<string, O> f = 1;'),
    'FIELD_NAMED_TYPE_CHANGED #/M/1'),
  plain('maps: keys and values are compared', 'an enum to a number', one('map<string, E> f = 1;'), one('map<string, int32> f = 1;')),
  plain('messages of map entries are not spoken of', 'a map less', one('map<string, E> f = 1;'), one('int32 g = 2;'))
]

const labels: readonly Case[] = [
  plain('FIELD_NUMERIC_LABEL_CHANGED', 'optional to repeated', one('optional int32 f = 1;'), one('repeated int32 f = 1;'),
    'FIELD_NUMERIC_LABEL_CHANGED #/M/1'),
  plain('FIELD_NUMERIC_LABEL_CHANGED', 'repeated to optional', one('repeated double f = 1;'), one('optional double f = 1;'),
    'FIELD_NUMERIC_LABEL_CHANGED #/M/1'),
  plain('FIELD_NUMERIC_LABEL_CHANGED: stricter than Confluent, which looks at written labels only', 'no label to repeated',
    one('int32 f = 1;'), one('repeated int32 f = 1;'), 'FIELD_NUMERIC_LABEL_CHANGED #/M/1'),
  plain('FIELD_NUMERIC_LABEL_CHANGED', 'of an enum', one('optional E f = 1;'), one('repeated E f = 1;'), 'FIELD_NUMERIC_LABEL_CHANGED #/M/1'),
  plain('FIELD_NUMERIC_LABEL_CHANGED', 'of a bool', one('repeated bool f = 1;'), one('bool f = 1;'), 'FIELD_NUMERIC_LABEL_CHANGED #/M/1'),
  plain('FIELD_SCALAR_KIND_CHANGED goes first', 'type and label', one('repeated int32 f = 1;'), one('string f = 1;'),
    'FIELD_SCALAR_KIND_CHANGED #/M/1'),
  plain('presence is not written', 'no label to optional', one('int32 f = 1;'), one('optional int32 f = 1;')),
  plain('presence is not written', 'optional to no label', one('optional int32 f = 1;'), one('int32 f = 1;')),
  plain('FIELD_STRING_OR_BYTES_LABEL_CHANGED is compatible', 'optional to repeated string', one('optional string f = 1;'),
    one('repeated string f = 1;')),
  plain('FIELD_STRING_OR_BYTES_LABEL_CHANGED is compatible', 'repeated to optional bytes', one('repeated bytes f = 1;'),
    one('optional bytes f = 1;')),
  plain('labels of messages are not compared', 'a message to a list of it', one('N f = 1;'), one('repeated N f = 1;')),
  plain('labels of messages are not compared', 'a list to one message', one('repeated N f = 1;'), one('optional N f = 1;')),
  old('REQUIRED_FIELD_ADDED', 'a required field more', 'message M { optional int32 a = 1; }',
    'message M { optional int32 a = 1; required int32 b = 2; }',
    'REQUIRED_FIELD_ADDED #/M/2'),
  old('REQUIRED_FIELD_ADDED', 'in a message within', 'message M { message I { } }', 'message M { message I { required string b = 7; } }',
    'REQUIRED_FIELD_ADDED #/M/I/7'),
  old('REQUIRED_FIELD_REMOVED', 'a required field less', 'message M { optional int32 a = 1; required int32 b = 2; }',
    'message M { optional int32 a = 1; }',
    'REQUIRED_FIELD_REMOVED #/M/2'),
  old('REQUIRED_FIELD_ADDED, REQUIRED_FIELD_REMOVED', 'a required field with another number', 'message M { required int32 a = 1; }',
    'message M { required int32 a = 2; }', 'REQUIRED_FIELD_REMOVED #/M/1', 'REQUIRED_FIELD_ADDED #/M/2'),
  old('FIELD_NUMERIC_LABEL_CHANGED', 'optional to required', 'message M { optional int32 a = 1; }', 'message M { required int32 a = 1; }',
    'FIELD_NUMERIC_LABEL_CHANGED #/M/1'),
  old('FIELD_NUMERIC_LABEL_CHANGED', 'required to optional', 'message M { required int32 a = 1; }', 'message M { optional int32 a = 1; }',
    'FIELD_NUMERIC_LABEL_CHANGED #/M/1'),
  old('FIELD_STRING_OR_BYTES_LABEL_CHANGED is compatible', 'required to optional', 'message M { required string a = 1; }',
    'message M { optional string a = 1; }'),
  old('defaults are not compared', 'another default', 'message M { optional int32 a = 1 [default = 1]; }',
    'message M { optional int32 a = 1 [default = 2]; }'),
  old('a group is written in another way', 'a group to a message', 'message M { optional group A = 1 { } }',
    'message M { optional A a = 1; message A { } }',
    'FIELD_KIND_CHANGED #/M/1'),
  old('groups are compared by number', 'a field in a group', 'message M { optional group A = 1 { optional int32 x = 1; } }',
    'message M { optional group A = 1 { optional string x = 1; } }', 'FIELD_SCALAR_KIND_CHANGED #/M/A/1'),
  old('extensions are not compared', 'another extension', 'message M { extensions 100 to 200; } extend M { optional int32 x = 100; }',
    'message M { extensions 100 to 200; } extend M { optional string x = 100; }'),
  {
    rule: 'the syntax is not compared',
    what: 'proto2 to proto3',
    writer: two('message M { optional string a = 1; }'),
    reader: three('message M { string a = 1; }'),
    expected: []
  },
  {
    rule: 'the syntax is not compared',
    what: 'proto3 to an edition',
    writer: three('message M { string a = 1; }'),
    reader: 'edition = "2023"; message M { string a = 1; }',
    expected: []
  }
]

const declarations: readonly Case[] = [
  plain('PACKAGE_CHANGED', 'another package', 'package a; message M { }', 'package b; message M { }', 'PACKAGE_CHANGED #/'),
  plain('PACKAGE_CHANGED', 'a package more', 'message M { }', 'package b; message M { }', 'PACKAGE_CHANGED #/'),
  plain('PACKAGE_CHANGED', 'a package less', 'package a; message M { }', 'message M { }', 'PACKAGE_CHANGED #/'),
  plain('PACKAGE_CHANGED: names are compared within their package', 'with a field of a message', 'package a; message M { N n = 1; } message N { }',
    'package b; message M { N n = 1; } message N { }', 'PACKAGE_CHANGED #/'),
  plain('MESSAGE_REMOVED', 'a message less', 'message M { } message N { }', 'message M { }', 'MESSAGE_REMOVED #/N'),
  plain('MESSAGE_REMOVED', 'a message within less', 'message M { message N { } }', 'message M { }', 'MESSAGE_REMOVED #/M/N'),
  plain('MESSAGE_REMOVED', 'what is within goes with it', 'message M { message N { message O { } } }', 'message M { }', 'MESSAGE_REMOVED #/M/N'),
  plain('MESSAGE_REMOVED', 'a message renamed', 'message M { }', 'message N { }', 'MESSAGE_REMOVED #/M'),
  plain('MESSAGE_REMOVED', 'a message moved to the outside', 'message M { message N { } }', 'message M { } message N { }', 'MESSAGE_REMOVED #/M/N'),
  plain('MESSAGE_REMOVED', 'a message that became an enum', 'message M { message N { } }', 'message M { enum N { A = 0; } }',
    'MESSAGE_REMOVED #/M/N'),
  plain('MESSAGE_ADDED is compatible', 'a message more', 'message M { }', 'message M { } message N { }'),
  plain('MESSAGE_ADDED is compatible', 'a message more, in front', 'message M { }', 'message N { } message M { }'),
  plain('MESSAGE_MOVED is compatible', 'another order', 'message M { } message N { }', 'message N { } message M { }'),
  plain('ENUM_ADDED is compatible', 'an enum more', 'message M { }', 'message M { } enum E { A = 0; }'),
  plain('ENUM_REMOVED is compatible', 'an enum less', 'message M { } enum E { A = 0; }', 'message M { }'),
  plain('ENUM_CONST_ADDED is compatible', 'a value more', 'enum E { A = 0; }', 'enum E { A = 0; B = 1; }'),
  plain('ENUM_CONST_REMOVED is compatible', 'a value less', 'enum E { A = 0; B = 1; }', 'enum E { A = 0; }'),
  plain('ENUM_CONST_CHANGED is compatible', 'a value renamed', 'enum E { A = 0; }', 'enum E { B = 0; }'),
  plain('services are not compared', 'a service less', 'message M { } service S { rpc A (M) returns (M); }', 'message M { }'),
  plain('file options are not compared', 'an option more', 'message M { }', 'option java_package = "a"; message M { }'),
  plain('messages within are compared', 'a field within', 'message M { message N { int32 a = 1; } }', 'message M { message N { string a = 1; } }',
    'FIELD_SCALAR_KIND_CHANGED #/M/N/1'),
  plain('recursion ends', 'a message that has itself', 'message M { M m = 1; int32 a = 2; }', 'message M { M m = 1; string a = 2; }',
    'FIELD_SCALAR_KIND_CHANGED #/M/2'),
  plain('all that is in the way is told', 'three at once', 'package a; message M { int32 a = 1; } message N { }',
    'package b; message M { string a = 1; }',
    'PACKAGE_CHANGED #/', 'FIELD_SCALAR_KIND_CHANGED #/M/1', 'MESSAGE_REMOVED #/N')
]

const oneofs: readonly Case[] = [
  plain('ONEOF_ADDED is compatible', 'a oneof of new fields', one('int32 a = 1;'), one('int32 a = 1; oneof o { int32 b = 2; int32 c = 3; }')),
  plain('ONEOF_ADDED is compatible', 'one field moved to a new oneof', one('int32 a = 1; int32 b = 2;'),
    one('int32 a = 1; oneof o { int32 b = 2; int32 c = 3; }')),
  plain('ONEOF_REMOVED is compatible', 'with its fields', one('oneof o { int32 a = 1; int32 b = 2; }'), one('')),
  plain('ONEOF_FIELD_MOVED_TO_TOP_LEVEL is compatible', 'all fields', one('oneof o { int32 a = 1; int32 b = 2; }'), one('int32 a = 1; int32 b = 2;')),
  plain('ONEOF_FIELD_MOVED_TO_TOP_LEVEL is compatible', 'one of them', one('oneof o { int32 a = 1; int32 b = 2; }'),
    one('oneof o { int32 a = 1; } int32 b = 2;')),
  plain('ONEOF_FIELD_ADDED is compatible', 'a member more', one('oneof o { int32 a = 1; }'), one('oneof o { int32 a = 1; int32 b = 2; }')),
  plain('ONEOF_FIELD_REMOVED', 'a member less', one('oneof o { int32 a = 1; int32 b = 2; }'), one('oneof o { int32 a = 1; }'),
    'ONEOF_FIELD_REMOVED #/M/o/2'),
  plain('ONEOF_FIELD_REMOVED', 'two members less', one('oneof o { int32 a = 1; int32 b = 2; int32 c = 3; }'), one('oneof o { int32 a = 1; }'),
    'ONEOF_FIELD_REMOVED #/M/o/2', 'ONEOF_FIELD_REMOVED #/M/o/3'),
  plain('ONEOF_ADDED, ONEOF_REMOVED', 'a oneof renamed', one('oneof o { int32 a = 1; int32 b = 2; }'), one('oneof p { int32 a = 1; int32 b = 2; }')),
  plain('fields are compared by number', 'a member renamed', one('oneof o { int32 a = 1; }'), one('oneof o { int32 z = 1; }')),
  plain('members are compared as fields', 'of another type', one('oneof o { int32 a = 1; }'), one('oneof o { string a = 1; }'),
    'FIELD_SCALAR_KIND_CHANGED #/M/o/1'),
  plain('members are compared as fields', 'of a type of the same group', one('oneof o { int32 a = 1; }'), one('oneof o { int64 a = 1; }')),
  plain('members are compared as fields', 'of another type, in a renamed oneof', one('oneof o { int32 a = 1; }'), one('oneof p { string a = 1; }'),
    'FIELD_SCALAR_KIND_CHANGED #/M/1'),
  plain('members are compared as fields', 'of another type, moved out', one('oneof o { int32 a = 1; }'), one('string a = 1;'),
    'FIELD_SCALAR_KIND_CHANGED #/M/1'),
  plain('members are compared as fields', 'of another type, moved in', one('int32 a = 1;'), one('oneof o { string a = 1; }'),
    'FIELD_SCALAR_KIND_CHANGED #/M/1'),
  plain('MULTIPLE_FIELDS_MOVED_TO_ONEOF', 'two fields to a new oneof', one('int32 a = 1; int32 b = 2;'), one('oneof o { int32 a = 1; int32 b = 2; }'),
    'MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o'),
  plain('MULTIPLE_FIELDS_MOVED_TO_ONEOF', 'three fields to a oneof that was there',
    one('int32 a = 1; int32 b = 2; int32 c = 3; oneof o { int32 d = 4; }'),
    one('oneof o { int32 a = 1; int32 b = 2; int32 c = 3; int32 d = 4; }'), 'MULTIPLE_FIELDS_MOVED_TO_ONEOF #/M/o'),
  plain('FIELD_MOVED_TO_EXISTING_ONEOF', 'one field to a oneof that was there', one('int32 a = 1; oneof o { int32 b = 2; }'),
    one('oneof o { int32 a = 1; int32 b = 2; }'), 'FIELD_MOVED_TO_EXISTING_ONEOF #/M/o'),
  plain('FIELD_MOVED_TO_EXISTING_ONEOF', 'one field to a oneof renamed', one('int32 a = 1; oneof o { int32 b = 2; }'),
    one('oneof p { int32 a = 1; int32 b = 2; }'), 'FIELD_MOVED_TO_EXISTING_ONEOF #/M/p'),
  plain('FIELD_MOVED_TO_EXISTING_ONEOF', 'two oneofs made one', one('oneof o { int32 a = 1; } oneof p { int32 b = 2; }'),
    one('oneof o { int32 a = 1; int32 b = 2; }'), 'FIELD_MOVED_TO_EXISTING_ONEOF #/M/o'),
  plain('a oneof split', 'into two', one('oneof o { int32 a = 1; int32 b = 2; }'), one('oneof o { int32 a = 1; } oneof p { int32 b = 2; }')),
  plain('optional is no oneof', 'optional moved to a oneof', one('optional int32 a = 1;'), one('oneof o { int32 a = 1; }')),
  plain('optional is no oneof', 'a member that becomes optional', one('oneof o { int32 a = 1; }'), one('optional int32 a = 1;'))
]

const references: readonly Case[] = [
  imported('imported messages are compared where they are used', 'unchanged', 'package i; message N { int32 a = 1; }', 'package i; message N { int32 a = 1; }'),
  imported('imported messages are compared where they are used', 'a field more', 'package i; message N { int32 a = 1; }',
    'package i; message N { int32 a = 1; int32 b = 2; }'),
  imported('FIELD_NAMED_TYPE_CHANGED', 'a field of another type', 'package i; message N { int32 a = 1; }', 'package i; message N { string a = 1; }',
    'FIELD_SCALAR_KIND_CHANGED #/N/1', 'FIELD_NAMED_TYPE_CHANGED #/M/1', 'FIELD_NAMED_TYPE_CHANGED #/M/2', 'FIELD_NAMED_TYPE_CHANGED #/M/3'),
  imported('imported messages that are not used are not compared', 'a message less', 'package i; message N { } message O { }', 'package i; message N { }'),
  imported('recursion ends', 'an imported message that has itself', 'package i; message N { N n = 1; }', 'package i; message N { N n = 1; int32 a = 2; }'),
  {
    rule: 'names are compared within their package',
    what: 'another package of what is imported',
    writer: 'syntax = "proto3"; import "a"; message M { a.N n = 1; }',
    reader: 'syntax = "proto3"; import "b"; message M { b.N n = 1; }',
    writerFiles: { a: three('package a; message N { int32 x = 1; }') },
    readerFiles: { b: three('package b; message N { int32 x = 1; }') },
    expected: []
  },
  {
    rule: 'MESSAGE_REMOVED',
    what: 'a message moved to another file',
    writer: 'syntax = "proto3"; message M { N n = 1; } message N { int32 x = 1; }',
    reader: 'syntax = "proto3"; import "b"; message M { N n = 1; }',
    readerFiles: { b: three('message N { int32 x = 1; }') },
    expected: ['MESSAGE_REMOVED #/N']
  },
  {
    rule: 'MESSAGE_ADDED is compatible',
    what: 'a message moved here from another file',
    writer: 'syntax = "proto3"; import "b"; message M { N n = 1; }',
    reader: 'syntax = "proto3"; message M { N n = 1; } message N { int32 x = 1; }',
    writerFiles: { b: three('message N { int32 x = 1; }') },
    expected: []
  },
  {
    rule: 'FIELD_NAMED_TYPE_CHANGED',
    what: 'one of Protobuf\'s own types to another',
    writer: 'syntax = "proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp t = 1; }',
    reader: 'syntax = "proto3"; import "google/protobuf/duration.proto"; message M { google.protobuf.Duration t = 1; }',
    expected: ['FIELD_NAMED_TYPE_CHANGED #/M/1']
  },
  {
    rule: 'FIELD_KIND_CHANGED',
    what: 'a string to a wrapper of it',
    writer: 'syntax = "proto3"; message M { string t = 1; }',
    reader: 'syntax = "proto3"; import "google/protobuf/wrappers.proto"; message M { google.protobuf.StringValue t = 1; }',
    expected: ['FIELD_KIND_CHANGED #/M/1']
  }
]

export const cases: readonly Case[] = [...scalars, ...fields, ...labels, ...declarations, ...oneofs, ...references]
