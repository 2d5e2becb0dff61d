import { describe, expect, it } from 'vitest'
import { OwnTransaction } from '../../src/pipeline/own-transaction.ts'
import type { WriteOutcome } from '../../src/pipeline/writes.ts'

function raised(
  dialect: 'postgresql' | 'mysql',
  outcome: WriteOutcome,
  run: (own: OwnTransaction) => void,
): readonly (bigint | undefined)[] {
  const ended: (bigint | undefined)[] = []
  const own = new OwnTransaction(dialect, 0, (value) => ended.push(value))
  run(own)
  own.end(outcome)
  own.end(outcome)
  return ended
}

describe('OwnTransaction', () => {
  it('raises the counter only if it changed a row', () => {
    expect(raised('postgresql', 'committed', () => {})).toEqual([0n])
    expect(raised('mysql', 'committed', () => {})).toEqual([0n])
    expect(raised('postgresql', 'committed', (own) => own.changed())).toEqual([1n])
    expect(raised('mysql', 'committed', (own) => own.changed())).toEqual([2n])
  })

  it('has no number of its commit on MariaDB if a part of it was rolled back', () => {
    expect(raised('mysql', 'rolled-back', (own) => own.changed())).toEqual([1n])
    expect(raised('postgresql', 'rolled-back', (own) => own.changed())).toEqual([1n])
    const partly = (own: OwnTransaction) => {
      own.changed()
      own.partlyRolledBack()
    }
    expect(raised('mysql', 'committed', partly)).toEqual([1n])
  })

  it('is unknown if its outcome is', () => {
    expect(raised('postgresql', 'unknown', (own) => own.changed())).toEqual([undefined])
    expect(raised('postgresql', 'unknown', () => {})).toEqual([undefined])
  })
})
