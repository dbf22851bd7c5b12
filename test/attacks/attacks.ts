/**
 * What others have been attacked with, and made wrong: for each what shows that it does no harm here, or why it cannot. The
 * tests lie where the code lies that they are about; those that are about the whole are in this folder.
 */
export interface Proof {
  /** Under `test`. */
  readonly file: string
  readonly title: string
}

export interface Attack {
  readonly what: string
  readonly proofs: readonly Proof[]
  /** Why there is nothing to prove. */
  readonly because?: string
}

const by = (file: string, ...titles: string[]): Proof[] => titles.map(title => ({ file, title }))

export const attacks: readonly Attack[] = [
  {
    what: 'oversized frame, before and after the login',
    proofs: [
      ...by('protocol/frame.test.ts', 'a length that no frame may have is refused as soon as it is known', 'an announced length allocates nothing'),
      ...by('src/kafka/login.test.ts', 'requests before authentication are few, and small'),
      ...by('src/kafka/limits.test.ts', 'a thousand connections that announce 100 MiB each cost next to nothing'),
      ...by('fuzz/frames.test.ts', 'hostile lengths and half frames cost a listener neither memory nor its clients')
    ]
  },
  {
    what: 'apis before the login',
    proofs: by('src/kafka/login.test.ts', 'before authentication, of all apis in all versions three are answered; the others close the connection',
      'requests before authentication are few, and small', 'who does not say in time who it is is closed')
  },
  {
    what: 'array lengths',
    proofs: [
      ...by('fuzz/frames.test.ts', 'a hostile length, wherever it stands, is refused without memory', 'an array of 2^31 elements is refused at its count',
        'there are bounds on the elements of a frame that does hold them'),
      ...by('protocol/compile.test.ts', 'an array count is checked against the bytes left, by the least that its elements take')
    ]
  },
  {
    what: 'tagged fields: unsorted, twice, very many',
    proofs: [
      ...by('protocol/tags.test.ts', 'a tag that is not greater than the one before is refused', 'more tags than any message has are refused'),
      ...by('fuzz/frames.test.ts', 'tags that nobody knows are counted, because they cost more to keep than to send')
    ]
  },
  {
    what: 'decompression of record batches',
    proofs: [
      ...by('protocol/compression.test.ts', 'gzip members one after the other count together', 'a zstd frame that asks for a window of 2 GiB is refused',
        'a length that a snappy block only claims allocates nothing', 'the chunks of a snappy stream count together',
        'an lz4 frame is measured by its blocks before it is decompressed'),
      ...by('attacks/bombs.test.ts',
        'CVE-2023-34455: what is too large when it is decompressed is shown as such to JSON readers, and costs neither time nor memory',
        'millions of empty records in a few kilobytes are not looked into', 'records that are many, but may be, become JSON piece by piece',
        'a compacted topic names some of the records that it refuses, not all'),
      ...by('attacks/schema-payloads.test.ts', 'CVE-2023-34455: compressed batches into a topic that is looked into')
    ]
  },
  {
    what: 'Content-Encoding: bombs and chains',
    proofs: by('attacks/bombs.test.ts', 'CVE-2026-22036, CVE-2026-42587: no body is decompressed, however its codings are spelt')
  },
  {
    what: 'compressed WebSocket messages',
    proofs: by('attacks/bombs.test.ts', 'CVE-2026-1526: a WebSocket is not compressed, and who compresses all the same is closed')
  },
  {
    what: 'WebSocket fragments and crumbs',
    proofs: by('routes/ws/messages.test.ts', 'a message that is too large, or comes in too many fragments, ends the session')
  },
  {
    what: 'header fields without end, on HTTP and on the upgrade',
    proofs: [
      ...by('routes/limits.test.ts', 'headers that are too many are refused'),
      ...by('routes/ws/handshake.test.ts', 'a hundred headers are enough'),
      ...by('attacks/cves.test.ts', 'CVE-2024-37890: an upgrade with more fields than are read')
    ]
  },
  {
    what: 'slowloris: headers, bodies, TLS, Kafka frames, WebSocket',
    proofs: [
      ...by('routes/limits.test.ts', 'the server\'s own limits are set', 'headers that do not end in time are cut off',
        'a body that does not arrive in time is answered, and the connection closed'),
      ...by('src/kafka/tls.test.ts', 'a TLS hello that never ends is closed in time, and so is none at all'),
      ...by('src/kafka/limits.test.ts', 'slowloris: a byte now and then is no progress, within a frame small or large',
        'the more memory a frame keeps from others, the faster it must come'),
      ...by('src/kafka/listener.test.ts', 'half a frame and silence is closed, and so is half a length', 'a trickle is no progress'),
      ...by('attacks/exhaustion.test.ts', 'a TLS hello at the HTTP door has as long as a header'),
      ...by('routes/ws/handshake.test.ts', 'who is to say connect and does not is closed, and so is who says something else first')
    ]
  },
  {
    what: 'idle connections',
    proofs: [
      ...by('src/kafka/listener.test.ts', 'a connection that says nothing is closed'),
      ...by('routes/ws/lifecycle.test.ts', 'a peer that gives no sign of life is closed, and one that does by whatever means is not')
    ]
  },
  {
    what: 'connections: in all, of an address, of a principal, a second',
    proofs: [
      ...by('attacks/exhaustion.test.ts', 'connections of an address are counted over all doors, and leave others alone', 'connections in all',
        'S3: who connects too fast is turned away, and who does not is served'),
      ...by('src/kafka/limits.test.ts', 'want of file descriptors does not stop the listener',
        'an address that connects too often is let go unread after a while, and nobody else notices'),
      ...by('src/kafka/login.test.ts', 'one principal has so many connections'),
      ...by('routes/ws/authentication.test.ts', 'a principal has as many sessions and subscriptions as it may, and no more')
    ]
  },
  {
    what: 'memory of requests',
    proofs: [
      ...by('attacks/exhaustion.test.ts', 'memory for requests is shared by all doors, and by address before anybody has said who he is'),
      ...by('src/kafka/limits.test.ts', 'many connections and little memory: everything is answered, and never is more reserved than there is',
        'who finds no room is not read from, until another has been answered'),
      ...by('src/access/memory-budget.test.ts', 'principals take turns when there is no room in all, and the largest is not passed over')
    ]
  },
  {
    what: 'readers that do not read',
    proofs: [
      ...by('src/kafka/listener.test.ts', 'a client that does not read its answers is closed in the end'),
      ...by('src/kafka/connection.test.ts', 'a slow reader does not pile up answers'),
      ...by('routes/follow.test.ts', 'a reader that does not read costs bounded memory, nothing is fetched for it, and it misses nothing'),
      ...by('routes/ws/credit.test.ts', 'who does not read holds up nobody and fills nothing, and gets every record when he reads again',
        'who asks and does not read is not read either')
    ]
  },
  {
    what: 'names without end: client ids, software, paths, topics, users',
    proofs: [
      ...by('attacks/strangers.test.ts', 'names without end are neither series nor memory'),
      ...by('src/kafka/stats.test.ts', 'a hundred kinds of client software are told apart'),
      ...by('src/metrics.test.ts', 'what a peer may choose cannot make series without end', 'of many topics the largest are named and the rest are one'),
      ...by('src/policies/quota-doors.test.ts', 'sensors: idle ones are dropped, and there is a bound'),
      ...by('src/access/authorizer.test.ts', 'strangers cannot fill the memory of decisions'),
      ...by('src/auth/backoff.test.ts', 'what is remembered is bounded'),
      ...by('src/audit.test.ts', 'names that are invented without end are one line with a count')
    ]
  },
  {
    what: 'regular expressions',
    proofs: [
      ...by('src/auth/principal-mapping.test.ts', 'no pattern and no certificate takes long'),
      ...by('attacks/schemas.test.ts', 'regular expressions that take for ever take no time, or are not taken')
    ]
  },
  {
    what: 'JSON: depth, names of prototypes, names twice',
    proofs: [
      ...by('attacks/bombs.test.ts', 'JSON that is nested without end is refused, and nobody is hurt'),
      ...by('src/auth/strict-json.test.ts', 'what is no JSON, or names a key twice, or is too deep, is not read'),
      ...by('attacks/schema-payloads.test.ts', 'JSON that is deep, wide or long')
    ]
  },
  {
    what: 'schemas: depth, size, references, names, rules',
    proofs: [
      ...by('attacks/schemas.test.ts', 'schemas that are deep, wide, long or large', 'references: to itself, in a ring, by the thousand, to elsewhere',
        'names that are none, bodies that are bombs', 'subjects, versions and rules without end'),
      ...by('src/schemas/avro/hostile.test.ts', 'schemas that are too long, too deep, too many', 'types that contain themselves'),
      ...by('src/schemas/json/hostile.test.ts', 'schemas beyond the limits are refused at once', 'work that multiplies is cut off'),
      ...by('src/schemas/compatibility.test.ts', 'many versions are compared in turns with others')
    ]
  },
  {
    what: 'payloads of Avro, JSON Schema and Protobuf',
    proofs: [
      ...by('attacks/schema-payloads.test.ts', 'a few bytes that say that they are many', 'JSON that is deep, wide or long',
        'ids, GUIDs and headers that are rubbish'),
      ...by('src/schemas/avro/hostile.test.ts', 'few bytes that stand for much', 'unions whose branches all nearly fit')
    ]
  },
  { what: 'HTTP/2: rapid reset', proofs: by('attacks/smuggling.test.ts', 'CVE-2023-44487: HTTP/2 is not spoken, not even after an upgrade') },
  { what: 'request smuggling', proofs: by('attacks/smuggling.test.ts', 'what could be read in two ways is refused, and nothing is read behind it') },
  {
    what: 'pages of other origins',
    proofs: [
      ...by('routes/ws/handshake.test.ts', 'pages of other hosts are refused with a problem, unless they are allowed', 'the rule for origins'),
      ...by('routes/origins.test.ts', 'a page that nobody named changes nothing, and is kept from reading by its browser'),
      ...by('routes/authentication.test.ts', 'a token in a URL is refused, whatever else is sent')
    ]
  },
  {
    what: 'log injection',
    proofs: [
      ...by('attacks/strangers.test.ts', 'nobody writes a line of the log by what he calls himself'),
      ...by('src/audit.test.ts', 'what a stranger sends is printed escaped and short'),
      ...by('src/kafka/handshake.test.ts', 'names without end are cut short in the log'),
      ...by('src/kafka/stranger.test.ts', 'what does not print is not printed')
    ]
  },
  {
    what: 'secrets in logs',
    proofs: by('attacks/canaries.test.ts', 'a canary is found in every form, within whatever',
      'CVE-2019-12399, CVE-2026-33558: no secret is in a log, a metric, an error, an answer, the audit or the data folder')
  }
]

