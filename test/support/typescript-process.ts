import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Whether the packages were built just before, as by `npm test`. A process loads them 1 to 2 s of CPU time
 * faster than their sources.
 */
export const isBuilt: boolean = process.env.SLUICE_TEST_BUILT === 'true'

/** The loader of TypeScript. */
export const TSX: string = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** Flags of Node that run TypeScript on the sources of the packages. */
export const SOURCE_FLAGS: readonly string[] = ['--import', TSX, '--conditions=@sluice/source']

/** Flags of Node that run TypeScript: on the built packages after a build, otherwise on their sources. */
export const FLAGS: readonly string[] = isBuilt ? ['--import', TSX] : SOURCE_FLAGS

const cli = join(import.meta.dirname, '../../packages/cli')

/** Arguments of Node that run the command line. */
export const CLI: readonly string[] = isBuilt
  ? [join(cli, 'dist/bin.js')]
  : [...SOURCE_FLAGS, join(cli, 'src/bin.ts')]
