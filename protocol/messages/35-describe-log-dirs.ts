import { api, array, bool, int16, int32, int64, string, topicName } from '../schema.ts'

/**
 * What lies in the log folders of a broker, and how large it is (KIP-113). Null asks for every topic.
 * v2 flexible, v3 an error of its own, v4 size and free space of the disk (KIP-827), v5 cordoned folders (KIP-1066).
 */
export const DescribeLogDirs = api(35, 'DescribeLogDirs', { versions: [1, 5], flexible: 2 }, {
  topics: array({ topic: topicName, partitions: array(int32) }).nullable()
}, {
  throttleTimeMs: int32.default(0),
  errorCode: int16.since(3).ignorable(),
  results: array({
    errorCode: int16,
    logDir: string,
    topics: array({
      name: topicName,
      partitions: array({ partitionIndex: int32, partitionSize: int64, offsetLag: int64, isFutureKey: bool })
    }),
    totalBytes: int64.since(4).default(-1).ignorable(),
    usableBytes: int64.since(4).default(-1).ignorable(),
    isCordoned: bool.since(5).ignorable()
  })
})
