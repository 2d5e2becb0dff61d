import { adapterContract } from '@sluice/core/adapter-contract'
import pg from 'pg'

/** A case that runs in a separate process, because Prisma 8 needs a newer Node. */
export interface Case {
  readonly name: string
  /** Rejects if it fails. Resolves to why it does not apply. */
  run(url: string): Promise<string | undefined>
}

/** The cases of the adapter contract. Prisma 8 is only loaded when one runs. */
export const CONTRACT_CASES: readonly Case[] = adapterContract(() => {
  throw new Error('Only the names are used.')
}).map(({ name }, at) => ({
  name,
  async run(url) {
    const { prisma8Harness } = await import('./prisma8-harness.ts')
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    const exec = async (script: string) => void (await pool.query(script))
    try {
      const cases = adapterContract(() => prisma8Harness({ dialect: 'postgresql', url, exec }))
      return await cases[at]?.run()
    } finally {
      await pool.end()
    }
  },
}))
