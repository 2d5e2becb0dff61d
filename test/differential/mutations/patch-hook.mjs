// Module hooks that load sources with one string replaced. Files on disk do not change.
import { fileURLToPath } from 'node:url'
import { patched } from './patched.mjs'

let patches = []

export function initialize(data) {
  patches = data
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context)
  if (!url.startsWith('file:')) return loaded
  const path = fileURLToPath(url.split('?')[0])
  const own = patches.filter((patch) => patch.path === path)
  if (own.length === 0 || loaded.source === null || loaded.source === undefined) return loaded
  const text = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source).toString('utf8')
  const source = patched(text, own)
  return {
    ...loaded,
    source: `${source}\nObject.assign(globalThis, { [Symbol.for('sluice.mutated')]: true })\n`,
  }
}
