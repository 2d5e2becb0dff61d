import type { Dialect } from '@sluice/core'

const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  cockroachdb: 'postgresql',
  sqlite: 'sqlite',
  mysql: 'mysql',
}

/** The dialect of a Prisma provider; `undefined` for those that Sluice does not read. */
export function dialectOf(provider: string | undefined): Dialect | undefined {
  return provider === undefined ? undefined : DIALECTS[provider]
}
