/**
 * Objects: properties by content model. A model is open where `additionalProperties` is true or absent, closed where it is
 * false, and partially open where it is a schema or `patternProperties` says what some names hold.
 */
import type { Incompatibility } from '../format.ts'
import { because, difference, quote } from './difference.ts'
import type { Comparison } from './compatibility.ts'
import { compareLimit } from './compare-values.ts'
import { escapePointer } from './resources.ts'
import type { Subschema } from './subschema.ts'
import { ANYTHING, ANY_STRING, isNever, viewOf } from './view.ts'
import type { View } from './view.ts'

export function compareObjects (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const required = new Set(writer.parts.flatMap(part => part.required))
  comparison.spend(required.size + reader.required.length)
  return [
    ...compareLimit(writer, reader, 'maxProperties', path),
    ...compareLimit(writer, reader, 'minProperties', path, required.size),
    ...compareRead(comparison, writer, reader, required, path),
    ...compareRemoved(comparison, writer, reader, path),
    ...compareOthers(comparison, writer, reader, path),
    ...compareDependencies(comparison, writer, reader, required, path),
    ...(reader.propertyNames === null ? [] : compareNames(comparison, writer, reader.propertyNames, path))
  ]
}

/** What a part says about a property of this name. */
function saidOf (comparison: Comparison, part: Subschema, name: string): Subschema[] {
  const own = part.properties.get(name)
  const said = own === undefined ? [] : [own]
  for (const [pattern, schema] of part.patternProperties) if (comparison.matches(pattern, name)) said.push(schema)
  if (said.length === 0 && part.additionalProperties !== null) said.push(part.additionalProperties)
  return said
}

const givenAt = (comparison: Comparison, { parts }: View, name: string): View => viewOf(...parts.flatMap(part => saidOf(comparison, part, name)))

const isOpen = (view: View): boolean => view.parts.length === 0 && view.choices.length === 0

/** Names that the reader knows. */
function compareRead (comparison: Comparison, writer: View, reader: Subschema, required: ReadonlySet<string>, path: string): Incompatibility[] {
  const found: Incompatibility[] = []
  for (const [name, schema] of reader.properties) {
    comparison.spend(1)
    const at = `${path}/properties/${escapePointer(name)}`
    const given = givenAt(comparison, writer, name)
    const isDeclared = writer.parts.some(part => part.properties.has(name))
    const isMissed = reader.required.includes(name) && !required.has(name)
    const differences = comparison.compare(given, schema, at)
    if (isDeclared) {
      found.push(...differences)
      if (isMissed && !hasDefault(schema)) found.push(missing('REQUIRED_ATTRIBUTE_ADDED', `${path}/required/${escapePointer(name)}`, name))
    } else if (isOpen(given)) found.push(...addedToOpen(comparison, differences.length > 0, isMissed, hasDefault(schema), at, name))
    else {
      if (differences.length > 0 && !comparison.isLenient) {
        found.push(difference('PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', at,
          `The %s schema says what ${quote(name)} is, which is not what the %s one lets be there: ${because(differences)}`, name))
      }
      if (isMissed && !hasDefault(schema)) found.push(missing('REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL', at, name))
    }
  }
  for (const name of reader.required) {
    if (!reader.properties.has(name) && !required.has(name)) found.push(missing('REQUIRED_ATTRIBUTE_ADDED', `${path}/required/${escapePointer(name)}`, name))
  }
  return found
}

const missing = (type: string, path: string, name: string): Incompatibility =>
  difference(type, path, `The %s schema requires ${quote(name)} without a default, and the %s one does not require it`, name)

const hasDefault = (schema: Subschema): boolean => schema.hasDefault || viewOf(schema).parts.some(part => part.hasDefault)

/** `isTold`: the reader says what it holds, and anything may have been there. */
function addedToOpen (comparison: Comparison, isTold: boolean, isMissed: boolean, isDefaulted: boolean, path: string, name: string): Incompatibility[] {
  if (isMissed && !isDefaulted) return [missing('REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL', path, name)]
  if (!isTold || comparison.isLenient) return []
  return [difference(isMissed ? 'REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL' : 'OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL', path,
    `The %s schema says what ${quote(name)} is, and the %s one, which has no "additionalProperties": false, lets anything be there`, name)]
}

/** Names that the writer knows, against what the reader says of names that it does not list. */
function compareRemoved (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const found: Incompatibility[] = []
  for (const name of new Set(writer.parts.flatMap(part => [...part.properties.keys()]))) {
    comparison.spend(1)
    const own = reader.properties.get(name)
    const said = saidOf(comparison, reader, name).filter(schema => schema !== own)
    if (said.length === 0) continue
    const at = `${path}/properties/${escapePointer(name)}`
    const given = givenAt(comparison, writer, name)
    if (isNever(given)) continue
    const differences = said.flatMap(schema => comparison.compare(given, schema, at))
    if (differences.length === 0) continue
    if (own !== undefined) found.push(...differences)
    else if (comparison.isLenient) continue
    else if (reader.patternProperties.size === 0 && reader.additionalProperties?.always === false) {
      found.push(difference('PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL', at, `The %s schema takes no ${quote(name)}, and the %s one does`, name))
    } else {
      found.push(difference('PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', at,
        `What the %s schema says of properties that it does not list does not fit ${quote(name)} of the %s one: ${because(differences)}`, name))
    }
  }
  return found
}

