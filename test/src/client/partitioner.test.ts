import t from 'tap'
import { murmur2, partitionOfKey } from '../../../src/client/partitioner.ts'

/** What Kafka 4.3.1's `Utils.murmur2` gives for these bytes, and `toPositive(...) % 7`. */
const vectors: readonly (readonly [hex: string, hash: number, ofSeven: number])[] = [
  ['', 275646681, 2],
  ['61', -1563381124, 5],
  ['6162', 316155434, 0],
  ['616263', 479470107, 4],
  ['3231', -973932308, 3],
  ['666f6f626172', -790332482, 0],
  ['612d6c6974746c652d6269742d6c6f6e672d737472696e67', -985981536, 1],
  ['612d6c6974746c652d6269742d6c6f6e6765722d737472696e67', -1486304829, 0],
  ['6c6b6a683233346c68396669756839307932336f697568736166756a6861646f66323239706872396831396838396838', -58897971, 3],
  ['4772c3bcc39f65', 1190824359, 4],
  ['f09f979d', -1240477019, 4],
  ['35', 55100550, 1],
  ['f78afe0d', 1906962751, 1],
  ['e1bbe7ae28c045', 1137648021, 6],
  ['e43c084f4bbb2bf1839d', -1855770099, 1],
  ['6d852cb5be6a61aa9a0c6117bd', 342965673, 1],
  ['dc978573998e685e885cb361f86c9746', -507368914, 6],
  ['20bebfb01100b276545718c30f406cc8e3a188', -1538593684, 4],
  ['dc0bf66205835ccc16ad682d8c478a26f450279849599b56dd', 209984484, 3],
  ['97e953c0026cc4a45eb32f92829e8d14ee827c94edc93517ef7da4c0ce2972', 501298474, 5],
  ['9b060b08b6460851f3a3a05bb102f732ed235bd1283ed5021192ed6a754300c52367', 74467444, 2]
]

t.test('a key hashes as in Kafka, so both kinds of producer choose the same partition', async t => {
  for (const [hex, hash, ofSeven] of vectors) {
    const key = Buffer.from(hex, 'hex')
    t.equal(murmur2(key), hash, `the hash of ${hex || 'nothing'}`)
    t.equal(partitionOfKey(key, 7), ofSeven, `the partition of ${hex || 'nothing'}`)
  }
})
