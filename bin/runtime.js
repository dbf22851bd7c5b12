/**
 * Settings of the runtime that have to be made before it is at work.
 */
import { setFlagsFromString } from 'node:v8'

// Records lie outside the heap, but their bytes are counted, so that beside our small heap every few megabytes of traffic look
// like growth: full collections, which find nothing, took a fifth of the processor time of a busy producer (bench/kafka.ts).
// So V8 waits until the heap is four times what the last one left, its own upper bound.
setFlagsFromString('--heap-growing-percent=300')
// The same for what lies outside: otherwise a collection begins whenever another 64 MB have passed through (bench/proxy.ts).
setFlagsFromString('--external-memory-accounted-in-global-limit')
setFlagsFromString('--external-memory-max-growing-factor=4')

// Threads that wait for the disk. A disk syncs many files at once about as fast as one, if it is asked to (docs/adr/0002).
process.env.UV_THREADPOOL_SIZE ??= '16'
