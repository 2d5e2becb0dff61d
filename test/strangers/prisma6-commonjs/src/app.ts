import { PrismaBetterSQLite3 } from '@prisma/adapter-better-sqlite3'
import { createSluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import express from 'express'
import { PrismaClient } from './generated/prisma/client'
import { schema } from './generated/sluice'

export const sluice = createSluice()

const adapter = new PrismaBetterSQLite3({ url: 'file:books.db' })
export const prisma = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) }).$extends(
  withSluice(sluice, { schema }),
)

export async function books(): Promise<unknown[]> {
  const found = await prisma.book.findMany()
  const list: unknown[] = []
  for (const book of found)
    list.push({ ...book, author: await prisma.author.findUnique({ where: { id: book.authorId } }) })
  return list
}

export const app = express()
app.use(sluiceMiddleware(sluice))
app.get('/books', async (_, response) => void response.json(await books()))
