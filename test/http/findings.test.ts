import type { Finding } from '@sluice/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SOON } from '../support/patience.ts'
import { cityTable } from './city-table.ts'
import { frameworks } from './servers.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

// With `node:http`, the app opens scopes and gives them ids.
describe.each(frameworks.filter(({ name }) => name !== 'node:http'))('findings on $name', ({ serve }) => {
  it('contain the id that the response carries', async () => {
    const { sluice, db, close } = await cityTable({ mode: 'observe' })
    closing.push(close)
    const findings: Finding[] = []
    sluice.on('finding', (finding) => findings.push(finding))
    const served = await serve(sluice, [
      {
        path: '/loop',
        answer: async () => {
          for (let id = 1; id <= 6; id += 1) await db('cities').where({ id }).first()
          return { body: 'done' }
        },
      },
    ])
    closing.push(served.close)
    const ids: (string | null)[] = []
    for (let at = 1; at <= 2; at += 1) {
      ids.push((await fetch(`${served.url}/loop`)).headers.get('x-request-id'))
      await vi.waitFor(() => expect(findings).toHaveLength(at), SOON)
    }
    expect(new Set(ids).size).toBe(2)
    expect(findings.map(({ code, requestId }) => [code, requestId])).toEqual(
      ids.map((id) => ['N_PLUS_ONE', id]),
    )
  })
})
