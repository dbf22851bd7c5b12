/**
 * What the process says on standard output once it listens: where everything is, whether it is safe, what to try next.
 *
 * The lines "kafka      HOST:PORT", one for each listener in the order of the option, and "http       http://HOST:PORT" are
 * an interface: scripts that started the process with port 0 read them. They are the same on a terminal, but for colours.
 */
import { styleText } from 'node:util'
import { formatAddress, isLoopback, isWildcard, type Address } from './config/address.ts'
import type { Config } from './config.ts'
import { version } from './version.ts'

const LABEL = 11

/** `kafka` and `http` are where the doors listen in fact, `colored` whether the reader is a terminal that likes it. */
export function banner (config: Config, kafka: readonly Address[], http: Address, colored: boolean): string {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    colored ? styleText(format, text, { validateStream: false }) : text
  const line = (label: string, text: string): string => style('dim', label.padEnd(LABEL)) + text
  const { scheme } = config.http
  const local = `${scheme}://${formatAddress(isWildcard(http.host) ? { host: '127.0.0.1', port: http.port } : http)}`
  const isOpen = ![...kafka, http].every(({ host }) => isLoopback(host))
  const safety = safetyOf(config, isOpen)
  const curl = config.security.required ? `curl -u ${config.admin?.name ?? 'NAME'} ` : 'curl '
  return [
    style('bold', `Barnabas ${version}`) + `  (node ${process.versions.node})`,
    ...kafka.map(address => line('kafka', formatAddress(address))),
    line('http', `${scheme}://${formatAddress(http)}`),
    ...config.upstream === null
      ? [line('data', config.data), line('durability', durabilities[config.durability])]
      : [line('cluster', `${config.upstream.bootstrap.map(formatAddress).join(', ')} (this is gateway ${config.upstream.nodeId})`)],
    line('safety', config.insecure && isOpen ? style('yellow', safety) : safety),
    ...logins(config, kafka).map(text => line('login', text)),
    line('try', style('cyan', `${curl}-d hello ${local}/topics/greetings`)),
    line('then', style('cyan', `${curl}'${local}/topics/greetings/records?from=earliest'`)),
    ''
  ].join('\n')
}

function safetyOf ({ security, insecure, admin }: Config, isOpen: boolean): string {
  if (security.required) {
    const who = admin === null ? '' : `; ${admin.name} may do everything`
    return `authentication is on${who}` + (insecure && isOpen ? '; NOT SAFE where secrets travel unencrypted (--insecure)' : '')
  }
  if (isOpen && insecure) return 'NOT SAFE on an open network: no authentication, and other machines can connect (--insecure)'
  return isOpen ? 'no authentication but the certificates that clients show' : 'no authentication; only this machine can connect'
}

/** One line for each door whose clients prove who they are, or whose bytes are encrypted. */
function logins ({ kafka, http, security, oauth }: Config, places: readonly Address[]): string[] {
  const lines = kafka.flatMap(({ protocol, mechanisms, clientAuth }, i) => {
    if (protocol === 'PLAINTEXT' && !security.required) return []
    const certificates = clientAuth === 'none' ? '' : `, client certificates ${clientAuth}`
    return [`${protocol} at ${formatAddress(places[i] ?? kafka[i]!)}: ${mechanisms.length === 0 ? 'no passwords' : mechanisms.join(', ')}${certificates}`]
  })
  if (security.required || http.scheme === 'https') {
    const proofs = security.required ? `Basic${oauth === null ? '' : ', Bearer'}, tickets` : 'no passwords'
    lines.push(`${http.scheme}: ${proofs}${http.clientAuth === 'none' ? '' : `, client certificates ${http.clientAuth}`}`)
  }
  return lines
}

const durabilities: { readonly [D in Config['durability']]: string } = {
  fsync: 'fsync (acks=all is answered once the records are on the disk)',
  os: 'os (acks=all is answered once the operating system has the records: a power cut may lose the last seconds)'
}
