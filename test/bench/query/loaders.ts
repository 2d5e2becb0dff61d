import { createRequire } from 'node:module'

interface Loader<K, V> {
  load(key: K): Promise<V>
}

type LoaderClass = new <K, V>(
  loadMany: (keys: readonly K[]) => Promise<readonly V[]>,
  options?: { readonly cacheKeyFn?: (key: K) => unknown },
) => Loader<K, V>

/** The version that `@sluice/core` depends on. */
const requireFromCore = createRequire(new URL('../../../packages/core/package.json', import.meta.url))
const DataLoader = requireFromCore('dataloader') as LoaderClass

/** Loads the one row of a key, or `null`. */
export function rowLoader<K, R>(
  find: (keys: K[]) => PromiseLike<readonly R[]>,
  keyOf: (row: R) => K,
  text: (key: K) => unknown = (key) => key,
): (key: K) => Promise<R | null> {
  const loader = new DataLoader<K, R | null>(
    async (keys) => {
      const rows = new Map((await find([...keys])).map((row) => [text(keyOf(row)), row]))
      return keys.map((key) => rows.get(text(key)) ?? null)
    },
    { cacheKeyFn: text },
  )
  return (key) => loader.load(key)
}

/** Loads all rows of a key, in their original order. */
export function rowsLoader<R>(
  find: (keys: number[]) => PromiseLike<readonly R[]>,
  keyOf: (row: R) => number,
): (key: number) => Promise<R[]> {
  const loader = new DataLoader<number, R[]>(async (keys) => {
    const groups = new Map(keys.map((key): [number, R[]] => [key, []]))
    for (const row of await find([...keys])) groups.get(keyOf(row))?.push(row)
    return keys.map((key) => groups.get(key) ?? [])
  })
  return (key) => loader.load(key)
}
