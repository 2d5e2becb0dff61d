import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice } from '@sluice/core'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { PrismaClient } from './generated/prisma/client'
import { schema } from './generated/sluice'

const mode = process.env.APP_MODE ?? 'bare'
export const sluice = mode === 'bare' ? undefined : createSluice({ mode: mode as 'observe' | 'optimize' })
const findings = new Map<string, string>()
sluice?.on('finding', ({ id, code, count, label, scope, fix }) =>
  findings.set(id, `${code} ${count} × ${label} in ${scope}: ${fix ?? 'no fix known'}`),
)
sluice?.on('error', (error) => console.error('Sluice:', error))
// Read by the preloaded script.
Object.assign(globalThis, {
  __appReport: () => sluice && { ...sluice.queries.getStats(), findings: [...findings.values()] },
})

const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL, max: 10 })
const create = () =>
  new PrismaClient({ adapter: sluice === undefined ? adapter : sluiceAdapter(adapter, sluice) })

export const prisma: PrismaClient =
  sluice === undefined
    ? create()
    : (create().$extends(withSluice(sluice, { schema })) as unknown as PrismaClient)
