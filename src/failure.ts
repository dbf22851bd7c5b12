/**
 * Why a start failed, as one sentence for whoever started the process: what was wrong and what to do about it.
 */
import { formatAddress, type Address } from './config/address.ts'
import type { Config } from './config.ts'

/** Null where the error is a fault of this program, which is worth its stack. */
export function explain (error: unknown, config: Config): string | null {
  if (!(error instanceof Error)) return null
  const { code, syscall, path } = error as NodeJS.ErrnoException
  if (code !== undefined && (syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo')) return explainListen(error, config)
  // What fails on a file that is open does not say which.
  if (code !== undefined && syscall !== undefined) return explainFile(error, path ?? config.data, config)
  return faults.has(error.constructor.name) || (code?.startsWith('ERR_') === true && code !== 'ERR_SQLITE_ERROR') ? null : sentence(error.message)
}

/** What JavaScript throws at a mistake in the code, never at a state of the world. */
const faults = new Set(['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError', 'AssertionError'])

interface ListenError extends NodeJS.ErrnoException {
  readonly address?: string
  readonly port?: number
  readonly hostname?: string
}

function explainListen (error: ListenError, config: Config): string {
  const [flag, meant] = doorOf(error, config)
  const host = error.address ?? error.hostname ?? meant.host
  const port = error.port ?? meant.port
  const place = formatAddress({ host, port })
  switch (error.code) {
    case 'EADDRINUSE':
      return `${place} is taken by another process (${whoListens(port)} tells which). ` +
        `Stop it, or choose another port: --${flag} ${formatAddress({ host, port: otherPort(port) })}.`
    case 'EACCES':
      return `${place} may not be used by this user: ports below 1024 need privileges. ` +
        `Choose another: --${flag} ${formatAddress({ host, port: otherPort(port) })}.`
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine. Choose one that is: --${flag} 127.0.0.1:${port}.`
    case 'EAFNOSUPPORT':
      return `${host} cannot be listened on, because this machine has no IPv6. Use IPv4: --${flag} ${host === '::1' ? '127.0.0.1' : '0.0.0.0'}:${port}.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The name ${host} of --${flag} could not be resolved (${error.code}). Use an address: --${flag} 127.0.0.1:${port}.`
    default:
      return `${place} (--${flag}) cannot be listened on: ${error.message}.`
  }
}

/** Which door could not be opened: the one of that port, else the one of that host, else the first. */
function doorOf (error: ListenError, { kafka, http }: Config): readonly ['kafka' | 'http', Address] {
  const doors = [...kafka.map(listener => ['kafka', listener] as const), ['http', http] as const]
  const host = error.address ?? error.hostname
  const ofPort = error.port === undefined ? doors : doors.filter(([, { port }]) => port === error.port)
  return ofPort.find(([, door]) => door.host === host) ?? ofPort[0] ?? doors.find(([, door]) => door.host === host) ?? doors[0]!
}

const otherPort = (port: number): number => port < 1024 ? port + 8000 : port + 10_000 > 65535 ? port - 10_000 : port + 10_000

function whoListens (port: number): string {
  switch (process.platform) {
    case 'linux': return `"ss -ltnp sport = :${port}"`
    case 'win32': return `"netstat -ano | findstr :${port}"`
    default: return `"lsof -nP -iTCP:${port} -sTCP:LISTEN"`
  }
}

function explainFile (error: NodeJS.ErrnoException, path: string, { data }: Config): string {
  const what = path === data ? `The data folder ${data}` : `${path} (the data folder is ${data})`
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return `${what} may not be written by this user${process.getuid === undefined ? '' : ` (uid ${process.getuid()})`}. ` +
        'Give it to that user, or choose another folder with --data.'
    case 'EROFS': return `${what} is on a file system that is mounted read-only. Choose another folder with --data.`
    case 'ENOSPC':
    case 'EDQUOT': return `${what} is on a disk that is full. Make room, or choose another folder with --data.`
    case 'ENOTDIR':
    case 'EEXIST': return `${what} is not a folder. Choose another with --data.`
    case 'ENOENT': return `${what} cannot be made there. Choose another folder with --data.`
    case 'EMFILE':
    case 'ENFILE': return `${what} needs more open files than this process may have. Raise the limit ("ulimit -n").`
    default: return `${what} cannot be used: ${error.message}.`
  }
}

const sentence = (text: string): string => /[.!?]$/.test(text) ? text : `${text}.`
