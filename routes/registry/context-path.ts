/**
 * `/contexts/{context}/subjects/{subject}` is another way to write `/subjects/:.context:{subject}`: Confluent's registry takes a
 * context in front of any of its paths (and of no others), so that a client that knows nothing of contexts can be given one with its base URL.
 */
const PREFIX = '/contexts/'
const PATH = /^\/contexts\/([^/?]+)(\/[^?]*)(?:\?(.*))?$/s
const QUALIFIED = /^(:|%3A)/i
const LEADING_DOT = /^(\.|%2E)/i

/** Confluent's client for Java asks `POST /compatibility/subjects/{subject}/versions/` where it names no version. */
const VERSIONS = /^((?:\/contexts\/[^/?]+)?(?:\/compatibility)?\/subjects\/[^/?]+\/versions)\/(?=\?|$)/

/** For Fastify's `rewriteUrl`: the path by which the registry's routes know what is asked for. */
export const registryPath = (url: string): string => withoutContext(url.replace(VERSIONS, '$1'))

/** Nothing is decoded, so nothing can be wrong with it. */
export function withoutContext (url: string): string {
  if (!url.startsWith(PREFIX)) return url
  const parts = PATH.exec(url)
  if (parts === null) return url
  const [, name, path, query] = parts as unknown as [string, string, string, string?]
  const context = `:${LEADING_DOT.test(name) ? name : `.${name}`}:`
  const [, first = '', ...rest] = path.split('/')
  switch (first) {
    case 'compatibility':
      return withQuery(rest[1] === undefined ? path : ['', first, rest[0]!, inside(context, rest[1]), ...rest.slice(2)].join('/'), query)
    case 'config':
    case 'mode':
      return withQuery(['', first, inside(context, rest[0] ?? ''), ...rest.slice(1)].join('/'), query)
    case 'subjects':
      if (rest[0] === undefined || rest[0] === '') return withQuery('/subjects', withParameter(query, 'subjectPrefix', context))
      return withQuery(['', first, inside(context, rest[0]), ...rest.slice(1)].join('/'), query)
    case 'schemas':
      return withQuery(path, withParameter(query, rest.length === 0 ? 'subjectPrefix' : 'subject', context))
    case 'v1':
      return rest[0] === 'metadata' ? withQuery(path, query) : url
    case 'contexts':
    case '':
      return withQuery(path, query)
    default:
      // The rest of the house is in no context.
      return url
  }
}

const inside = (context: string, subject: string): string => QUALIFIED.test(subject) ? subject : context + subject

const withQuery = (path: string, query: string | undefined): string => query === undefined ? path : `${path}?${query}`

function withParameter (query: string | undefined, name: string, context: string): string {
  const parameters = query === undefined || query === '' ? [] : query.split('&')
  const at = parameters.findIndex(parameter => parameter.startsWith(`${name}=`))
  if (at === -1) parameters.push(`${name}=${context}`)
  else parameters[at] = `${name}=${inside(context, parameters[at]!.slice(name.length + 1))}`
  return parameters.join('&')
}
