import { describe, expect, it } from 'vitest'
import type { Operation, Source } from '../../src/pipeline/operation.ts'
import { OperationContext } from '../../src/pipeline/operation-context.ts'
import { Scope } from '../../src/pipeline/scope.ts'
import { trackWrites } from '../../src/pipeline/track-writes.ts'
import type { WriteOutcome, WriteTracker } from '../../src/pipeline/writes.ts'

const effect = { tables: new Set<never>(), everything: true }

async function outcomeOf(error: unknown, errors?: Source['errors']): Promise<WriteOutcome | undefined> {
  let outcome: WriteOutcome | undefined
  const tracker = {
    begin: () => ({
      end: (ended: WriteOutcome) => {
        outcome = ended
      },
    }),
  } as unknown as WriteTracker
  const source: Source = {
    id: 'one',
    orm: 'test',
    dialect: 'sqlite',
    seesStatements: false,
    ...(errors === undefined ? {} : { errors }),
  }
  const write: Operation = {
    source,
    kind: 'write',
    inTransaction: false,
    run: async () => {},
    effect: () => effect,
  }
  const context = new OperationContext(new Scope('test', 'observe', 0), undefined)
  await expect(trackWrites(tracker)(write, context, () => Promise.reject(error))).rejects.toBe(error)
  return outcome
}

describe('trackWrites', () => {
  it('determines the outcome from errors of the driver', async () => {
    expect(await outcomeOf({ code: '23505' })).toBe('rolled-back')
    expect(await outcomeOf({ code: '08006' })).toBe('unknown')
  })

  it('determines the outcome from errors of the ORM first', async () => {
    const errors: Source['errors'] = {
      writeOutcome: (error) =>
        (error as { readonly code?: unknown }).code === 'OWN' ? 'rolled-back' : undefined,
      replicaError: () => undefined,
    }
    expect(await outcomeOf({ code: 'OWN' })).toBe('unknown')
    expect(await outcomeOf({ code: 'OWN' }, errors)).toBe('rolled-back')
    expect(await outcomeOf({ code: '08006' }, errors)).toBe('unknown')
  })
})
