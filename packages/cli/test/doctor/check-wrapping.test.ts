import { describe, expect, it } from 'vitest'
import { checkSource } from '../../src/doctor/check-source.ts'
import { appFolder } from '../support/app-folder.ts'

const IMPORTS = `import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice } from '@sluice/core'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { PrismaClient } from './generated/client.js'
const sluice = createSluice()
const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL })
`

async function check(body: string, files: Readonly<Record<string, string>> = {}) {
  const { folder, remove } = appFolder({ 'src/db.ts': IMPORTS + body, ...files })
  try {
    return await checkSource(folder)
  } finally {
    remove()
  }
}

const ONCE = [{ level: 'ok', text: 'adapter is wrapped once (src/db.ts:7)' }]

describe('checkWrapping', () => {
  it.each([
    [
      'in one expression',
      'export const prisma = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }).$extends(withSluice(sluice))\n',
    ],
    [
      'with other extensions',
      'export const prisma = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }).$extends(other).$extends(withSluice(sluice))\n',
    ],
    [
      'with types',
      'export const prisma = (new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }) as Client).$extends(withSluice(sluice, { schema }))\n',
    ],
    [
      'with the options in a variable',
      'export const prisma = new PrismaClient(options).$extends(withSluice(sluice))\nconst options = { adapter: sluiceAdapter(adapter, sluice) }\n',
    ],
  ])('passes when the adapter is wrapped once %s', async (_how, body) => {
    expect(await check(body)).toEqual(ONCE)
  })

  it('fails when the client is extended twice, also in another file', async () => {
    const fail = [
      {
        level: 'fail',
        text: 'withSluice is applied 2 times to one client: Sluice counts each query as often, and caches nothing',
      },
    ]
    expect(
      await check(
        'export const prisma = new PrismaClient({ adapter }).$extends(withSluice(sluice)).$extends(withSluice(sluice))\n',
      ),
    ).toMatchObject(fail)
    const base =
      'export const prisma = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }).$extends(withSluice(sluice))\n'
    const other =
      "import { withSluice } from '@sluice/prisma'\nimport { prisma } from './db.ts'\nexport const again = prisma.$extends(withSluice())\n"
    expect(await check(base, { 'src/again.ts': other })).toMatchObject([
      { ...fail[0], fix: 'Extend the client once, in src/again.ts:3' },
    ])
  })

  it('fails when the adapter is wrapped twice', async () => {
    const body =
      'const first = sluiceAdapter(adapter, sluice)\nexport const prisma = new PrismaClient({ adapter: sluiceAdapter(first, sluice) }).$extends(withSluice(sluice))\n'
    expect(await check(body)).toMatchObject([
      {
        level: 'fail',
        text: 'sluiceAdapter wraps one adapter 2 times: Sluice counts each statement as often',
      },
    ])
  })

  it('warns when the adapter is not wrapped', async () => {
    expect(
      await check('export const prisma = new PrismaClient({ adapter }).$extends(withSluice(sluice))\n'),
    ).toMatchObject([
      { level: 'warn', text: expect.stringMatching(/^adapter is not wrapped \(src\/db\.ts:7\)/) },
    ])
  })

  it('fails when the adapter and the client have different Sluices', async () => {
    const with_ = (second: string) =>
      `export const prisma = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }).$extends(withSluice(${second}))\nconst other = createSluice()\n`
    const fail = [
      { level: 'fail', text: expect.stringMatching(/^adapter and client have different Sluices/) },
    ]
    expect(await check(with_('other'))).toMatchObject(fail)
    expect(await check(with_(''))).toMatchObject(fail)
    expect(await check(with_('getDefaultSluice()'))).toEqual(ONCE)
  })

  it('reports nothing when the origin of the client or the adapter is unknown', async () => {
    expect(await check('export const extend = (client) => client.$extends(withSluice(sluice))\n')).toEqual([])
    expect(
      await check(
        'export const prisma = new PrismaClient({ adapter: adapterOf(sluice) }).$extends(withSluice(sluice))\n',
      ),
    ).toEqual([])
    expect(
      await check('export const prisma = new PrismaClient(options()).$extends(withSluice(sluice))\n'),
    ).toEqual([])
    expect(await check('export const prisma = new PrismaClient({ adapter }).$extends(other)\n')).toEqual([])
  })

  it('distinguishes clients that extend one base client', async () => {
    const body =
      'const base = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) })\nexport const one = base.$extends(withSluice(sluice))\nexport const two = base.$extends(withSluice(sluice))\n'
    expect(await check(body)).toMatchObject([{ level: 'ok' }, { level: 'ok' }])
  })
})
