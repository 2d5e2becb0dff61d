import { describe, expect, it } from 'vitest'
import { checkIgnoreFile, hasSharedCache } from '../../src/doctor/check-source.ts'
import { AppSources } from '../../src/source/app-sources.ts'
import { appFolder } from '../support/app-folder.ts'

const HEAD = "import { createSluice, readIgnoreFile } from '@sluice/core'\n"
const UNREAD = "import { createSluice } from '@sluice/core'\ncreateSluice()"

async function levels(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { folder, remove } = appFolder(files)
  try {
    return checkIgnoreFile(await AppSources.of(folder), folder).map(({ level }) => level)
  } finally {
    remove()
  }
}

describe('checkIgnoreFile', () => {
  it('warns when no source file reads the ignored findings', async () => {
    expect(await levels({ 'sluice/ignore.json': '{}', 'src/sluice.ts': UNREAD })).toEqual(['warn'])
  })

  it.each([
    ['a call', `${HEAD}createSluice({ detection: { ignore: readIgnoreFile() } })`],
    ['a custom reader', `import file from '../sluice/ignore.json'\n${UNREAD}`],
    ['no Sluice', 'export const port = 3000'],
  ])('finds no problem with %s', async (_what, source) => {
    expect(await levels({ 'sluice/ignore.json': '{}', 'src/sluice.ts': source })).toEqual([])
  })

  it('finds no problem without the file', async () => {
    expect(await levels({ 'src/sluice.ts': UNREAD })).toEqual([])
  })
})

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