/** Names that nobody lists. */
function compareOthers (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const found: Incompatibility[] = []
  const patterns = new Set(writer.parts.flatMap(part => [...part.patternProperties.keys()]))
  comparison.spend(patterns.size + reader.patternProperties.size)
  const rest = viewOf(...writer.parts.map(part => part.additionalProperties ?? ANYTHING))
  const { additionalProperties: taken } = reader
  const report = (given: View, differences: readonly Incompatibility[], refuses: boolean, at: string): void => {
    if (differences.length === 0) return
    if (refuses || isOpen(given)) {
      if (comparison.isLenient) return
      found.push(refuses
        ? difference('ADDITIONAL_PROPERTIES_REMOVED', at, 'The %s schema takes no further properties, and the %s one does')
        : difference('ADDITIONAL_PROPERTIES_NARROWED', at,
          `Further properties of the %s schema may not be anything, and those of the %s one may: ${because(differences)}`))
    } else found.push(...differences)
  }
  if (taken !== null) {
    const at = `${path}/additionalProperties`
    report(rest, comparison.compare(rest, taken, at), taken.always === false, at)
  }
  for (const pattern of patterns) {
    const own = reader.patternProperties.get(pattern)
    const schema = own ?? taken
    if (schema === null) continue
    // What is left to additionalProperties fits none of the reader's patterns.
    const given = matching(writer, pattern, own === undefined ? reader.patternProperties : NO_PATTERNS)
    const at = `${path}/patternProperties/${escapePointer(pattern)}`
    report(given, comparison.compare(given, schema, at), schema.always === false, at)
  }
  for (const [pattern, schema] of reader.patternProperties) {
    if (patterns.has(pattern)) continue
    const at = `${path}/patternProperties/${escapePointer(pattern)}`
    // A name may fit several patterns, and nobody can tell which: any of the writer's, or none.
    for (const given of [rest, ...[...patterns].map(other => matching(writer, other, NO_PATTERNS))]) {
      const differences = comparison.compare(given, schema, at)
      report(given, differences, schema.always === false, at)
      if (differences.length > 0) break
    }
  }
  return found
}

/** What the writer lets a property hold that nobody lists and whose name fits one of its patterns, but none of `others`. */
function matching ({ parts }: View, pattern: string, others: ReadonlyMap<string, Subschema>): View {
  return viewOf(...parts.map(part => {
    const isLeft = [...part.patternProperties.keys()].every(one => others.has(one))
    return part.patternProperties.get(pattern) ?? (isLeft ? part.additionalProperties : null) ?? ANYTHING
  }))
}

const NO_PATTERNS: ReadonlyMap<string, Subschema> = new Map()

function compareDependencies (
  comparison: Comparison, writer: View, reader: Subschema, required: ReadonlySet<string>, path: string
): Incompatibility[] {
  const found: Incompatibility[] = []
  for (const [name, wanted] of reader.dependentRequired) {
    comparison.spend(wanted.length)
    const before = writer.parts.flatMap(part => part.dependentRequired.get(name) ?? [])
    const lost = wanted.filter(one => one !== name && !before.includes(one) && !required.has(one))
    if (lost.length === 0) continue
    const change = before.length === 0 ? 'ADDED' : before.every(one => wanted.includes(one)) ? 'EXTENDED' : 'CHANGED'
    found.push(difference(`DEPENDENCY_ARRAY_${change}`, `${path}/dependencies/${escapePointer(name)}`,
      `Beside ${quote(name)}, the %s schema requires ${lost.slice(0, 8).map(quote).join(', ')}, and the %s one does not`, ...lost.slice(0, 20)))
  }
  for (const [name, schema] of reader.dependentSchemas) {
    comparison.spend(1)
    const own = writer.parts.flatMap(part => part.dependentSchemas.get(name) ?? [])
    // Whatever has to fit if the property is there, what fits anyway counts too.
    const at = `${path}/dependencies/${escapePointer(name)}`
    const combined = viewOf(...own)
    const differences = comparison.compare({ parts: [...writer.parts, ...combined.parts], choices: [...writer.choices, ...combined.choices] }, schema, at)
    if (differences.length === 0 || isNever(givenAt(comparison, writer, name))) continue
    if (own.length > 0) found.push(...differences)
    else {
      found.push(difference('DEPENDENCY_SCHEMA_ADDED', at,
        `If ${quote(name)} is there, the %s schema asks for more than the %s one: ${because(differences)}`, name))
    }
  }
  return found
}

function compareNames (comparison: Comparison, writer: View, names: Subschema, path: string): Incompatibility[] {
  const own = viewOf(...writer.parts.flatMap(part => part.propertyNames ?? []))
  return [...comparison.compare({ parts: [...own.parts, ANY_STRING], choices: own.choices }, names, `${path}/propertyNames`)]
}
