import { describe, expect, it } from 'vitest'
import { TimeLimits } from '../../../src/database/advisor/limits.ts'
import { ModelPlanner } from '../../../src/database/advisor/planners/model-planner.ts'
import type { PlannedStatement, SupposedIndex } from '../../../src/database/advisor/what-if-planner.ts'
import { testSnapshot } from '../test-snapshot.ts'
import { adviceOf, contextOf, entry } from './advisor-world.ts'

const snapshot = testSnapshot('postgresql', {
  city: 'id integer!, name text, region_id integer, population integer',
})
const workload = ['region_id', 'population', 'name'].map((column) =>
  entry(`SELECT * FROM city WHERE ${column} = $1`, { samples: [[7]] }),
)

/** A clock that advances by `ms` with each call of the planner. */
function slowPlanner(ms: number) {
  let time = 0
  const planner = new ModelPlanner(contextOf(snapshot))
  const answer = planner.answer.bind(planner)
  planner.answer = (statement: PlannedStatement, indexes: readonly SupposedIndex[]) => {
    time += ms
    return answer(statement, indexes)
  }
  return { planner, clock: { now: () => time, wall: () => time } }
}

function advice(ms: number, options: { statementTimeoutMs?: number; timeLimitMs?: number }) {
  const { planner, clock } = slowPlanner(ms)
  return adviceOf(snapshot, workload, { planner, clock, limits: new TimeLimits(options, clock) })
}

describe('the time limits of advice', () => {
  it('skip no statement by default', async () => {
    const { indexes, left } = await advice(1, {})
    expect([indexes.length, left]).toEqual([3, []])
  })

  it('skip the remaining statements when the time limit is reached, and give the reason', async () => {
    const { left, statements } = await advice(1_000, { timeLimitMs: 4_000, statementTimeoutMs: 10_000 })
    const why = 'The time limit of 4 s for the analysis was reached.'
    expect(left).toEqual([
      expect.objectContaining({ kind: 'time-limit', why }),
      expect.objectContaining({ kind: 'time-limit', why }),
    ])
    expect(statements.length).toBe(1)
  })

  it('try no further index for a statement when its limit is reached', async () => {
    const sql = 'SELECT * FROM city WHERE region_id = $1 AND population = $2 AND name = $3'
    const { planner, clock } = slowPlanner(3_000)
    const limits = new TimeLimits({ timeLimitMs: 1_000_000 }, clock)
    const { left } = await adviceOf(snapshot, [entry(sql, { samples: [[7, 8, 'x']] })], {
      planner,
      clock,
      limits,
    })
    expect(left).toMatchObject([
      {
        kind: 'time-limit',
        why: 'The limit of 2 s per statement was reached. Not all indexes for it were tried.',
      },
    ])
  })

  it('are 2 s per statement and 60 s in total by default', () => {
    expect(new TimeLimits()).toMatchObject({ statementTimeoutMs: 2_000, timeLimitMs: 60_000 })
  })
})
