/**
 * HOST:PORT, and which hosts stay on this machine.
 */
import { BlockList, isIP, isIPv6 } from 'node:net'

export interface Address {
  /** A name or an IP address, IPv6 without brackets. `::` is every address of this machine, IPv4 ones too. */
  readonly host: string
  /** 0 asks the system for any free port. */
  readonly port: number
}

/**
 * Reads `host:port`, `[::1]:port` or `:port` (every address of this machine); null where it is none of them. IPv6 needs
 * its brackets: without them the last group of an address and a port look the same.
 */
export function parseAddress (text: string): Address | null {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<name>[A-Za-z0-9._-]*)):(?<port>\d{1,5})$/.exec(text)
  if (match === null) return null
  const { six, name = '', port } = match.groups!
  if (six !== undefined && !isIPv6(six)) return null
  // A name of digits and dots that is not an IPv4 address is a typing error, never a host.
  if (/^[\d.]+$/.test(name) && isIP(name) === 0) return null
  if (Number(port) > 65535) return null
  return { host: six ?? (name === '' ? '::' : name), port: Number(port) }
}

export function formatAddress ({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether the host stands for every address of this machine. */
export function isWildcard (host: string): boolean {
  return /^[0.]+$/.test(host) || (isIPv6(host) && /^[0:]+$/.test(host))
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this machine can reach the host. Names other than `localhost` may resolve to anything: they count as reachable. */
export function isLoopback (host: string): boolean {
  const family = isIP(host)
  if (family === 0) return /^(?:.+\.)?localhost$/i.test(host)
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
