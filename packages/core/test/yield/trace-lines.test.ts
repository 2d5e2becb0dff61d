import { describeReason } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { InvalidTraceError, readTrace, traceLine } from '../../src/yield/trace-lines.ts'
import { ended, read, traceOf, written } from './traced.ts'

const trace = traceOf(read(1, 0), written(5, { transaction: 1 }), ended(1, 4, 9))

function linesOf(): string[] {
  return [trace.header, ...trace.queries.values(), ...trace.events].map(traceLine)
}

describe('readTrace', () => {
  it('returns what was written', () => {
    expect(readTrace(linesOf().join(''))).toEqual(trace)
  })

  it('ignores a last line that was cut off, and lines of unknown types', () => {
    const text = linesOf().join('')
    expect(readTrace(`${text}{"type":"statement","que`)).toEqual(trace)
    expect(readTrace(`${text}{"type":"later"}\n{"type":"statement","at":1}\n`)).toEqual(trace)
  })

  it('knows the reasons of the trace', () => {
    const reason = { type: 'reason', code: 'ONLY_IN_TRACES', text: 'It is only in traces' } as const
    readTrace([...linesOf(), traceLine(reason)].join(''))
    expect(describeReason('batch:ONLY_IN_TRACES')).toBe('Not batched: It is only in traces')
  })

  it.each([
    ['', 1, 'JSON'],
    ['{"type":"other"}', 1, 'the first line of a trace'],
    ['{"type":"trace","schemaVersion":2}', 1, 'schemaVersion 1'],
    ['{"type":"trace","schemaVersion":1}', 1, 'numbers startedAt and ttlMs'],
    [`${linesOf()[0]}no\n\n`, 2, 'JSON'],
    [`${linesOf()[0]}7\n\n`, 2, 'an object'],
  ])('rejects %j', (text, line, expected) => {
    const read = () => readTrace(text)
    expect(read).toThrow(InvalidTraceError)
    expect(read).toThrow(`Trace, line ${line}: expected ${expected}, got `)
  })
})
