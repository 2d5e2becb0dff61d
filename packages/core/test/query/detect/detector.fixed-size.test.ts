import { createSluice, type Finding } from '@sluice/core'
import type { Operation } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { captureStack } from '../../../src/pipeline/call-site.ts'
import { FakeClock, read } from '../../helpers.ts'

/** A stack with one frame of the app for each of these lines. */
const at = (...lines: readonly number[]) => ({
  stack: `Error${lines.map((line) => `\n    at load (/app/a.ts:${line}:7)`).join('')}`,
})

function setUp(threshold?: number) {
  const sluice = createSluice({
    clock: new FakeClock(),
    detection: threshold === undefined ? {} : { threshold },
  })
  const findings: Finding[] = []
  sluice.on('finding', (finding) => findings.push(finding))
  let value = 0
  const run = (label: string, stack = at(1), values?: unknown) => {
    value += 1
    const operation: Operation<unknown> & { values(): unknown } = {
      ...read({ run: async () => null, label }),
      values: () => values ?? [label, [value]],
      stack: () => stack,
    }
    return hostOf(sluice).execute(operation)
  }
  return { sluice, findings, run }
}

describe('reads of a fixed number', () => {
  it('are not an N+1 if a Promise.all contains three unlike queries', async () => {
    const { sluice, findings, run } = setUp(2)
    for (let request = 0; request < 20; request += 1)
      await sluice.run(() => Promise.all([run('users'), run('orders'), run('prices')]))
    expect(findings).toEqual([])
  })

  it('are not an N+1 if two reads of one normalized query come from two call sites', async () => {
    const { sluice, findings, run } = setUp(2)
    for (let request = 0; request < 20; request += 1) {
      await sluice.run(() => Promise.all([run('users', at(1)), run('users', at(2))]))
      await sluice.run(async () => {
        await run('users', at(3))
        await run('users', at(4))
      })
    }
    expect(findings).toEqual([])
    await sluice.run(() => Promise.all([run('users', at(5)), run('users', at(5))]))
    expect(findings.map(({ callSite, count }) => [callSite?.line, count])).toEqual([[5, 2]])
  })

  it('are not an N+1 if a helper is called from several lines', async () => {
    const { sluice, findings, run } = setUp()
    for (let request = 0; request < 20; request += 1)
      await sluice.run(async () => {
        for (let line = 10; line < 17; line += 1) await run('users', at(1, line, 99))
      })
    expect(findings).toEqual([])
  })

  it('are an N+1 if a helper is called from a loop, wherever the loop is', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      await run('users', at(1, 10, 99))
      for (let i = 0; i < 6; i += 1) await run('users', at(1, 11, 99))
    })
    await sluice.run(async () => {
      for (let i = 0; i < 6; i += 1) await run('orders', at(1, 12, 13, 50, 60 + i))
    })
    await sluice.run(async () => {
      for (let i = 0; i < 40; i += 1) await run('prices', at(1, 20 + (i % 4), 99))
    })
    await sluice.run(async () => {
      for (let i = 0; i < 5; i += 1) await run('no callers', at(1))
    })
    expect(findings.map(({ label, count }) => [label, count])).toEqual([
      ['users', 7],
      ['orders', 6],
      ['prices', 40],
      ['no callers', 5],
    ])
  })

  it('are distinguished from loops in real stacks', async () => {
    const { sluice, findings, run } = setUp()
    const find = async (label: string) => {
      await Promise.resolve()
      return run(label, captureStack() as { stack: string })
    }
    const findLater = async (label: string) => {
      await Promise.resolve()
      return await find(label)
    }
    await sluice.run(async () => {
      await findLater('separate')
      await findLater('separate')
      await findLater('separate')
      await findLater('separate')
      await findLater('separate')
      for (let i = 0; i < 5; i += 1) await findLater('loop')
      await Promise.all(Array.from({ length: 5 }, () => findLater('together')))
      await Promise.all(
        Array.from({ length: 5 }, async () => run('direct', captureStack() as { stack: string })),
      )
    })
    expect(findings.map(({ label, count }) => [label, count])).toEqual([
      ['loop', 5],
      ['together', 5],
      ['direct', 5],
    ])
  })

  it('are duplicate queries regardless of their callers', async () => {
    const { sluice, findings, run } = setUp()
    await sluice.run(async () => {
      for (let line = 10; line < 13; line += 1) await run('me', at(1, line), ['me', [1]])
    })
    expect(findings.map(({ code }) => code)).toEqual(['REPEATED_QUERY'])
  })
})
