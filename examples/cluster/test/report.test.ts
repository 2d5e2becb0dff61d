import { describe, expect, it } from 'vitest'
import { figuresOf } from '../src/figures.ts'
import { clusterJson, formatSteps, isGood } from '../src/report.ts'
import type { StepResult } from '../src/run-steps.ts'
import { type Answer, Tally } from '../src/tally.ts'

const plain = { color: false, width: 140 }

function result(name: string, change: (tally: Tally) => void = () => {}, usedAgainMs?: number): StepResult {
  const tally = new Tally()
  for (let i = 0; i < 99; i += 1) tally.add(answer({ ms: i + 1, node: `node-${1 + (i % 3)}` }))
  tally.addReads({ onReplica: 2, onPrimary: 1 })
  tally.addReads({ onReplica: 1, onPrimary: 0 })
  tally.ownReads = 20
  change(tally)
  return { name, tally, usedAgainMs }
}

const answer = (given: Partial<Answer>): Answer => ({
  sentAt: 0,
  ms: 1,
  outcome: 'answered',
  node: 'node-1',
  ...given,
})

describe('formatSteps', () => {
  it('has a line for each step, and a verdict', () => {
    const killed = (tally: Tally) => tally.add(answer({ ms: 1_234.56, outcome: 'lost', node: undefined }))
    expect(
      formatSteps([result('normal load'), result('node-1 killed', killed, 1_500.4)], plain).split('\n'),
    ).toEqual([
      'while          requests  failed  POSTs lost    p50       p99  share of nodes  on the replica  own writes  stale  used again',
      'normal load          99       0           0  50 ms     99 ms   33 / 33 / 33%             75%          20      0           –',
      'node-1 killed       100       0           1  51 ms  1,235 ms   33 / 33 / 33%             75%          20      0    1,500 ms',
      '',
      '✓ 0 of 199 requests failed',
      '  1 POSTs lost: in flight on a node that died or hung, and not retried, because they may have taken effect',
      '✓ 0 of 40 reads after a write of the same visitor missed the write',
    ])
  })

  it('shows the failed requests of each step', () => {
    const failing = result('node-1 killed', (tally) => {
      tally.add(answer({ outcome: 'failed', node: undefined }))
      tally.failures.push('GET /cities/7: 502')
    })
    const text = formatSteps([failing], plain)
    expect(text).toContain('  GET /cities/7: 502\n')
    expect(text).toContain('✗ 1 of 100 requests failed')
  })

  it.each([120, 100, 80])('fits into %d columns', (width) => {
    const [head = ''] = formatSteps([result('normal load')], { color: false, width }).split('\n')
    expect(head.length).toBeLessThanOrEqual(width)
    expect(head).toContain('stale')
  })
})

describe('isGood', () => {
  it('tolerates lost POSTs', () => {
    expect(
      isGood([result('normal load'), result('killed', (tally) => tally.add(answer({ outcome: 'lost' })))]),
    ).toBe(true)
  })

  it.each([
    ['a request that failed', (tally: Tally) => tally.add(answer({ outcome: 'failed' }))],
    [
      'a read that was stale',
      (tally: Tally) => {
        tally.staleReads = 1
      },
    ],
  ])('is not so with %s', (_, change) => {
    expect(isGood([result('normal load'), result('killed', change)])).toBe(false)
  })
})

describe('clusterJson', () => {
  it('has the figures of each step', () => {
    expect(clusterJson([result('hung', undefined, 12.34)])).toEqual({
      nodes: 3,
      isGood: true,
      steps: [
        {
          name: 'hung',
          requests: 99,
          failed: 0,
          lostPosts: 0,
          p50Ms: 50,
          p99Ms: 99,
          nodes: { 'node-1': 0.333, 'node-2': 0.333, 'node-3': 0.333 },
          replicaShare: 0.75,
          ownReads: 20,
          staleReads: 0,
          usedAgainMs: 12.3,
        },
      ],
    })
  })

  it('has numbers for steps without requests', () => {
    expect(figuresOf({ name: 'none', tally: new Tally(), usedAgainMs: undefined })).toMatchObject({
      p50Ms: 0,
      replicaShare: 0,
      usedAgainMs: null,
    })
  })
})
