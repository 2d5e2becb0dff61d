import { describe, expect, it } from 'vitest'
import { readOpenMetrics } from './open-metrics.ts'

const H = '# TYPE h histogram\n'
const inf = 'h_bucket{le="+Inf"} 1\n'

// The reader that verifies the writer must reject invalid pages.
describe('readOpenMetrics', () => {
  it.each([
    ['no end', '# TYPE a gauge\na 1\n'],
    ['an empty line', '# TYPE a gauge\n\na 1\n# EOF\n'],
    ['text after the end', '# EOF\na 1\n'],
    ['a sample without a family', 'a 1\n# EOF\n'],
    ['no type', '# HELP a b\na 1\n# EOF\n'],
    ['a comment', '# a comment\n# EOF\n'],
    ['a counter without _total', '# TYPE a counter\na 1\n# EOF\n'],
    ['_total in the name of a family', '# TYPE a_total counter\na_total 1\n# EOF\n'],
    ['a counter below 0', '# TYPE a counter\na_total -1\n# EOF\n'],
    ['a counter that is no number', '# TYPE a counter\na_total NaN\n# EOF\n'],
    [
      'another unit than the name has',
      '# TYPE a_seconds gauge\n# UNIT a_seconds bytes\na_seconds 1\n# EOF\n',
    ],
    ['a quote in a help', '# TYPE a gauge\n# HELP a "b"\na 1\n# EOF\n'],
    ['a descriptor twice', '# TYPE a gauge\n# TYPE a gauge\na 1\n# EOF\n'],
    ['a descriptor after samples', '# TYPE a gauge\na 1\n# HELP a b\n# EOF\n'],
    ['a family twice', '# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na 2\n# EOF\n'],
    ['a sample twice', '# TYPE a gauge\na{b="1"} 1\na{b="1"} 1\n# EOF\n'],
    ['a label twice', '# TYPE a gauge\na{b="1",b="2"} 1\n# EOF\n'],
    ['a comma too many', '# TYPE a gauge\na{b="1",} 1\n# EOF\n'],
    ['a label that is not escaped', '# TYPE a gauge\na{b="\\x"} 1\n# EOF\n'],
    ['names that clash', '# TYPE a counter\na_total 1\n# TYPE a_total gauge\na_total 1\n# EOF\n'],
    ['le at a gauge', '# TYPE a gauge\na{le="1.0"} 1\n# EOF\n'],
    ['no last bucket', `${H}h_bucket{le="1.0"} 1\n# EOF\n`],
    ['a bound without a point', `${H}h_bucket{le="1"} 1\n${inf}# EOF\n`],
    ['buckets that fall', `${H}h_bucket{le="1.0"} 2\n${inf}# EOF\n`],
    ['bounds that fall', `${H}h_bucket{le="2.0"} 0\nh_bucket{le="1.0"} 0\n${inf}# EOF\n`],
    ['a count of its own', `${H}${inf}h_count 2\nh_sum 2\n# EOF\n`],
    ['a count without a sum', `${H}${inf}h_count 1\n# EOF\n`],
    ['a sum of values below 0', `${H}h_bucket{le="-1.0"} 0\n${inf}h_count 1\nh_sum 1\n# EOF\n`],
    ['interleaved labels', '# TYPE s summary\ns_sum{a="1"} 1\ns_sum{a="2"} 1\ns_count{a="1"} 1\n# EOF\n'],
    ['a quantile above 1', '# TYPE s summary\ns{quantile="1.5"} 1\n# EOF\n'],
    ['an exemplar of another bucket', `${H}h_bucket{le="1.0"} 1 # {} 2\n${inf}# EOF\n`],
    ['an exemplar that is too long', `${H}h_bucket{le="+Inf"} 1 # {a="${'x'.repeat(128)}"} 2\n# EOF\n`],
    ['an exemplar at a gauge', '# TYPE a gauge\na 1 # {} 1\n# EOF\n'],
  ])('rejects %s', (_, page) => {
    expect(() => readOpenMetrics(page)).toThrow()
  })
})
