/**
 * Files that may be imported without being referred to: Protobuf's own, Google's common types, and those that Confluent's
 * registry and serdes know.
 */
import type { DescFile } from '@bufbuild/protobuf'
import { createRegistry } from '@bufbuild/protobuf'
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt'
import * as wkt from '@bufbuild/protobuf/wkt'

const PROTOBUF: readonly DescFile[] = [
  wkt.file_google_protobuf_any, wkt.file_google_protobuf_api, wkt.file_google_protobuf_compiler_plugin,
  wkt.file_google_protobuf_descriptor, wkt.file_google_protobuf_duration, wkt.file_google_protobuf_empty,
  wkt.file_google_protobuf_field_mask, wkt.file_google_protobuf_source_context, wkt.file_google_protobuf_struct,
  wkt.file_google_protobuf_timestamp, wkt.file_google_protobuf_type, wkt.file_google_protobuf_wrappers
]
const DESCRIPTORS: ReadonlyMap<string, FileDescriptorProto> = new Map(PROTOBUF.map(({ proto }) => [proto.name, proto]))

/** Protobuf's own types, by full name: an Any may hold them whether they are imported or not. */
export const wellKnown = createRegistry(...PROTOBUF)

const days = ['DAY_OF_WEEK_UNSPECIFIED', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY']
const months = ['MONTH_UNSPECIFIED', 'JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER', 'OCTOBER',
  'NOVEMBER', 'DECEMBER']
const periods = ['CALENDAR_PERIOD_UNSPECIFIED', 'DAY', 'WEEK', 'FORTNIGHT', 'MONTH', 'QUARTER', 'HALF', 'YEAR']
const values = (names: readonly string[]): string => names.map((name, number) => `${name} = ${number};`).join(' ')
const protobuf = (...names: readonly string[]): string => names.map((name) => `import "google/protobuf/${name}.proto";`).join(' ')

const TYPES: Readonly<Record<string, string>> = {
  calendar_period: `enum CalendarPeriod { ${values(periods)} }`,
  color: `${protobuf('wrappers')} message Color { float red = 1; float green = 2; float blue = 3; google.protobuf.FloatValue alpha = 4; }`,
  date: 'message Date { int32 year = 1; int32 month = 2; int32 day = 3; }',
  datetime: `${protobuf('duration')} message DateTime { int32 year = 1; int32 month = 2; int32 day = 3; int32 hours = 4; int32 minutes = 5;
    int32 seconds = 6; int32 nanos = 7; oneof time_offset { google.protobuf.Duration utc_offset = 8; TimeZone time_zone = 9; } }
    message TimeZone { string id = 1; string version = 2; }`,
  dayofweek: `enum DayOfWeek { ${values(days)} }`,
  decimal: 'message Decimal { string value = 1; }',
  expr: 'message Expr { string expression = 1; string title = 2; string description = 3; string location = 4; }',
  fraction: 'message Fraction { int64 numerator = 1; int64 denominator = 2; }',
  interval: `${protobuf('timestamp')} message Interval { google.protobuf.Timestamp start_time = 1; google.protobuf.Timestamp end_time = 2; }`,
  latlng: 'message LatLng { double latitude = 1; double longitude = 2; }',
  localized_text: 'message LocalizedText { string text = 1; string language_code = 2; }',
  money: 'message Money { string currency_code = 1; int64 units = 2; int32 nanos = 3; }',
  month: `enum Month { ${values(months)} }`,
  phone_number: `message PhoneNumber { message ShortCode { string region_code = 1; string number = 2; }
    oneof kind { string e164_number = 1; ShortCode short_code = 2; } string extension = 3; }`,
  postal_address: `message PostalAddress { int32 revision = 1; string region_code = 2; string language_code = 3; string postal_code = 4;
    string sorting_code = 5; string administrative_area = 6; string locality = 7; string sublocality = 8;
    repeated string address_lines = 9; repeated string recipients = 10; string organization = 11; }`,
  quaternion: 'message Quaternion { double x = 1; double y = 2; double z = 3; double w = 4; }',
  timeofday: 'message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }'
}

const extended = ['File', 'Message', 'Field', 'Enum', 'EnumValue']
const TEXTS: ReadonlyMap<string, string> = new Map([
  ...Object.entries(TYPES).map(([name, text]): [string, string] =>
    [`google/type/${name}.proto`, `syntax = "proto3"; package google.type; ${text}`]),
  ['confluent/meta.proto', `syntax = "proto3"; package confluent; ${protobuf('descriptor')}
    message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
    ${extended.map((kind) => `extend google.protobuf.${kind}Options {
      Meta ${kind.replace(/(?<=.)[A-Z]/, '_$&').toLowerCase()}_meta = 1088; }`).join('\n')}`],
  ['confluent/type/decimal.proto',
    'syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }']
])

/** A text to parse, or what is parsed already, or undefined. */
export const builtin = (path: string): FileDescriptorProto | string | undefined => DESCRIPTORS.get(path) ?? TEXTS.get(path)
