/**
 * Where a consumer instance can be called: the URI of the server as its caller sees it, also from behind proxies.
 */
import type { FastifyRequest } from 'fastify'

/** A host with or without a port; an IPv6 address in brackets. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i
const PREFIX = /^(\/[\w.~%-]+)+$/

/**
 * `scheme://host/prefix` from Forwarded (RFC 7239), else from X-Forwarded-Proto, -Host, -Port and -Prefix (or -Path), else from
 * Host; empty where none says a usable host, so that what is appended is relative to this server. A caller can only mislead itself.
 */
export function baseUriOf (request: FastifyRequest): string {
  const { headers } = request
  const forwarded = forwardedOf(first(headers.forwarded))
  const proto = (forwarded.get('proto') ?? first(headers['x-forwarded-proto']) ?? request.protocol).toLowerCase()
  const host = forwarded.get('host') ?? withPort(first(headers['x-forwarded-host']), first(headers['x-forwarded-port'])) ?? headers.host
  const prefix = (first(headers['x-forwarded-prefix']) ?? first(headers['x-forwarded-path']) ?? '').replace(/\/+$/, '')
  const path = PREFIX.test(prefix) ? prefix : ''
  if (host === undefined || !HOST.test(host) || !/^https?$/.test(proto)) return path
  return `${proto}://${host}${path}`
}

/** Of several proxies, the first one in the list is the one that the caller has reached. */
function first (value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value[0] : value
  return text?.split(',')[0]!.trim() || undefined
}

function forwardedOf (element: string | undefined): Map<string, string> {
  const pairs = (element ?? '').split(';').map(pair => pair.trim().split('='))
  return new Map(pairs.flatMap(([name = '', value]) => value === undefined ? [] : [[name.toLowerCase(), value.replaceAll(/^"|"$/g, '')]]))
}

function withPort (host: string | undefined, port: string | undefined): string | undefined {
  if (host === undefined || port === undefined || /:\d+$/.test(host)) return host
  return `${host}:${port}`
}
