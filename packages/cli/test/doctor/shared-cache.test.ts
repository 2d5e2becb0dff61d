import { describe, expect, it } from 'vitest'
import { hasSharedCache } from '../../src/doctor/shared-cache.ts'
import { AppSources } from '../../src/source/app-sources.ts'
import { appFolder } from '../support/app-folder.ts'

async function isShared(body: string): Promise<boolean> {
  const head = `import { createSluice } from '@sluice/core'\nimport { redisStore } from '@sluice/redis'\nimport { memcachedStore } from '@sluice/memcached'\n`
  const { folder, remove } = appFolder({ 'src/sluice.ts': head + body })
  try {
    return hasSharedCache(await AppSources.of(folder))
  } finally {
    remove()
  }
}

describe('hasSharedCache', () => {
  it.each([
    ['a Redis store', 'createSluice({ cache: { store: redisStore(redis) } })'],
    ['a Redis store in a variable', 'const store = redisStore(redis)'],
    ['a Memcached store', "createSluice({ cache: { store: memcachedStore({ state: 'cache' }) } })"],
    ['a Memcached store in a variable', "const store = memcachedStore({ state: 'cache' })"],
    ['a custom store', 'createSluice({ cache: { store: custom } })'],
    ['options in variables', 'const cache = { store }\nconst options = { cache }\ncreateSluice(options)'],
  ])('is true with %s', async (_what, body) => {
    expect(await isShared(body)).toBe(true)
  })

  it.each([
    ['only an import', ''],
    ['a cache without a store', 'createSluice({ cache: { ttl: 5 } })'],
    ['no cache', 'createSluice({ cache: false })'],
    ['another function of the same name', 'import { redisStore as other } from "sessions"\nother(redis)'],
  ])('is false with %s', async (_what, body) => {
    expect(await isShared(body)).toBe(false)
  })
})
