import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const MAX_BYTES = 30_000_000

/**
 * Prints the size of the site.
 *
 * @throws Error if it is too large: the build fails.
 */
export async function checkSize(outDir: string): Promise<void> {
  const entries = await readdir(outDir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  )
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  console.log(`The site has ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB.`)
  if (bytes > MAX_BYTES) throw new Error(`The site is larger than ${MAX_BYTES / 1e6} MB.`)
}
