/**
 * Arrays: items by position and the rest, `contains`, `uniqueItems`, sizes.
 */
import type { Incompatibility } from '../format.ts'
import { because, difference } from './difference.ts'
import type { Comparison } from './compatibility.ts'
import { compareLimit } from './compare-values.ts'
import type { Subschema } from './subschema.ts'
import { isNever, limitOf, viewOf } from './view.ts'
import type { View } from './view.ts'

export function compareArrays (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const found = [
    ...compareLimit(writer, reader, 'maxItems', path),
    ...compareLimit(writer, reader, 'minItems', path, limitOf(writer, 'minContains')),
    ...comparePositions(comparison, writer, reader, path),
    ...compareContains(comparison, writer, reader, path)
  ]
  const most = limitOf(writer, 'maxItems') ?? Infinity
  if (reader.uniqueItems && most > 1 && !writer.parts.some(part => part.uniqueItems)) {
    found.push(difference('UNIQUE_ITEMS_ADDED', `${path}/uniqueItems`, 'The %s schema wants items that differ, and the %s one does not'))
  }
  return found
}

const itemAt = (part: Subschema, index: number): Subschema | null => part.prefixItems[index] ?? part.items

const itemsAt = ({ parts }: View, index: number): View =>
  viewOf(...parts.map(part => itemAt(part, index)).filter(item => item !== null))

const isOpen = (view: View): boolean => view.parts.length === 0 && view.choices.length === 0

function comparePositions (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const found: Incompatibility[] = []
  const most = limitOf(writer, 'maxItems') ?? Infinity
  const written = Math.max(0, ...writer.parts.map(part => part.prefixItems.length))
  const positions = Math.max(written, reader.prefixItems.length)
  comparison.spend(positions)
  for (let index = 0; index < Math.min(positions, most); index++) {
    const given = itemsAt(writer, index)
    const taken = itemAt(reader, index)
    if (taken === null || isNever(given)) continue
    const at = `${path}/items/${index}`
    const differences = comparison.compare(given, taken, at)
    if (differences.length === 0) continue
    const isWritten = writer.parts.some(part => index < part.prefixItems.length)
    const isRead = index < reader.prefixItems.length
    if (isWritten && isRead) found.push(...differences)
    else if (isRead && isOpen(given)) {
      found.push(difference('ITEM_ADDED_TO_OPEN_CONTENT_MODEL', at, 'The %s schema says what this item is, and the %s one lets anything be there'))
    } else if (isRead) {
      found.push(difference('ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', at,
        `The %s schema says what this item is, which is not what further items of the %s one are: ${because(differences)}`))
    } else if (taken.always === false) {
      found.push(difference('ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL', at, 'The %s schema takes no item here, and the %s one does'))
    } else {
      found.push(difference('ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL', at,
        `Further items of the %s schema are not what this item of the %s one is: ${because(differences)}`))
    }
  }
  if (reader.items === null || most <= positions) return found
  const rest = itemsAt(writer, positions)
  const isList = positions === 0
  const differences = comparison.compare(rest, reader.items, `${path}/${isList ? 'items' : 'additionalItems'}`)
  if (differences.length === 0) return found
  const at = `${path}/additionalItems`
  if (reader.items.always === false) found.push(difference('ADDITIONAL_ITEMS_REMOVED', at, 'The %s schema takes no further items, and the %s one does'))
  else if (isOpen(rest) && !isList) {
    found.push(difference('ADDITIONAL_ITEMS_NARROWED', at, 'Further items of the %s schema may not be anything, and those of the %s one may'))
  } else found.push(...differences)
  return found
}

function compareContains (comparison: Comparison, writer: View, reader: Subschema, path: string): Incompatibility[] {
  const { contains } = reader
  if (contains === null) return []
  const found: Incompatibility[] = []
  const own = writer.parts.filter(part => part.contains !== null)
  const least = reader.limits.minContains ?? 1
  if (least > 0) {
    const fitting = own.filter(part => comparison.fits(viewOf(part.contains!), contains))
    const enough = Math.max(0, ...fitting.map(part => part.limits.minContains ?? 1))
    if (own.length === 0) {
      found.push(difference('SCHEMA_ADDED', `${path}/contains`, 'The %s schema asks for an item that the %s one does not ask for'))
    } else if (fitting.length === 0) found.push(...comparison.compare(viewOf(own[0]!.contains!), contains, `${path}/contains`))
    else if (enough < least) {
      found.push(difference('MIN_CONTAINS_INCREASED', `${path}/minContains`, `The %s schema has minContains ${least}, and the %s one ${enough}`))
    }
  }
  const most = reader.limits.maxContains
  if (most === undefined) return found
  // What the reader counts has to be what the writer counted, or less.
  const counted = own.filter(part => comparison.fits(viewOf(contains), part.contains!)).map(part => part.limits.maxContains ?? Infinity)
  const before = Math.min(Infinity, ...counted)
  if (before > most) {
    found.push(difference(before === Infinity ? 'MAX_CONTAINS_ADDED' : 'MAX_CONTAINS_DECREASED', `${path}/maxContains`,
      `The %s schema has maxContains ${most}, and the %s one ${before === Infinity ? 'has none' : before}`))
  }
  return found
}
