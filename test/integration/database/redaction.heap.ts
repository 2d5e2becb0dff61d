import { getHeapSnapshot } from 'node:v8'
import { createSluice } from '@sluice/core'
import { readWorkload, writeWorkload } from '@sluice/core/database'
import { withSluice } from '@sluice/knex'
import knex from 'knex'
import { createSqliteDatabase } from '../../support/sqlite-database.ts'

/**
 * Prints how many of the values that an app bound are found in the heap afterwards, and in the file, with and
 * without redaction. Requires `--expose-gc`. Uses Knex, because a Prisma client without Sluice retains the
 * values of its queries itself.
 */

/** Matches no part of this file. */
const VALUE = /bound\d+value/g

async function found(redact: boolean): Promise<{ heap: number; file: number; calls: number }> {
  const database = await createSqliteDatabase()
  await database.exec('create table tags (id integer primary key, label text)')
  const sluice = createSluice({ mode: 'observe', database: { workload: { redact } } })
  const db = withSluice(knex(database.knexConfig()), sluice)
  const base = redact ? 1000 : 2000
  for (let at = 0; at < 20; at += 1) {
    const label = `bound${base + at}value`
    await db('tags').insert({ label })
    await sluice.run(() => db('tags').where({ label }).select('id'))
  }
  await db.destroy()
  // Stacks that wait to be read hold the values of their functions.
  await new Promise((resolve) => setTimeout(resolve, 500))
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    globalThis.gc?.()
  }
  const heap = await countInHeap(new RegExp(`bound${redact ? 1 : 2}\\d{3}value`, 'g'))
  const file = writeWorkload(sluice.database?.getWorkload() ?? [])
  const calls = readWorkload(file).reduce((sum, one) => sum + one.calls, 0)
  await sluice.close()
  await database.drop()
  return { heap, file: file.match(VALUE)?.length ?? 0, calls }
}

async function countInHeap(pattern: RegExp): Promise<number> {
  const values = new Set<string>()
  let rest = ''
  for await (const chunk of getHeapSnapshot()) {
    const text = rest + String(chunk)
    for (const [value] of text.matchAll(pattern)) values.add(value)
    rest = text.slice(-20)
  }
  return values.size
}

console.log(JSON.stringify({ redacted: await found(true), kept: await found(false) }))
