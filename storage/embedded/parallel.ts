/**
 * Files are opened and closed some at a time: one after the other is slow, all at once runs out of descriptors.
 */
const AT_ONCE = 32

/** Results in the order of `items`. Rejects with the first error, when all that was begun is through; the rest is not begun. */
export async function inParallel<T, R> (items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++
      try {
        results[i] = await work(items[i]!)
      } catch (error) {
        next = items.length
        throw error
      }
    }
  }
  const workers = Array.from({ length: Math.min(AT_ONCE, items.length) }, worker)
  await Promise.allSettled(workers)
  await Promise.all(workers)
  return results
}
