/**
 * What the process says on standard output once it listens: where everything is, whether it is safe, what to try next.
 *
 * The lines "kafka      HOST:PORT" and "http       http://HOST:PORT" are an interface: scripts that started the process
 * with port 0 read them. They are the same on a terminal, but for colours.
 */
import { styleText } from 'node:util'
import { formatAddress, isLoopback, isWildcard, type Address } from './config/address.ts'
import type { Config } from './config.ts'
import { version } from './version.ts'

const LABEL = 11

/** `kafka` and `http` are where the doors listen in fact, `colored` whether the reader is a terminal that likes it. */
export function banner (config: Config, kafka: Address, http: Address, colored: boolean): string {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    colored ? styleText(format, text, { validateStream: false }) : text
  const line = (label: string, text: string): string => style('dim', label.padEnd(LABEL)) + text
  const open = !isLoopback(kafka.host) || !isLoopback(http.host)
  const url = `http://${formatAddress(http)}`
  const local = `http://${formatAddress(isWildcard(http.host) ? { host: '127.0.0.1', port: http.port } : http)}`
  return [
    style('bold', `Barnabas ${version}`) + `  (node ${process.versions.node})`,
    line('kafka', formatAddress(kafka)),
    line('http', url),
    line('data', config.data),
    line('durability', durabilities[config.durability]),
    line('safety', open
      ? style('yellow', 'NOT SAFE on an open network: no authentication, and other machines can connect (--insecure)')
      : 'no authentication; only this machine can connect'),
    line('try', style('cyan', `curl -d hello ${local}/topics/greetings`)),
    line('then', style('cyan', `curl '${local}/topics/greetings/records?from=earliest'`)),
    ''
  ].join('\n')
}

const durabilities: { readonly [D in Config['durability']]: string } = {
  fsync: 'fsync (acks=all is answered once the records are on the disk)',
  os: 'os (acks=all is answered once the operating system has the records: a power cut may lose the last seconds)'
}
