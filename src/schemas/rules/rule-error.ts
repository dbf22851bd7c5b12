/** A rule could not be applied to a value: nothing is known about the value. */
export class RuleError extends Error {
  override readonly name = 'RuleError'
}
