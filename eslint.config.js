import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['node_modules', 'data', 'dist', '.tap', '.cache'] }),
  {
    rules: {
      'max-lines': ['error', { max: 400 }],
      '@stylistic/max-len': ['error', { code: 160, ignoreUrls: true }]
    }
  }
]
