import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { expectQueries } from '@sluice/core/testing'
import Sqlite from 'better-sqlite3'
import { app, books, prisma, sluice } from './app'

before(async () => {
  // Like `prisma db push`, which downloads an engine.
  const database = new Sqlite('books.db')
  database.exec(
    'CREATE TABLE Author (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL); CREATE TABLE Book (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, authorId INTEGER NOT NULL REFERENCES Author (id))',
  )
  database.close()
  for (let id = 1; id <= 10; id += 1)
    await prisma.author.create({ data: { id, name: `Author ${id}`, books: { create: {} } } })
})

after(async () => {
  await sluice.close()
  await prisma.$disconnect()
})

test('reports its N+1 query with the call site', async () => {
  const found: string[] = []
  sluice.on('finding', ({ code, callSite }) => found.push(`${code} ${callSite?.file}`))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/books`)
  assert.equal(((await response.json()) as unknown[]).length, 10)
  server.close()
  server.closeAllConnections()
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /^N_PLUS_ONE .*app\.[jt]s$/)
})

test('has a budget', async () => {
  await expectQueries(() => prisma.book.findMany({ include: { author: true } })).toBeAtMost(2)
  await assert.rejects(expectQueries(books).toBeAtMost(3), /expected at most 3 queries, got 11/)
})
