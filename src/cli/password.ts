/**
 * The password of somebody new: from a file, from standard input, or typed without being shown. Never from the command
 * line, which others on the machine can read.
 */
import { readSecretFile } from '../config/credentials.ts'
import { Secret } from '../config/secret.ts'
import { UsageError } from '../config.ts'
import type { Streams } from './output.ts'

const MAX_LENGTH = 1024
const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f']

/** Throws UsageError where there is none. */
export async function readPassword (name: string, file: string | undefined, streams: Streams): Promise<Secret> {
  const text = file !== undefined ? fromFile(file) : streams.stdin.isTTY === true ? await typed(name, streams) : await piped(streams)
  if (text === '') throw new UsageError([file === undefined ? 'No password came on standard input.' : `--password-file: ${file} is empty.`])
  if (text.length > MAX_LENGTH || /[\r\n]/.test(text)) throw new UsageError([`A password is one line of at most ${MAX_LENGTH} characters.`])
  return new Secret(text)
}

function fromFile (file: string): string {
  try {
    return readSecretFile(file)
  } catch (error) {
    throw new UsageError([`--password-file: ${(error as Error).message}`])
  }
}

async function piped ({ stdin }: Streams): Promise<string> {
  let text = ''
  stdin.setEncoding('utf8')
  for await (const chunk of stdin as AsyncIterable<string>) {
    text += chunk
    if (text.length > 2 * MAX_LENGTH) break
  }
  return text.replace(/\r?\n$/, '')
}

async function typed (name: string, { stdin, stderr }: Streams): Promise<string> {
  stderr.write(`Password for ${name}: `)
  stdin.setRawMode?.(true)
  stdin.setEncoding('utf8')
  let text = ''
  try {
    for await (const chunk of stdin as AsyncIterable<string>) {
      for (const character of chunk) {
        if (character === CTRL_C) throw new UsageError(['Interrupted.'])
        if (character === '\r' || character === '\n' || character === CTRL_D) return text
        text = character === BACKSPACE || character === DELETE ? text.slice(0, -1) : text + character
      }
    }
    return text
  } finally {
    stdin.setRawMode?.(false)
    stderr.write('\n')
  }
}
