/**
 * Programs of other people: run to their end, or kept in the background and watched.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'

export interface RunOptions {
  readonly input?: string | Buffer
  readonly timeoutMs?: number
  readonly cwd?: string
}

export interface Finished {
  /** The exit code, or null if a signal ended it; after a timeout too. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. Rejects only if it cannot be started. */
export async function run (command: string, args: readonly string[], { input, timeoutMs = 60_000, cwd }: RunOptions = {}): Promise<Finished> {
  const child = spawn(command, args, { stdio: 'pipe', cwd })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { output.stderr += text })
  // A program that has seen enough closes its input; what it could not take is no error of ours.
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  try {
    const [code] = await once(child, 'close') as [number | null]
    return { code, ...output }
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a program that must succeed, and gives its standard output. */
export async function succeed (command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}\nended with ${code}:\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`)
  return stdout
}

/** A program in the background. It is killed with the test. */
export class Background {
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  readonly #name: string
  readonly exit: Promise<number | null>

  constructor (t: Test, command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#name = [command, ...args].join(' ')
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => { this.stdout += text })
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => { this.stderr += text })
    this.#child.stdin!.on('error', () => {})
    // As many as like may wait for what it says.
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) stream.setMaxListeners(0)
    this.exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', resolve)
    })
    this.exit.catch(() => {}) // whoever waits for it hears of it
    t.teardown(() => this.end('SIGKILL'))
  }

  /** Waits until what it has written holds `pattern`. Rejects if it ends before, or does not come to it. */
  async until (pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    return this.untilIt(`write ${pattern}`, ({ stdout, stderr }) => pattern.exec(stdout) ?? pattern.exec(stderr), timeoutMs)
  }

  /** Waits until `look` finds something in what it has written. */
  async untilIt<T> (what: string, look: (output: { readonly stdout: string, readonly stderr: string }) => T | null, timeoutMs = 60_000): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs)
    for (;;) {
      const found = look(this)
      if (found !== null) return found
      const more = [this.#child.stdout!, this.#child.stderr!].map(stream => once(stream, 'data', { signal: deadline }))
      const ended = await Promise.race([...more, this.exit.then(() => 'ended' as const)]).catch(() => 'late' as const)
      for (const one of more) one.catch(() => {})
      if (ended === 'late' || ended === 'ended') {
        const last = look(this)
        if (last !== null) return last
        throw new Error(`${this.#name}\n${ended === 'late' ? `did not ${what} in ${timeoutMs} ms` : `ended and did not ${what}`}:\n` +
          `${this.stdout.slice(-3000)}\n${this.stderr.slice(-3000)}`)
      }
    }
  }

  write (text: string): void {
    this.#child.stdin!.write(text)
  }

  endInput (): void {
    this.#child.stdin!.end()
  }

  /** Sends a signal, if it is still there. */
  signal (signal: NodeJS.Signals): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal)
  }

  /** Sends a signal and waits for the end. */
  async end (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.signal(signal)
    return this.exit.catch(() => null)
  }
}