export const cves: readonly Attack[] = [
  {
    what: 'CVE-2017-12610',
    proofs: [
      ...by('src/auth/plain.test.ts', 'what is refused'), ...by('src/auth/scram.test.ts', 'what a first message must not be'),
      ...by('src/auth/oauthbearer.test.ts', 'what is refused')
    ]
  },
  { what: 'CVE-2018-1288', proofs: by('src/policies/authorize-attacks.test.ts', 'CVE-2018-1288: who claims to be a replica must be one of the cluster') },
  {
    what: 'CVE-2018-17196',
    proofs: by('src/policies/authorize-attacks.test.ts', 'CVE-2018-17196: every batch of every partition is asked whether it is transactional')
  },
  {
    what: 'CVE-2019-12399, CVE-2026-33558, KAFKA-13446',
    proofs: by('attacks/canaries.test.ts', 'CVE-2019-12399, CVE-2026-33558: no secret is in a log, a metric, an error, an answer, the audit or the data folder')
  },
  { what: 'CVE-2021-38153', proofs: by('attacks/cves.test.ts', 'CVE-2021-38153: secrets are compared in constant time') },
  { what: 'CVE-2022-34917', proofs: by('fuzz/frames.test.ts', 'a hostile length, wherever it stands, is refused without memory') },
  {
    what: 'CVE-2023-25194, CVE-2025-27818, CVE-2025-27819, CVE-2024-31141',
    proofs: by('attacks/cves.test.ts',
      'CVE-2023-25194, CVE-2025-27818, CVE-2025-27819, CVE-2024-31141: no configuration over the wire names code, a file or a URL')
  },
  { what: 'CVE-2025-27817', proofs: by('src/auth/jwks.test.ts', 'the URL is https, and says nothing but where', 'what is not an answer') },
  {
    what: 'CVE-2023-34455',
    proofs: [
      ...by('attacks/bombs.test.ts',
        'CVE-2023-34455: what is too large when it is decompressed is shown as such to JSON readers, and costs neither time nor memory'),
      ...by('attacks/schema-payloads.test.ts', 'CVE-2023-34455: compressed batches into a topic that is looked into')
    ]
  },
  {
    what: 'CVE-2024-27309',
    proofs: by('src/access/authorizer.test.ts', 'CVE-2024-27309: 100,000 decisions over rules that come and go are those of the model')
  },
  { what: 'CVE-2024-56128', proofs: by('src/auth/scram.test.ts', 'what a final message must not be') },
  {
    what: 'CVE-2026-33557',
    proofs: [
      ...by('src/auth/jwt.test.ts', 'CVE-2026-33557: there is no verifier that accepts what nobody has signed, for nobody', 'the corpus'),
      ...by('src/config/security.test.ts', 'tokens are checked by keys, issuer and audience, over https')
    ]
  },
  { what: 'CVE-2026-35554', proofs: by('attacks/cves.test.ts', 'CVE-2026-35554: whoever breaks off in the middle, no record comes to another topic') },
  { what: 'CVE-2026-41115', proofs: by('src/policies/permissions.test.ts', 'CVE-2026-41115: docs/permissions.md is what is enforced') },
  {
    what: 'CVE-2025-32442, CVE-2026-25223, CVE-2026-33806',
    proofs: by('attacks/cves.test.ts', 'CVE-2025-32442, CVE-2026-25223, S10: however a media type is spelt, what is taken was checked',
      'CVE-2024-37890, CVE-2025-32442, CVE-2026-33806: libraries are not older than their remedies')
  },
  {
    what: 'CVE-2024-37890, CVE-2021-32640 and others of ws',
    proofs: by('attacks/cves.test.ts', 'CVE-2024-37890: an upgrade with more fields than are read', 'CVE-2021-32640: names of sub-protocols take no time',
      'CVE-2024-37890, CVE-2025-32442, CVE-2026-33806: libraries are not older than their remedies')
  },
  {
    what: 'CVE-2026-22036, CVE-2026-1526, CVE-2026-1527 of undici',
    proofs: by('src/auth/jwks.test.ts', 'what is not an answer'),
    because: 'We are a client of nobody but the provider of keys, by node:https, which decompresses nothing.'
  },
  { what: 'CVE-2024-8285', proofs: by('src/auth/jwks.test.ts', 'a provider that cannot show who it is is not asked') },
  {
    what: 'Karapace #1256',
    proofs: [
      ...by('doors/decisions.test.ts', 'without credentials nothing is served at any door'),
      ...by('routes/permissions.test.ts', 'two readers share a fetch, of whom only one may read')
    ]
  },
  { what: 'Strimzi bridge: negative partitions', proofs: by('routes/records.test.ts', 'parameters that are wrong are named') },
  {
    what: 'CVE-2024-47561',
    proofs: by('attacks/schemas.test.ts', 'names that are none, bodies that are bombs'),
    because: 'Nothing that a schema names is loaded or made: `java-class` and its like are properties without a meaning.'
  },
  { what: 'CVE-2026-29000, Authlib', proofs: by('src/auth/jwt.test.ts', 'the corpus') },
  { what: 'GHSA-jrpc-7vxp-69p6', proofs: by('routes/ws/handshake.test.ts', 'the rule for origins') },
  {
    what: 'CVE-2025-12183, CVE-2025-66566',
    proofs: by('protocol/compression.test.ts', 'an lz4 block that is longer than its frame is corrupt',
      'an lz4 frame that claims a content of 2^62 bytes allocates nothing')
  },
  { what: 'allocUnsafe', proofs: by('attacks/cves.test.ts', 'memory that is not initialised is only where all of it is written') },
  { what: 'CVE-2023-44487', proofs: by('attacks/smuggling.test.ts', 'CVE-2023-44487: HTTP/2 is not spoken, not even after an upgrade') }
]
