import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice, type Sluice } from '@sluice/core'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { PrismaClient } from './generated/prisma/client'
import { schema } from './generated/sluice'

// Defined by the preloaded script.
export const sluice = (
  globalThis as { createAppSluice?: (create: typeof createSluice) => Sluice }
).createAppSluice?.(createSluice)

const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL, max: 10 })
const create = () =>
  new PrismaClient({ adapter: sluice === undefined ? adapter : sluiceAdapter(adapter, sluice) })

export const prisma: PrismaClient =
  sluice === undefined
    ? create()
    : (create().$extends(withSluice(sluice, { schema })) as unknown as PrismaClient)
