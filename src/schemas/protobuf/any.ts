/**
 * google.protobuf.Any in JSON, where the library gives up on a type that it does not know: such an Any becomes
 * `{"@type": "...", "value": "<Base64 of what it holds>"}`.
 */
import type { DescMessage, Message, Registry } from '@bufbuild/protobuf'
import { create, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { isReflectMessage, reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import type { Any } from '@bufbuild/protobuf/wkt'
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'

const ANY = 'google.protobuf.Any'
/** Any within Any: each is a payload of its own, so that the depth of messages does not bound it. */
const MAX_DEPTH = 16

/** Throws Error where bytes are not a message of this type, or too much of one. */
type Check = (desc: DescMessage, bytes: Uint8Array) => void

/** What stands for any message that is not known: its bytes are wrapped into this. */
const holder = createFileRegistry(create(FileDescriptorProtoSchema, {
  name: 'holder.proto',
  messageType: [{ name: 'Holder', field: [{ name: 'value', jsonName: 'value', number: 1, type: Type.BYTES, label: Label.OPTIONAL }] }]
}), () => undefined).getMessage('Holder') as DescMessage

/** A registry that knows every message, for the library's `toJson`. */
export const knowingAll = (registry: Registry): Registry =>
  ({ ...registry, getMessage: (typeName) => registry.getMessage(typeName) ?? { ...holder, typeName } })

/** Whether a message of this type may hold an Any, at any depth. */
export function mayHoldAny (root: DescMessage): boolean {
  const seen = new Set([root])
  for (const desc of seen) {
    if (desc.typeName === ANY) return true
    for (const { message } of desc.fields) if (message !== undefined) seen.add(message)
  }
  return false
}

/** Changes `message`: wraps what unknown types hold in it, for `knowingAll`. Throws Error where Any is nested too deep. */
export function wrapUnknown (desc: DescMessage, message: Message, registry: Registry, check: Check): void {
  walk(reflect(desc, message), registry, check, 0)
}

function walk (message: ReflectMessage, registry: Registry, check: Check, depth: number): void {
  if (message.desc.typeName === ANY) {
    wrap(message.message as Any, registry, check, depth)
    return
  }
  for (const field of message.desc.fields) {
    if (field.message === undefined || !message.isSet(field)) continue
    const value: unknown = message.get(field)
    if (isReflectMessage(value)) walk(value, registry, check, depth)
    else for (const each of (value as { values: () => Iterable<unknown> }).values()) if (isReflectMessage(each)) walk(each, registry, check, depth)
  }
}

function wrap (any: Any, registry: Registry, check: Check, depth: number): void {
  if (depth >= MAX_DEPTH) throw new Error(`google.protobuf.Any is nested deeper than ${MAX_DEPTH} levels`)
  const known = registry.getMessage(any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1))
  if (known === undefined) {
    any.value = new BinaryWriter().tag(1, 2).bytes(any.value).finish()
    return
  }
  check(known, any.value)
  if (mayHoldAny(known)) {
    const inner = fromBinary(known, any.value)
    walk(reflect(known, inner), registry, check, depth + 1)
    any.value = toBinary(known, inner) as Any['value']
  }
}
