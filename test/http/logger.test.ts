import { Writable } from 'node:stream'
import { createSluice } from '@sluice/core'
import { sluicePlugin } from '@sluice/fastify'
import { withSluice } from '@sluice/knex'
import fastify from 'fastify'
import knexFactory from 'knex'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../support/patience.ts'

type Line = Readonly<Record<string, unknown>>

describe("findings in the log of Fastify's own pino", () => {
  it('contain the call site, the fix and the id of the request, once, without values, and nothing is printed elsewhere', async () => {
    const lines: Line[] = []
    const stream = new Writable({
      write: (chunk, _, done) => {
        lines.push(
          ...String(chunk)
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as Line),
        )
        done()
      },
    })
    const stderr = vi.spyOn(process.stderr, 'write')
    onTestFinished(() => stderr.mockRestore())
    const app = fastify({ logger: { level: 'info', stream } })
    const sluice = createSluice({ logger: app.log })
    const db = withSluice(
      knexFactory({
        client: 'better-sqlite3',
        connection: ':memory:',
        useNullAsDefault: true,
        pool: { min: 1, max: 1 },
      }),
      sluice,
    )
    onTestFinished(async () => {
      await app.close()
      await db.destroy()
      await sluice.close()
    })
    await db.schema.createTable('city', (table) => {
      table.increments('id')
      table.string('name')
    })
    for (let id = 1; id <= 6; id += 1) await db('city').insert({ id, name: `Secret ${id}` })
    await app.register(sluicePlugin, { sluice, requestId: { trust: true } })
    app.get('/cities', async () => {
      for (let id = 1; id <= 6; id += 1)
        await db('city')
          .where({ id, name: `Secret ${id}` })
          .first()
      return 'done'
    })
    for (let time = 0; time < 11; time += 1)
      await app.inject({ url: '/cities', headers: { 'x-request-id': `request-${time}` } })
    const findings = () => lines.filter(({ code }) => code === 'N_PLUS_ONE')
    await expect.poll(() => findings().length, SOON).toBe(2)
    const [first, tenth] = findings()
    expect(first).toMatchObject({
      level: 40,
      name: 'sluice',
      scope: 'GET /cities',
      requestId: 'request-0',
      count: 6,
      queries: 6,
      queriesPossible: 1,
    })
    expect(first?.at).toMatch(/^test\/http\/logger\.test\.ts:\d+:\d+$/)
    expect(first?.msg).toBe('N+1  GET /cities: 6 queries, 1 possible')
    expect(tenth).toMatchObject({ finding: first?.finding, times: 10, requestId: 'request-9' })
    expect(JSON.stringify(findings())).not.toContain('Secret')
    expect(stderr.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('N+1'))).toEqual([])
  })
})
