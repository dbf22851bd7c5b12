/**
 * How a listener is written: `[PROTOCOL://]HOST:PORT[?advertised=HOST:PORT&mechanisms=A+B&client-auth=required]` for the
 * Kafka protocol, `[http|https://]HOST:PORT` for HTTP.
 */
import { parseAddress, type Address } from './address.ts'
import { address, reachable, type Value } from './values.ts'

/** Kafka's names. SASL asks for credentials, SSL (which is TLS) encrypts. */
export const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const
export type Protocol = typeof protocols[number]

export const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
export type MechanismName = typeof mechanisms[number]

/** Whether clients are to show a certificate: not at all, if they have one, or always. */
export const clientAuths = ['none', 'requested', 'required'] as const
export type ClientAuth = typeof clientAuths[number]

/** A listener as it was written; null is what it leaves to the other options. */
export interface ListenerText extends Address {
  readonly protocol: Protocol | null
  readonly advertised: Address | null
  readonly mechanisms: readonly MechanismName[] | null
  readonly clientAuth: ClientAuth | null
}

export interface HttpText extends Address {
  readonly scheme: 'http' | 'https' | null
}

export const isTls = (protocol: Protocol): boolean => protocol === 'SSL' || protocol === 'SASL_SSL'
export const isSasl = (protocol: Protocol): boolean => protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL'

function parseListener (text: string): ListenerText | null {
  const match = /^(?:(?<scheme>[A-Za-z_]+):\/\/)?(?<place>[^?/]+)(?:\?(?<query>.*))?$/.exec(text)
  if (match === null) return null
  const { scheme, place, query = '' } = match.groups!
  const protocol = scheme === undefined ? null : protocols.find(one => one === scheme.toUpperCase())
  const parsed = parseAddress(place!)
  if (protocol === undefined || parsed === null) return null
  let listener: ListenerText = { ...parsed, protocol, advertised: null, mechanisms: null, clientAuth: null }
  const seen = new Set<string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const setting = seen.has(name) ? null : settingOf(name, value)
    if (setting === null) return null
    seen.add(name)
    listener = { ...listener, ...setting }
  }
  return listener
}

function settingOf (name: string, value: string): Partial<ListenerText> | null {
  switch (name) {
    case 'advertised': {
      const advertised = reachable.parse(value)
      return advertised === null ? null : { advertised }
    }
    case 'mechanisms': {
      const named = value.split('+').map(word => mechanisms.find(one => one === word.toUpperCase()))
      return named.includes(undefined) ? null : { mechanisms: [...new Set(named as MechanismName[])] }
    }
    case 'client-auth': {
      const clientAuth = clientAuths.find(one => one === value)
      return clientAuth === undefined ? null : { clientAuth }
    }
    default: return null
  }
}

export const listener: Value<ListenerText> = {
  placeholder: 'LISTENER',
  expected: 'HOST:PORT, such as 127.0.0.1:9092, [::1]:9092 or :9092, behind PLAINTEXT://, SSL://, SASL_PLAINTEXT:// or SASL_SSL:// if need be, ' +
    'and before ?advertised=HOST:PORT, mechanisms=PLAIN+SCRAM-SHA-256 or client-auth=required, joined by &',
  parse: parseListener,
  meant: text => {
    const [, before = '', place = '', after = ''] = /^([A-Za-z_]+:\/\/)?([^?]*)(\?.*)?$/.exec(text) ?? []
    const mended = address.parse(place) === null ? address.meant!(place) : place
    return mended === null ? null : before + mended + after
  }
}

export const httpListener: Value<HttpText> = {
  placeholder: '[https://]HOST:PORT',
  expected: 'HOST:PORT, such as 127.0.0.1:8082, [::1]:8082 or :8082, behind http:// or https:// if need be',
  parse: text => {
    const match = /^(?:(?<scheme>https?):\/\/)?(?<place>.+)$/i.exec(text)
    const parsed = match === null ? null : parseAddress(match.groups!['place']!)
    return parsed === null ? null : { ...parsed, scheme: (match!.groups!['scheme']?.toLowerCase() ?? null) as HttpText['scheme'] }
  },
  meant: text => {
    const [, before = '', place = ''] = /^(https?:\/\/)?([^/]*)\/?$/i.exec(text) ?? []
    const mended = address.parse(place) === null ? address.meant!(place) : place
    return mended === null ? null : before + mended
  }
}
